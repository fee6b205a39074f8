"""Sections 3.1 and 3.1.8: the commands that enable CONDSTORE, and what they change."""

import pytest

from tests.rfc7162.client import Client, Exchange
from tests.rfc7162.hosts import Host
from tests.rfc7162.responses import Fetch, Status
from tests.rfc7162.scenes import deliver, known, modseqs, opened
from tests.rfc7162.statements import dovecot_differs, proves

OPENING = ("SELECT INBOX (CONDSTORE)", "EXAMINE INBOX (CONDSTORE)")
ANYWHERE = (
    "STATUS INBOX (HIGHESTMODSEQ)",
    "STATUS elsewhere (MESSAGES HIGHESTMODSEQ)",
    "ENABLE CONDSTORE",
)
SELECTED = (
    "FETCH 1 MODSEQ",
    "UID FETCH 1 (FLAGS MODSEQ)",
    "FETCH 1 FLAGS (CHANGEDSINCE 1)",
    "UID FETCH 1:* UID (CHANGEDSINCE 1)",
    "SEARCH MODSEQ 1",
    "UID SEARCH MODSEQ 1",
    "SEARCH OR SEEN NOT MODSEQ 1",
    "SEARCH RETURN (COUNT) MODSEQ 1",
    "STORE 1 (UNCHANGEDSINCE 9999999999999) +FLAGS (\\Draft)",
    "UID STORE 1 (UNCHANGEDSINCE 9999999999999) +FLAGS.SILENT (\\Draft)",
)


def highestmodseqs(exchange: Exchange) -> list[int]:
    """All that HIGHESTMODSEQ was told to be, in untagged OK."""
    codes = [status for status in exchange.all(Status) if status.code == "HIGHESTMODSEQ"]
    assert all(status.condition == "OK" for status in codes)
    return [int(status.argument) for status in codes]


async def own_store(host: Host, me: Client, other: Client) -> Exchange:
    return await me.do("STORE 1 +FLAGS (\\Flagged)")


async def own_silent_store(host: Host, me: Client, other: Client) -> Exchange:
    return await me.do("STORE 1:2 +FLAGS.SILENT ($Silent)")


async def own_uid_store(host: Host, me: Client, other: Client) -> Exchange:
    return await me.do("UID STORE 1 -FLAGS.SILENT ($Tested)")


async def own_conditional_store(host: Host, me: Client, other: Client) -> Exchange:
    return await me.do(f"STORE 1 (UNCHANGEDSINCE {2**62}) +FLAGS.SILENT ($Conditional)")


async def own_reading(host: Host, me: Client, other: Client) -> Exchange:
    return await me.do("FETCH 1 BODY[TEXT]")


async def own_reading_by_uid(host: Host, me: Client, other: Client) -> Exchange:
    return await me.do("UID FETCH 2 RFC822")


async def another_session(host: Host, me: Client, other: Client) -> Exchange:
    await other.do("STORE 1 +FLAGS.SILENT (\\Answered)")
    return await me.do("NOOP")


async def another_session_reading(host: Host, me: Client, other: Client) -> Exchange:
    await other.do("FETCH 3 BODY[TEXT]")
    return await me.do("NOOP")


async def another_session_while_storing(host: Host, me: Client, other: Client) -> Exchange:
    await other.do("STORE 3 +FLAGS.SILENT (\\Answered)")
    return await me.do("STORE 2 -FLAGS.SILENT ($Tested)")


async def another_session_while_idle(host: Host, me: Client, other: Client) -> Exchange:
    idling = await me.begin("IDLE")
    await me.response()
    await other.do("STORE 2 +FLAGS.SILENT (\\Answered)")
    heard = await me.response()
    await me.stream.send_all(b"DONE\r\n")
    rest = await me.ending(idling)
    return Exchange([heard, *rest.untagged], rest.tagged)


async def another_program(host: Host, me: Client, other: Client) -> Exchange:
    host.beside.reflag(host.beside.files("INBOX")[0], "DT")
    return await me.do("CHECK")


CHANGES = (
    own_store,
    own_silent_store,
    another_session,
    another_session_reading,
    another_session_while_storing,
    another_session_while_idle,
    another_program,
    own_conditional_store,
)
"""What changes flags; each does once, side by side with the others."""

READINGS = (own_reading, own_reading_by_uid)


async def begin(host: Host, me: Client, other: Client) -> None:
    """Three messages with a keyword; nobody who stays connected has enabled anything."""
    deliver(host, 3)
    await me.do("CREATE elsewhere")
    await other.do("SELECT INBOX")
    await other.do("STORE 1:3 +FLAGS.SILENT ($Tested)")


@proves("3.1#7")
@pytest.mark.parametrize("command", ANYWHERE + SELECTED)
async def test_the_first_one_is_told_highestmodseq_once(
    host: Host, me: Client, other: Client, command: str
) -> None:
    await begin(host, me, other)
    await me.do("SELECT INBOX")
    (told,) = highestmodseqs(await me.do(command))
    assert told >= max((await modseqs(await opened(host), "2")).values())
    for again in ANYWHERE + SELECTED[:-2]:
        assert highestmodseqs(await me.do(again)) == []


