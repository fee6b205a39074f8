"""Section 3.2.10: VANISHED, when it is said, and of what."""

import pytest
import trio

from tests.rfc7162.client import PATIENCE, Client
from tests.rfc7162.hosts import Host
from tests.rfc7162.responses import Exists, Fetch, Vanished
from tests.rfc7162.statements import proves
from tests.rfc7162.synchronising import idle, is_continuation, open_with


async def expunge(client: Client, uid: int) -> None:
    """Remove a message, over a connection that has selected its mailbox."""
    await client.do(rf"UID STORE {uid} +FLAGS.SILENT (\Deleted)")
    await client.do(f"UID EXPUNGE {uid}")


@pytest.mark.parametrize("command", ["EXPUNGE", "UID EXPUNGE 2", "MOVE 2 Archive"])
@proves("3.2.10#1", "3.2.10#2", "3.2.10.2#1", "3.2.10.2#2")
async def test_own_removals(host: Host, me: Client, command: str) -> None:
    await me.do("CREATE Archive")
    await open_with(me, 3)
    await me.do(r"STORE 2 +FLAGS.SILENT (\Deleted)")
    removed = await me.do(command)
    assert removed.one(Vanished) == Vanished((2,), earlier=False)
    assert removed.expunged == []
    assert (await me.do("FETCH 2 UID")).fetches[2].uid == 3


@proves("3.2.10#1", "3.2.10#2", "3.2.10.2#1", "3.2.10.2#2")
async def test_removals_of_others(host: Host, me: Client, other: Client) -> None:
    await open_with(me, 3)
    await other.do("SELECT INBOX")
    await expunge(other, 1)
    told = await me.do("NOOP")
    assert told.one(Vanished) == Vanished((1,), earlier=False)
    assert told.expunged == []
    host.beside.files("INBOX")[0].unlink()
    told = await me.do("NOOP")
    with trio.fail_after(PATIENCE):
        while not told.vanished:  # a busy machine may need another look to be sure
            told = await me.do("NOOP")
    assert len(told.vanished) == 1
    assert told.vanished_earlier == ()
    assert told.expunged == []


@proves("3.2.10.2#1")
async def test_vanished_is_used_to_the_end_of_the_connection(host: Host, me: Client) -> None:
    await me.do("CREATE Archive")
    await me.append("Archive", flags=r"\Deleted")
    await open_with(me, 2)
    await me.do("UID MOVE 1 Archive")
    await me.do("CLOSE")
    await me.do("EXAMINE INBOX")
    await me.do("SELECT Archive")
    expunged = await me.do("EXPUNGE")
    assert (expunged.vanished, expunged.expunged) == ((1,), [])


@proves("3.2.10#3")
async def test_what_went_before_and_what_goes_now_are_told_apart(
    host: Host, me: Client, other: Client
) -> None:
    opened = await open_with(me, 4)
    await expunge(me, 1)
    await other.do("SELECT INBOX")
    await expunge(other, 3)
    modifiers = f"(CHANGEDSINCE {opened.highestmodseq} VANISHED)"
    fetched = await me.do(f"UID FETCH 1:* FLAGS {modifiers}")
    following = await me.do("NOOP")
    assert 1 in fetched.vanished_earlier
    assert fetched.vanished + following.vanished == (3,)
    assert following.vanished_earlier == ()


@pytest.mark.parametrize(
    "command",
    [
        "FETCH 1:3 FLAGS",
        "FETCH 2 BODY[]",
        "FETCH 1 BODY[]",
        "FETCH 1:* UID (CHANGEDSINCE 1)",
        r"STORE 1 +FLAGS (\Seen)",
        r"STORE 1:3 +FLAGS.SILENT (\Seen)",
        r"STORE 1 (UNCHANGEDSINCE 9223372036854775807) FLAGS (\Seen)",
        "SEARCH ALL",
        "SEARCH UID 1:*",
        "SEARCH RETURN (ALL COUNT) 1:*",
        "SEARCH MODSEQ 1",
    ],
)
@proves("3.2.10.2#5")
async def test_fetch_store_and_search_tell_of_no_removal(
    host: Host, me: Client, other: Client, command: str
) -> None:
    await removals_wait(me, other, command)


