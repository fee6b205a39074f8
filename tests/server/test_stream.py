"""The plain stream over real sockets."""

import socket
import struct
from collections.abc import Iterator

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from maildird.server.stream import SocketStream
from tests.server.sockets import connected_pair

WRITE_TIMEOUT = 60.0


@pytest.fixture
def pair() -> Iterator[tuple[SocketStream, socket.socket]]:
    accepted, client = connected_pair()
    with accepted, client:
        yield SocketStream(accepted, "client", WRITE_TIMEOUT), client


@pytest.fixture
def stream(pair: tuple[SocketStream, socket.socket]) -> SocketStream:
    return pair[0]


@pytest.fixture
def client(pair: tuple[SocketStream, socket.socket]) -> socket.socket:
    return pair[1]


async def read_all(client: socket.socket, size: int) -> bytes:
    def read() -> bytes:
        received = bytearray()
        while len(received) < size:
            received += client.recv(65536)
        return bytes(received)

    return await trio.to_thread.run_sync(read)


async def test_what_is_sent_arrives(stream: SocketStream, client: socket.socket) -> None:
    client.sendall(b"a NOOP\r\n")
    assert await stream.receive_some() == b"a NOOP\r\n"
    await stream.send_all(b"a OK\r\n")
    assert client.recv(100) == b"a OK\r\n"


async def test_receiving_waits_for_the_client(stream: SocketStream, client: socket.socket) -> None:
    received = []

    async def receive() -> None:
        received.append(await stream.receive_some())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(receive)
        await wait_all_tasks_blocked()
        assert not received
        client.sendall(b"x")
    assert received == [b"x"]


async def test_sending_more_than_the_kernel_takes_waits_for_the_client(
    stream: SocketStream, client: socket.socket
) -> None:
    data = bytes(range(256)) * (32 << 12)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stream.send_all, data)
        await wait_all_tasks_blocked()
        assert await read_all(client, len(data)) == data


async def test_one_task_receives_while_another_sends(
    stream: SocketStream, client: socket.socket
) -> None:
    data = bytes(32 << 20)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stream.send_all, data)
        await wait_all_tasks_blocked()
        client.sendall(b"DONE\r\n")
        assert await stream.receive_some() == b"DONE\r\n"
        assert await read_all(client, len(data)) == data


async def test_the_end_of_the_client_is_an_empty_read(
    stream: SocketStream, client: socket.socket
) -> None:
    client.shutdown(socket.SHUT_WR)
    assert await stream.receive_some() == b""


async def test_a_reset_is_a_broken_resource(stream: SocketStream, client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    with pytest.raises(trio.BrokenResourceError, match="Connection reset by peer"):
        await stream.receive_some()
    with pytest.raises(trio.BrokenResourceError, match="Broken pipe"):
        await stream.send_all(b"x")


async def test_a_client_that_never_reads_is_given_up(
    stream: SocketStream, autojump_clock: MockClock
) -> None:
    begin = trio.current_time()
    with pytest.raises(trio.BrokenResourceError, match="took less than 65536 octets in 60 s"):
        await stream.send_all(bytes(32 << 20))
    assert trio.current_time() - begin == pytest.approx(WRITE_TIMEOUT)


async def test_closing_ends_a_receive_that_waits(stream: SocketStream) -> None:
    async with trio.open_nursery() as nursery:

        async def receive() -> None:
            with pytest.raises(trio.ClosedResourceError):
                await stream.receive_some()

        nursery.start_soon(receive)
        await wait_all_tasks_blocked()
        await stream.aclose()
    with pytest.raises(trio.ClosedResourceError):
        await stream.send_all(b"x")
    await stream.aclose()


async def test_last_words_reach_a_client_whose_own_nobody_read(
    stream: SocketStream, client: socket.socket
) -> None:
    client.sendall(b"x" * 100_000)
    await stream.send_all(b"* BYE\r\n")
    await stream.aclose()
    assert client.recv(100) == b"* BYE\r\n"
    assert client.recv(100) == b""


async def test_a_client_that_always_has_more_lets_others_run(
    stream: SocketStream, client: socket.socket
) -> None:
    ran = trio.Event()

    async def run() -> None:
        ran.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run)
        while not ran.is_set():
            client.sendall(b"x")
            await stream.receive_some()


async def test_a_wait_can_be_cancelled(stream: SocketStream, autojump_clock: MockClock) -> None:
    with trio.move_on_after(1) as scope:
        await stream.receive_some()
    assert scope.cancelled_caught