@proves("3.1#7")
@pytest.mark.parametrize("command", ANYWHERE)
async def test_without_a_mailbox_there_is_nothing_to_tell(
    host: Host, me: Client, other: Client, command: str
) -> None:
    await begin(host, me, other)
    assert highestmodseqs(await me.do(command)) == []
    assert len(highestmodseqs(await me.do("SELECT INBOX"))) == 1
    assert highestmodseqs(await me.do("FETCH 1 MODSEQ")) == []


@proves("3.1#7", "3.1.8#1")
@pytest.mark.parametrize("command", OPENING)
async def test_opening_says_it_once(host: Host, me: Client, other: Client, command: str) -> None:
    await begin(host, me, other)
    assert len(highestmodseqs(await me.do(command))) == 1
    for again in ANYWHERE + SELECTED[:-2]:
        assert highestmodseqs(await me.do(again)) == []


@proves("3.1#6", "3.1.3#16")
@pytest.mark.parametrize("command", ANYWHERE + SELECTED)
async def test_then_every_fetch_says_modseq(
    host: Host, me: Client, other: Client, command: str
) -> None:
    await begin(host, me, other)
    await me.do("SELECT INBOX")
    await me.do(command)
    for cause in (own_uid_store, *CHANGES):
        await says_modseq(await cause(host, me, other), host)


@proves("3.1.8#1")
async def test_so_it_does_after_opening_with_condstore(
    host: Host, me: Client, other: Client
) -> None:
    await begin(host, me, other)
    await me.do("SELECT INBOX (CONDSTORE)")
    for cause in (own_uid_store, *CHANGES):
        await says_modseq(await cause(host, me, other), host)


@proves("3.1.8#1")
async def test_so_it_does_after_examining_with_condstore(
    host: Host, me: Client, other: Client
) -> None:
    await begin(host, me, other)
    await me.do("EXAMINE INBOX (CONDSTORE)")
    for cause in (another_session, another_session_while_idle, another_program):
        await says_modseq(await cause(host, me, other), host)


@proves("3.1#6")
@pytest.mark.parametrize("command", [*ANYWHERE, "SELECT elsewhere (CONDSTORE)"])
async def test_so_it_does_in_mailboxes_that_are_opened_later(
    host: Host, me: Client, other: Client, command: str
) -> None:
    await begin(host, me, other)
    await me.do(command)
    await me.do("SELECT INBOX")
    for cause in (own_uid_store, *CHANGES):
        await says_modseq(await cause(host, me, other), host)


@proves("3.1#6")
@dovecot_differs("FLAGS with the content go without MODSEQ, which a second FETCH adds")
@pytest.mark.parametrize("command", OPENING[:1] + ANYWHERE + SELECTED)
async def test_a_fetch_that_sets_seen_says_modseq_with_the_flags(
    host: Host, me: Client, other: Client, command: str
) -> None:
    await begin(host, me, other)
    await me.do("SELECT INBOX")
    await me.do(command)
    for cause in READINGS:
        await says_modseq(await cause(host, me, other), host)


@proves("3.1#6")
@pytest.mark.parametrize("command", OPENING[:1] + ANYWHERE + SELECTED)
async def test_a_fetch_that_sets_seen_says_modseq(
    host: Host, me: Client, other: Client, command: str
) -> None:
    await begin(host, me, other)
    await me.do("SELECT INBOX")
    await me.do(command)
    heard = await own_reading(host, me, other)
    assert "\\Seen" in known(heard.fetches[1].flags)
    assert heard.fetches[1].modseq == (await modseqs(await opened(host)))[1]


@proves("3.1.4.2#1", "3.1.4.2#2")
@dovecot_differs("UID stands in an untagged FETCH only after ENABLE QRESYNC")
@pytest.mark.parametrize("command", OPENING[:1] + ANYWHERE + SELECTED)
async def test_then_every_fetch_says_uid(
    host: Host, me: Client, other: Client, command: str
) -> None:
    await begin(host, me, other)
    await me.do("SELECT INBOX")
    await me.do(command)
    for cause in (*CHANGES, *READINGS):
        fetches = (await cause(host, me, other)).all(Fetch)
        assert fetches
        assert all(fetch.uid is not None for fetch in fetches)


async def says_modseq(heard: Exchange, host: Host) -> None:
    """Every FETCH has MODSEQ, and that of the last one is what a newcomer is told."""
    fetches = heard.all(Fetch)
    assert fetches
    assert all(fetch.modseq is not None for fetch in fetches)
    newcomer = await modseqs(await opened(host))
    assert all(known(fetch.modseq) == newcomer[fetch.seq] for fetch in heard.fetches.values())


async def test_nothing_is_told_to_who_enables_nothing(
    host: Host, me: Client, other: Client
) -> None:
    await begin(host, me, other)
    await me.do("SELECT INBOX")
    for cause in (own_store, own_reading, another_session):
        heard = await cause(host, me, other)
        assert [fetch.modseq for fetch in heard.all(Fetch)] == [None]