@pytest.mark.parametrize(
    "command",
    [
        "UID SEARCH 1:3",
        "UID SEARCH NOT 2",
        "UID SEARCH OR UID 1 3",
        "UID SEARCH UNSEEN (SMALLER 1000 1:*)",
        "UID SEARCH RETURN (MIN) 1:*",
    ],
)
@proves("3.2.10.2#6")
async def test_uid_search_with_message_numbers_tells_of_no_removal(
    host: Host, me: Client, other: Client, command: str
) -> None:
    await removals_wait(me, other, command)


async def removals_wait(me: Client, other: Client, command: str) -> None:
    """While `command` is carried out nothing is told of; NOOP makes up for it."""
    await open_with(me, 3)
    await other.do("SELECT INBOX")
    await expunge(other, 2)
    waiting = await me.say(command)
    assert (waiting.vanished, waiting.vanished_earlier, waiting.expunged) == ((), (), [])
    following = await me.do("NOOP")
    assert following.vanished == (2,)


OTHER_COMMANDS = [
    "UID FETCH 1:3 FLAGS",
    r"UID STORE 1 +FLAGS (\Seen)",
    "UID SEARCH UID 1:*",
    "UID SEARCH ALL",
    "UID COPY 1 Archive",
    "STATUS Archive (MESSAGES)",
    'LIST "" *',
    "CHECK",
]


@pytest.mark.parametrize("command", OTHER_COMMANDS)
@proves("3.2.10#1", "3.2.10#2")
async def test_other_commands_may_tell_and_it_is_told_once(
    host: Host, me: Client, other: Client, command: str
) -> None:
    await me.do("CREATE Archive")
    await open_with(me, 3)
    await other.do("SELECT INBOX")
    await expunge(other, 2)
    first = await me.do(command)
    second = await me.do("NOOP")
    assert first.vanished + second.vanished == (2,)
    assert first.vanished_earlier == ()
    assert first.expunged == []


@pytest.mark.parametrize("command", OTHER_COMMANDS)
async def test_what_may_be_told_is_told_at_once(ours: Host, command: str) -> None:
    me, other = await ours.connect(), await ours.connect()
    await me.do("CREATE Archive")
    await open_with(me, 3)
    await other.do("SELECT INBOX")
    await expunge(other, 2)
    assert (await me.do(command)).vanished == (2,)


async def test_idle_tells_at_once(host: Host, me: Client, other: Client) -> None:
    await open_with(me, 3)
    await other.do("SELECT INBOX")
    tag = await me.begin("IDLE")
    assert is_continuation(await me.response())
    await expunge(other, 2)
    while not isinstance(response := await me.response(), Vanished):
        pass
    assert response == Vanished((2,), earlier=False)
    await me.stream.send_all(b"DONE\r\n")
    assert (await me.ending(tag)).vanished == ()


@proves("3.2.10.2#5")
async def test_nothing_is_told_between_commands(host: Host, me: Client, other: Client) -> None:
    """Were VANISHED sent without a command, it would stand before the FETCH responses."""
    await open_with(me, 3)
    await other.do("SELECT INBOX")
    await expunge(other, 2)
    await other.do("NOOP")
    fetched = await me.do("FETCH 1:3 UID")
    assert fetched.vanished == ()
    assert fetched.fetches.keys() == {1, 2, 3}
    assert (await me.do("NOOP")).vanished == (2,)


