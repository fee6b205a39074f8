"""The streams, plain and encrypted, over real sockets."""

import socket
import ssl
import struct
from collections.abc import AsyncIterator
from functools import partial

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from maildird.server.settings import Tls
from maildird.server.stream import ClientStream, SocketStream
from maildird.server.tls import Certificates
from maildird.server.tls_stream import start_tls
from tests.server.certificates import NAME, Authority
from tests.server.sockets import CLIENT, connected_pair

WRITE_TIMEOUT = 60.0
VERSIONS = {"TLS 1.2": "TLSv1_2", "TLS 1.3": "TLSv1_3"}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(params=["plain", "TLS 1.2", "TLS 1.3"])
async def pair(
    request: pytest.FixtureRequest, authority: Authority
) -> AsyncIterator[tuple[ClientStream, socket.socket]]:
    accepted, client = connected_pair()
    plain = SocketStream(accepted, CLIENT, WRITE_TIMEOUT)
    if request.param == "plain":
        with accepted, client:
            yield plain, client
        return
    ours = Certificates([authority.issue(NAME)], Tls()).context(0)
    theirs = authority.context()
    theirs.maximum_version = getattr(ssl.TLSVersion, VERSIONS[request.param])
    async with trio.open_nursery() as nursery:
        encrypted: list[ssl.SSLSocket] = []

        async def shake_hands() -> None:
            wrap = partial(theirs.wrap_socket, client, server_hostname=NAME)
            encrypted.append(await trio.to_thread.run_sync(wrap))

        nursery.start_soon(shake_hands)
        stream = await start_tls(plain, ours)
    with encrypted[0]:
        yield stream, encrypted[0]
    await stream.aclose()


async def test_nothing_can_be_sent(pair: tuple[ClientStream, socket.socket]) -> None:
    stream, client = pair
    for data in (b"", b"one ", b"", b"two"):
        await stream.send_all(data)
    assert client.recv(4) + client.recv(3) == b"one two"


@pytest.fixture
def stream(pair: tuple[ClientStream, socket.socket]) -> ClientStream:
    return pair[0]


@pytest.fixture
def client(pair: tuple[ClientStream, socket.socket]) -> socket.socket:
    return pair[1]


async def read_all(client: socket.socket, size: int) -> bytes:
    def read() -> bytes:
        received = bytearray()
        while len(received) < size:
            received += client.recv(65536)
        return bytes(received)

    return await trio.to_thread.run_sync(read)


async def test_what_is_sent_arrives(stream: ClientStream, client: socket.socket) -> None:
    client.sendall(b"a NOOP\r\n")
    assert await stream.receive_some() == b"a NOOP\r\n"
    await stream.send_all(b"a OK\r\n")
    assert client.recv(100) == b"a OK\r\n"


async def test_receiving_waits_for_the_client(stream: ClientStream, client: socket.socket) -> None:
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
    stream: ClientStream, client: socket.socket
) -> None:
    data = bytes(range(256)) * (32 << 12)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stream.send_all, data)
        await wait_all_tasks_blocked()
        assert await read_all(client, len(data)) == data


async def test_one_task_receives_while_another_sends(
    stream: ClientStream, client: socket.socket
) -> None:
    data = bytes(32 << 20)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stream.send_all, data)
        await wait_all_tasks_blocked()
        client.sendall(b"DONE\r\n")
        assert await stream.receive_some() == b"DONE\r\n"
        assert await read_all(client, len(data)) == data


async def test_the_end_of_the_client_is_an_empty_read(
    stream: ClientStream, client: socket.socket
) -> None:
    client.shutdown(socket.SHUT_WR)
    assert await stream.receive_some() == b""


async def test_a_reset_is_a_broken_resource(stream: ClientStream, client: socket.socket) -> None:
    """At once on a plain stream; OpenSSL takes it for the client's end, until something is sent."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()

    async def hear_and_answer() -> None:
        assert await stream.receive_some() == b""
        await stream.send_all(b"x")

    with pytest.raises(trio.BrokenResourceError, match=r"Connection reset by peer|the client left"):
        await hear_and_answer()
    with pytest.raises(trio.BrokenResourceError, match=r"Broken pipe|the client left"):
        await stream.send_all(b"x")


async def test_a_client_that_never_reads_is_given_up(
    stream: ClientStream, autojump_clock: MockClock
) -> None:
    begin = trio.current_time()
    with pytest.raises(trio.BrokenResourceError, match="took less than 65536 octets in 60 s"):
        await stream.send_all(bytes(32 << 20))
    assert trio.current_time() - begin == pytest.approx(WRITE_TIMEOUT)


async def test_closing_ends_a_receive_that_waits(stream: ClientStream) -> None:
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
    stream: ClientStream, client: socket.socket
) -> None:
    client.sendall(b"x" * 100_000)
    await stream.send_all(b"* BYE\r\n")
    await stream.aclose()
    assert client.recv(100) == b"* BYE\r\n"
    assert client.recv(100) == b""


async def test_a_client_that_always_has_more_lets_others_run(
    stream: ClientStream, client: socket.socket
) -> None:
    ran = trio.Event()

    async def run() -> None:
        ran.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run)
        while not ran.is_set():
            client.sendall(b"x")
            await stream.receive_some()


async def test_a_wait_can_be_cancelled(stream: ClientStream, autojump_clock: MockClock) -> None:
    with trio.move_on_after(1) as scope:
        await stream.receive_some()
    assert scope.cancelled_caught
