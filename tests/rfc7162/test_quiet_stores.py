"""Section 3.1.11: what changes no flag gives no new mod-sequence, and nobody is told."""

import pytest

from tests.rfc7162.client import Client
from tests.rfc7162.hosts import Host
from tests.rfc7162.responses import Fetch
from tests.rfc7162.scenes import deliver, known, modseqs, opened
from tests.rfc7162.statements import proves

NOTHING_NEW = (
    "STORE 1 +FLAGS (\\Seen)",
    "STORE 1 +FLAGS.SILENT (\\Seen $Tested)",
    "STORE 1 -FLAGS.SILENT (\\Draft)",
    "STORE 1 -FLAGS ($Other)",
    "STORE 1 FLAGS ($Tested \\Seen)",
    "UID STORE 1 +FLAGS.SILENT ()",
    "STORE 1 (UNCHANGEDSINCE 9999999999999) +FLAGS.SILENT (\\Seen)",
    "STORE 1 (UNCHANGEDSINCE 9999999999999) -FLAGS ($Other)",
    "UID STORE 1 (UNCHANGEDSINCE 9999999999999) FLAGS.SILENT (\\Seen $Tested)",
    "STORE 1 (UNCHANGEDSINCE 1) +FLAGS (\\Seen)",
    "FETCH 1 BODY[]",
    "UID FETCH 1 RFC822.TEXT",
    "FETCH 1 BODY.PEEK[]",
)


@pytest.fixture
async def watcher(host: Host, me: Client) -> Client:
    """`me` has set \\Seen and `$Tested` on one message; somebody else has it selected too."""
    deliver(host, 2)
    await me.do("SELECT INBOX (CONDSTORE)")
    await me.do("STORE 1 FLAGS (\\Seen $Tested)")
    await me.do("STORE 2 FLAGS ($Other)")
    return await opened(host)


@proves("3.1.11#1")
@pytest.mark.parametrize("command", NOTHING_NEW)
async def test_what_changes_no_flag_gives_no_modseq(
    host: Host, me: Client, watcher: Client, command: str
) -> None:
    before = await modseqs(me)
    await me.do(command)
    assert await modseqs(await opened(host)) == await modseqs(me) == before


@proves("3.1.11#1")
@pytest.mark.parametrize("command", NOTHING_NEW)
async def test_what_changes_no_flag_is_not_told_to_others(
    host: Host, me: Client, watcher: Client, command: str
) -> None:
    before = (await watcher.do("STATUS INBOX (HIGHESTMODSEQ)")).untagged
    await me.do(command)
    heard = await watcher.do("NOOP")
    assert heard.all(Fetch) == []
    assert (await watcher.do("STATUS INBOX (HIGHESTMODSEQ)")).untagged == before


@proves("3.1.11#1")
async def test_among_several_only_those_that_change_get_one(me: Client, watcher: Client) -> None:
    before = await modseqs(me)
    await me.do("STORE 1:2 +FLAGS.SILENT ($Tested)")
    after = await modseqs(me)
    assert after[1] == before[1]
    assert after[2] > max(before.values())
    heard = await watcher.do("NOOP")
    assert {fetch.seq: known(fetch.modseq) for fetch in heard.all(Fetch)} == {2: after[2]}


@proves("3.1.11#1")
async def test_a_file_that_is_named_anew_with_its_flags_gives_none(
    host: Host, me: Client, watcher: Client
) -> None:
    before = await modseqs(me)
    (file,) = (each for each in host.beside.files("INBOX") if "S" in each.name.partition(":2,")[2])
    host.beside.reflag(host.beside.reflag(file, "FS"), file.name.partition(":2,")[2])
    assert (await me.do("NOOP")).all(Fetch) == []
    assert await modseqs(me) == before