@pytest.mark.parametrize("command", ["FETCH 1:* BODY.PEEK[]", "FETCH 1:* BODY[]"])
@proves("3.2.10.2#5")
async def test_nothing_is_told_within_a_long_fetch(
    host: Host, me: Client, other: Client, command: str
) -> None:
    """Messages go while others are still being sent: numbers hold to the end of the command."""
    for number in range(400):
        host.beside.deliver("INBOX", b"Subject: %d\n\n%s\n" % (number, b"x" * 2000))
    await open_with(me, 0)
    await other.do("SELECT INBOX")
    tag = await me.begin(command)
    first = await me.response()
    await other.do(r"UID STORE 2,200,399 +FLAGS.SILENT (\Deleted)")
    await other.do("UID EXPUNGE 2,200,399")
    fetched = await me.ending(tag)
    assert isinstance(first, Fetch)
    assert (fetched.vanished, fetched.expunged) == ((), [])
    assert fetched.fetches.keys() >= set(range(3, 401)) - {200, 399}
    assert (await me.do("NOOP")).vanished == (2, 200, 399)


@proves("3.2.10.2#5")
async def test_nothing_is_told_while_a_literal_is_waited_for(
    host: Host, me: Client, other: Client
) -> None:
    await open_with(me, 3)
    await other.do("SELECT INBOX")
    await expunge(other, 1)
    tag = await me.begin("SEARCH SUBJECT {1}")
    assert is_continuation(await me.response())
    await expunge(other, 2)
    await me.stream.send_all(b"x\r\n")
    assert (await me.ending(tag)).vanished == ()
    tag = await me.begin("APPEND INBOX {5}")
    assert is_continuation(await me.response())
    await me.stream.send_all(b"a: b\n\r\n")
    told = (await me.ending(tag)).vanished + (await me.do("NOOP")).vanished
    assert sorted(told) == [1, 2]


@proves("3.2.10.2#3", "3.2.10.2#4")
async def test_what_came_and_went_is_never_mentioned(host: Host, me: Client, other: Client) -> None:
    await open_with(me, 2)
    await other.do("SELECT INBOX")
    await other.append("INBOX")
    await expunge(other, 3)
    for exchange in (await me.do("NOOP"), await me.do("UID SEARCH ALL"), await idle(me)):
        assert exchange.vanished == ()
        assert exchange.exists in (None, 2)


@proves("3.2.10.2#3", "3.2.10.2#4")
async def test_only_what_is_seen_vanishes(host: Host, me: Client, other: Client) -> None:
    """Of four removals the client has to hear of two; one was told before, one never announced."""
    await open_with(me, 4)
    await expunge(me, 1)
    await other.do("SELECT INBOX")
    for _ in range(2):
        await other.append("INBOX")
    for uid in (2, 4, 6):
        await expunge(other, uid)
    told = await me.do("NOOP")
    assert told.vanished == (2, 4)
    assert told.exists == 2
    assert (await me.do("FETCH 1:* UID")).fetches[2].uid == 5


@proves("3.2.10.2#3")
async def test_each_uid_is_one_message_less(host: Host, me: Client, other: Client) -> None:
    """Message numbers follow from EXISTS and VANISHED alone."""
    await open_with(me, 6)
    await other.do("SELECT INBOX")
    uids = [1, 2, 3, 4, 5, 6]
    for gone in ((2, 5), (1,), (3, 6, 7)):
        await other.append("INBOX")
        for uid in gone:
            await expunge(other, uid)
        for response in (await me.do("NOOP")).untagged:
            if isinstance(response, Vanished):
                assert set(response.uids) <= set(uids)
                uids = [uid for uid in uids if uid not in response.uids]
            if isinstance(response, Exists):
                uids += range(max(uids) + 1, max(uids) + 1 + response.count - len(uids))
        fetched = (await me.do("FETCH 1:* UID")).fetches
        assert len(fetched) == len(uids)
        uids = [fetched[seq].uid or 0 for seq in sorted(fetched)]
    assert uids == [4, 8, 9]


async def test_many_removals_are_one_vanished(host: Host, me: Client) -> None:
    await open_with(me, 30)
    await me.do(r"UID STORE 2:11,13:22,30 +FLAGS.SILENT (\Deleted)")
    vanished = (await me.do("EXPUNGE")).one(Vanished)
    assert vanished.uids == (*range(2, 12), *range(13, 23), 30)
