"""The connection itself: pipelining, clients that don't read, silence, the end of the server."""

from functools import partial
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from maildird.imap.limits import Limits
from maildird.session.lifetime import LEAST_RATE
from maildird.session.session import AUTOLOGOUT, serve_account_session
from tests.dialogues.conftest import serving
from tests.dialogues.dialogue import Client, Server


class SocketEnd:
    """A session's end of a socket pair, which takes only what the kernel takes."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream

    async def receive_some(self) -> bytes:
        return bytes(await self._stream.receive_some())

    async def send_all(self, data: bytes) -> None:
        await self._stream.send_all(data)


async def serve_over(stream: trio.SocketStream, server: Server) -> None:
    async with stream:
        await serve_account_session(SocketEnd(stream), b"", server.account, Limits())


async def test_pipelined_commands(server: Server, me: Client) -> None:
    server.deliver("one")
    await me(r"""
        C: a SELECT INBOX
        C: b STORE 1 +FLAGS.SILENT (\Deleted)
        C: c EXPUNGE
        C: d STATUS INBOX (MESSAGES)
        C: e UNSELECT
        C: f LOGOUT
    """)
    lines = [await me.line()]
    while not lines[-1].startswith("f "):
        lines.append(await me.line())
    tagged = [line.split(" ", 2)[:2] for line in lines if not line.startswith("*")]
    assert tagged == [[tag, "OK"] for tag in "abcdef"]
    assert "* STATUS INBOX (MESSAGES 0)" in lines


async def test_what_came_with_the_login_is_answered(server: Server) -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    serve = partial(serve_account_session, account=server.account, limits=Limits())
    server.nursery.start_soon(partial(serve, leftover=b"a NOOP\r\nb NO"), theirs)
    me = Client(ours)
    await me("""
        S: a OK NOOP done
        C: OP
        S: b OK NOOP done
    """)
    await me.bye()


async def test_a_client_that_does_not_read_holds_up_nobody(server: Server, other: Client) -> None:
    body = b"x" * 76 + b"\r\n"
    for _ in range(8):
        server.beside.deliver("INBOX", b"A: b\r\n\r\n" + body * 10_000)
    near, far = map(trio.SocketStream, trio.socket.socketpair())
    server.nursery.start_soon(serve_over, far, server)
    await near.send_all(b"a SELECT INBOX\r\nb FETCH 1:8 BODY.PEEK[TEXT]\r\n")
    received = b""
    while b"* 1 FETCH" not in received:
        received += await near.receive_some(1000)
    await other.opens("INBOX")
    await other(r"""
        C: a STORE 1:8 FLAGS.SILENT (\Deleted)
        C: b EXPUNGE
        S: a OK STORE done
    """)
    for _ in range(8):
        await other("S: * 1 EXPUNGE")
    await other("S: b OK EXPUNGE done")
    while not received.endswith(b" FETCH done\r\n") and b"\r\nb NO" not in received[-200:]:
        received += await near.receive_some()
    assert received.count(b"\r\n* 1 FETCH (BODY[TEXT] {780000}\r\n" + body) == 1
    await near.aclose()


async def test_silence_ends_a_session(tmp_path: Path, mock_clock: MockClock) -> None:
    async with serving(tmp_path) as server:
        me = await server.connect()
        await me.opens("INBOX")
        for _ in range(2):
            mock_clock.jump(AUTOLOGOUT - 1)
            await me("""
                C: a NOOP
                S: a OK NOOP done
            """)
        await me("""
            C: b IDLE
            S: + idling
        """)
        mock_clock.jump(AUTOLOGOUT + 1)
        await me("""
            S: * BYE nothing was heard of you for too long
        """)
        await me.closed()


@pytest.mark.parametrize(
    "said", [b"a APPEND INBOX {1000}\r\n", b"a SEARCH TEXT {10+}\r\nx", b"a NO"]
)
async def test_a_command_that_is_never_finished_is_silence(
    tmp_path: Path, mock_clock: MockClock, said: bytes
) -> None:
    async with serving(tmp_path) as server:
        me = await server.connect()
        await me.opens("INBOX")
        await me.stream.send_all(said)
        if said.endswith(b"{1000}\r\n"):
            await me("S: + go on")
        await wait_all_tasks_blocked()
        mock_clock.jump(AUTOLOGOUT / 2 + 1)
        await me.stream.send_all(b"x")
        await wait_all_tasks_blocked()
        mock_clock.jump(AUTOLOGOUT / 2)
        await me("S: * BYE nothing was heard of you for too long")
        await me.closed()


async def test_a_long_message_may_take_as_long_as_it_comes(
    tmp_path: Path, mock_clock: MockClock
) -> None:
    async with serving(tmp_path) as server:
        me = await server.connect()
        piece = b"x" * (AUTOLOGOUT - 1) * LEAST_RATE
        await me.stream.send_all(b"a APPEND INBOX {%d+}\r\n" % (5 * len(piece)))
        for _ in range(5):
            await wait_all_tasks_blocked()
            mock_clock.jump(AUTOLOGOUT - 1)
            await me.stream.send_all(piece)
        await me.stream.send_all(b"\r\n")
        await me("S: a OK …")


async def trickle(client: Client, piece: bytes, clock: MockClock) -> None:
    """Say the piece every 100 seconds, for twice the time of silence and a little more."""
    for _ in range(0, 2 * AUTOLOGOUT + 200, 100):
        await client.stream.send_all(piece)
        await wait_all_tasks_blocked()
        clock.jump(100)
        await wait_all_tasks_blocked()


@pytest.mark.parametrize(
    ("said", "piece"),
    [
        (b"a APPEND INBOX {50000000+}\r\n", b"x" * LEAST_RATE * 50),
        (b"a APPEND INBOX", b" {1}\r\nx"),
    ],
    ids=["a slow literal", "many literals"],
)
async def test_a_command_that_comes_too_slowly_ends_the_session(
    tmp_path: Path, mock_clock: MockClock, said: bytes, piece: bytes
) -> None:
    """Half of the rate that is asked for, or less: it has twice the time of silence."""
    async with serving(tmp_path) as server:
        me = await server.connect()
        await me.stream.send_all(said)
        with pytest.raises(trio.BrokenResourceError, match="closed"):
            await trickle(me, piece, mock_clock)
        while (line := await me.line()) == "+ go on":
            pass
        assert line == "* BYE nothing was heard of you for too long"
        await me.closed()


async def test_the_end_of_the_server(server: Server, me: Client, other: Client) -> None:
    await me("""
        C: a IDLE
        S: + idling
    """)
    await other.opens("INBOX")
    server.shut_down()
    for client in (me, other):
        await client("""
            S: * BYE the server is shutting down
        """)
        await client.closed()


async def test_no_bye_inside_a_reply(server: Server) -> None:
    server.beside.deliver("INBOX", b"A: b\r\n\r\n" + b"x" * 1_000_000)
    near, far = map(trio.SocketStream, trio.socket.socketpair())
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve_over, far, server)
        await near.send_all(b"a SELECT INBOX\r\nb FETCH 1 BODY.PEEK[TEXT]\r\n")
        received = b""
        while b"BODY[TEXT]" not in received:
            received += await near.receive_some()
        nursery.cancel_scope.cancel()
    async with near:
        while more := await near.receive_some():
            received += more
    assert b"BYE" not in received
