"""Sections 3.1.2 to 3.1.2.2: every mailbox keeps mod-sequences, and says so when it is opened."""

from pathlib import Path

import pytest

from tests.rfc7162.client import Client, Exchange
from tests.rfc7162.hosts import Host, maildird
from tests.rfc7162.responses import MailboxStatus, Status
from tests.rfc7162.scenes import deliver, known, modseqs
from tests.rfc7162.statements import dovecot_differs, proves

OPENING = ("SELECT {}", "EXAMINE {}", "SELECT {} (CONDSTORE)", "EXAMINE {} (CONDSTORE)")


def assert_keeps_modseqs(opened: Exchange) -> int:
    """HIGHESTMODSEQ stands in one untagged OK, NOMODSEQ nowhere; gives its value."""
    codes = [s for s in opened.all(Status) if s.code in ("HIGHESTMODSEQ", "NOMODSEQ")]
    assert [(s.condition, s.code) for s in codes] == [("OK", "HIGHESTMODSEQ")]
    assert opened.tagged.code in ("READ-WRITE", "READ-ONLY")
    value = int(codes[0].argument)
    assert 0 < value < 2**63
    return value


@proves("3.1.2#1", "3.1.2.1#1")
@pytest.mark.parametrize("opening", OPENING)
async def test_each_opening_says_highestmodseq_once_enabled(
    host: Host, me: Client, opening: str
) -> None:
    deliver(host, 1)
    await me.do("CREATE elsewhere")
    await me.do("ENABLE CONDSTORE")
    for mailbox in ("INBOX", "elsewhere", "INBOX", "INBOX"):
        assert_keeps_modseqs(await me.do(opening.format(mailbox)))


@proves("3.1.2#2", "3.1.2#3")
@pytest.mark.parametrize("opening", OPENING[2:])
async def test_an_opening_that_enables_says_it(host: Host, me: Client, opening: str) -> None:
    deliver(host, 1)
    assert_keeps_modseqs(await me.do(opening.format("INBOX")))


@proves("3.1.2#3")
@dovecot_differs(
    "nothing is said before CONDSTORE is enabled; section 3.1.2.1 knows of such servers"
)
@pytest.mark.parametrize("opening", OPENING[:2])
async def test_an_opening_before_that_says_it_too(host: Host, me: Client, opening: str) -> None:
    deliver(host, 1)
    assert_keeps_modseqs(await me.do(opening.format("INBOX")))


@proves("3.1.2#2", "3.1.2#3", "3.1.2#4", "3.1.2.2#1")
async def test_no_mailbox_says_nomodseq(host: Host, me: Client) -> None:
    assert_keeps_modseqs(await me.do("SELECT INBOX (CONDSTORE)"))
    deliver(host, 1)
    assert_keeps_modseqs(await me.do("SELECT INBOX"))
    await me.do("CREATE new")
    assert_keeps_modseqs(await me.do("SELECT new"))
    await me.append("new")
    await me.do("NOOP")
    assert_keeps_modseqs(await me.do("EXAMINE new"))
    await me.do("UNSELECT")
    await me.do("RENAME new renamed")
    assert_keeps_modseqs(await me.do("SELECT renamed"))
    await me.do("STORE 1 +FLAGS (\\Deleted)")
    await me.do("CLOSE")
    assert_keeps_modseqs(await me.do("SELECT renamed"))
    await me.do("UNSELECT")
    await me.do("DELETE renamed")
    await me.do("CREATE renamed")
    assert_keeps_modseqs(await me.do("SELECT renamed"))


@proves("3.1.2#4", "3.1.2.2#1")
async def test_folders_that_other_programs_make_keep_them_too(host: Host, me: Client) -> None:
    for subdir in ("cur", "new", "tmp"):
        (host.beside.folder("made") / subdir).mkdir(parents=True)
    assert_keeps_modseqs(await me.do("SELECT made (CONDSTORE)"))
    deliver(host, 2, "made")
    assert_keeps_modseqs(await me.do("SELECT made"))
    assert len(await modseqs(me)) == 2


@proves("3.1.2.2#3", "3.1.7#1")
@pytest.mark.parametrize("mailbox", ["INBOX", "new"])
async def test_commands_with_modseqs_are_served_in_every_mailbox(
    host: Host, me: Client, mailbox: str
) -> None:
    await me.do("CREATE new")
    status = (await me.do(f"STATUS {mailbox} (HIGHESTMODSEQ)")).one(MailboxStatus)
    assert status.numbers["HIGHESTMODSEQ"] > 0
    await me.append(mailbox)
    await me.do(f"SELECT {mailbox}")
    for command in (
        "FETCH 1 FLAGS (CHANGEDSINCE 1)",
        "FETCH 1 MODSEQ",
        "SEARCH MODSEQ 1",
        "STORE 1 (UNCHANGEDSINCE 1) +FLAGS (\\Seen)",
    ):
        await me.do(command)


@proves("3.1.2.1#1")
async def test_highestmodseq_is_not_below_any_message(host: Host, me: Client) -> None:
    deliver(host, 3)
    before = assert_keeps_modseqs(await me.do("SELECT INBOX (CONDSTORE)"))
    assert before >= max((await modseqs(me)).values())
    stored = await me.do("STORE 2 +FLAGS (\\Seen)")
    after = assert_keeps_modseqs(await me.do("SELECT INBOX"))
    assert after >= known(stored.fetches[2].modseq) > before


@proves("3.1.2.1#1")
async def test_it_stays_where_nothing_changes(host: Host, me: Client, other: Client) -> None:
    deliver(host, 3)
    first = assert_keeps_modseqs(await me.do("SELECT INBOX (CONDSTORE)"))
    assert assert_keeps_modseqs(await other.do("EXAMINE INBOX (CONDSTORE)")) == first
    await me.do("FETCH 1:* (FLAGS BODY.PEEK[])")
    assert assert_keeps_modseqs(await me.do("SELECT INBOX")) == first


@proves("3.1.2.1#1")
async def test_it_never_falls(host: Host, me: Client) -> None:
    deliver(host, 4)
    told = [assert_keeps_modseqs(await me.do("SELECT INBOX (CONDSTORE)"))]
    for change in (
        "STORE 4 +FLAGS (\\Seen)",
        "STORE 4 +FLAGS (\\Deleted)",
        "EXPUNGE",
        "STORE 1:* +FLAGS.SILENT (\\Deleted)",
        "EXPUNGE",
    ):
        await me.do(change)
        told.append(assert_keeps_modseqs(await me.do("SELECT INBOX")))
    assert told == sorted(told)


@proves("3.1.2#2")
async def test_mod_sequences_outlive_the_server(tmp_path: Path) -> None:
    async with maildird(tmp_path) as host:
        deliver(host, 3)
        me = await host.connect()
        await me.do("SELECT INBOX (CONDSTORE)")
        await me.do("STORE 3 +FLAGS (\\Deleted)")
        await me.do("STORE 1 +FLAGS (\\Seen)")
        await me.do("EXPUNGE")
        kept = await modseqs(me)
        highest = assert_keeps_modseqs(await me.do("SELECT INBOX"))
    async with maildird(tmp_path) as host:
        me = await host.connect()
        assert assert_keeps_modseqs(await me.do("SELECT INBOX (CONDSTORE)")) == highest
        assert await modseqs(me) == kept
        stored = await me.do("STORE 2 +FLAGS (\\Seen)")
        assert known(stored.fetches[2].modseq) > highest
