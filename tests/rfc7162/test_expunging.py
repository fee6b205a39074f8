"""Sections 3.2.7 to 3.2.9, and MOVE: what removes messages ends with HIGHESTMODSEQ, or not."""

import pytest

from tests.rfc7162.client import Client, Exchange
from tests.rfc7162.hosts import Host
from tests.rfc7162.statements import proves
from tests.rfc7162.synchronising import come_back, idle, open_with


async def remove(host: Host, me: Client, command: str) -> tuple[Exchange, int, Exchange]:
    """What `command` says, HIGHESTMODSEQ before it, and what a client that comes back is told.

    There are UIDs 1 to 5, of which 2 and 4 are to be removed.
    """
    opened = await open_with(me, 5)
    await me.do("CREATE Archive")
    await me.do(r"STORE 2,4 +FLAGS.SILENT (\Deleted)")
    before = (await (await host.connect()).do("SELECT INBOX")).highestmodseq
    assert before is not None
    removed = await me.do(command)
    return removed, before, await come_back(host, opened, modseq=before)


def assert_raised_and_remembered(before: int, back: Exchange) -> None:
    assert back.highestmodseq is not None
    assert back.highestmodseq > before
    assert back.vanished_earlier == (2, 4)
    assert back.fetches == {}


@proves("3.2#1", "3.2#2", "3.2.7#1", "3.2.7#2", "3.2.7#3")
async def test_expunge(host: Host, me: Client) -> None:
    removed, before, back = await remove(host, me, "EXPUNGE")
    assert removed.vanished == (2, 4)
    assert_raised_and_remembered(before, back)
    assert removed.tagged.code == "HIGHESTMODSEQ"
    assert removed.highestmodseq == back.highestmodseq


@proves("3.2#1", "3.2#2", "3.2.9#1", "3.2.9#2", "3.2.9#3", "3.2.9#4")
async def test_uid_expunge(host: Host, me: Client) -> None:
    removed, before, back = await remove(host, me, "UID EXPUNGE 1:4")
    assert removed.vanished == (2, 4)
    assert_raised_and_remembered(before, back)
    assert removed.tagged.code == "HIGHESTMODSEQ"
    assert removed.highestmodseq == back.highestmodseq


@proves("3.2.9#1")
async def test_uid_expunge_leaves_what_it_does_not_name(host: Host, me: Client) -> None:
    removed, _, back = await remove(host, me, "UID EXPUNGE 1:3,5")
    assert removed.vanished == (2,)
    assert back.vanished_earlier == (2,)
    assert back.exists == 4


@proves("3.2#1", "3.2#2", "3.2.8#1", "3.2.8#2", "3.2.8#3")
async def test_close(host: Host, me: Client) -> None:
    removed, before, back = await remove(host, me, "CLOSE")
    assert removed.vanished == ()
    assert removed.expunged == []
    assert removed.highestmodseq is None
    assert_raised_and_remembered(before, back)


@pytest.mark.parametrize("command", ["MOVE 2,4 Archive", "UID MOVE 2,4 Archive"])
@proves("3.2#1", "3.2#2")
async def test_move(host: Host, me: Client, command: str) -> None:
    """RFC 6851 section 4.4."""
    removed, before, back = await remove(host, me, command)
    assert removed.vanished == (2, 4)
    assert removed.expunged == []
    assert_raised_and_remembered(before, back)
    assert removed.highestmodseq == back.highestmodseq


@pytest.mark.parametrize("command", ["EXPUNGE", "UID EXPUNGE 1:*", "CLOSE"])
async def test_nothing_to_remove_raises_nothing(host: Host, me: Client, command: str) -> None:
    opened = await open_with(me, 2)
    await me.do(command)
    back = await come_back(host, opened)
    assert back.highestmodseq == opened.highestmodseq
    assert back.vanished_earlier == ()


async def test_examine_and_close_removes_nothing(host: Host, me: Client) -> None:
    opened = await open_with(me, 2)
    await me.do(r"STORE 1 +FLAGS.SILENT (\Deleted)")
    await me.do("EXAMINE INBOX")
    await me.do("CLOSE")
    assert (await come_back(host, opened)).exists == 2


@proves("3.2#1", "3.2#2")
async def test_another_program_removes(host: Host, me: Client) -> None:
    opened = await open_with(me, 3)
    host.beside.files("INBOX")[0].unlink()
    told = await me.do("NOOP")
    (gone,) = told.vanished
    back = await come_back(host, opened)
    assert back.vanished_earlier == (gone,)
    assert back.exists == 2
    assert back.highestmodseq is not None
    assert opened.highestmodseq is not None
    assert back.highestmodseq > opened.highestmodseq


@proves("3.2#4")
async def test_whatever_tells_of_a_removal_leaves_the_client_in_step(
    host: Host, me: Client, other: Client
) -> None:
    opened = await open_with(me, 4)
    await other.do("SELECT INBOX")
    modseq = opened.highestmodseq
    for uid, command in ((1, "EXPUNGE"), (2, "NOOP"), (3, "IDLE"), (4, "UID EXPUNGE 1:*")):
        await other.do(r"STORE 1 +FLAGS.SILENT (\Deleted)")
        await other.do("EXPUNGE")
        told = await idle(me) if command == "IDLE" else await me.do(command)
        assert told.vanished == (uid,)
        modseq = told.highestmodseq or modseq
        back = await come_back(host, opened, modseq)
        assert set(back.vanished_earlier) <= {uid}
        assert back.exists == 4 - uid
