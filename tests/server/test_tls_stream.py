"""What only the encrypted stream does; test_stream.py has what both do."""

import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import trio
from OpenSSL import SSL
from trio.testing import wait_all_tasks_blocked

from maildird.server.failures import HandshakeFailed
from maildird.server.settings import Tls
from maildird.server.stream import SocketStream
from maildird.server.tls import Certificates
from maildird.server.tls_stream import Readiness, TlsStream, start_tls
from tests.server.certificates import NAME, Authority
from tests.server.sockets import CLIENT, connected_pair

WRITE_TIMEOUT = 60.0


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@asynccontextmanager
async def connected(
    ours: SSL.Context, theirs: ssl.SSLContext, session: ssl.SSLSession | None = None
) -> AsyncIterator[tuple[TlsStream, ssl.SSLSocket]]:
    """Both ends, the client's a blocking one that tells how the connection ended."""
    accepted, client = connected_pair()
    encrypted: list[ssl.SSLSocket] = []

    async def shake_hands() -> None:
        wrap = partial(
            theirs.wrap_socket,
            client,
            server_hostname=NAME,
            suppress_ragged_eofs=False,
            session=session,
        )
        encrypted.append(await trio.to_thread.run_sync(wrap))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(shake_hands)
        stream = await start_tls(SocketStream(accepted, CLIENT, WRITE_TIMEOUT), ours)
    with encrypted[0]:
        yield stream, encrypted[0]
    await stream.aclose()


@pytest.fixture
async def pair(authority: Authority) -> AsyncIterator[tuple[TlsStream, ssl.SSLSocket]]:
    ours = Certificates([authority.issue(NAME)], Tls()).context(0)
    async with connected(ours, authority.context()) as both:
        yield both


async def refused(
    authority: Authority, client_does: Callable[[socket.socket], object]
) -> HandshakeFailed:
    """What is said of a client that is none for TLS."""
    accepted, client = connected_pair()
    context = Certificates([authority.issue(NAME)], Tls()).context(0)
    with client:
        client_does(client)
        with pytest.raises(HandshakeFailed) as failure:
            await start_tls(SocketStream(accepted, CLIENT, WRITE_TIMEOUT), context)
        assert accepted.fileno() == -1
    return failure.value


async def test_after_a_send_that_was_cancelled_more_can_be_sent(
    pair: tuple[TlsStream, ssl.SSLSocket],
) -> None:
    stream, client = pair
    first, last = bytes(range(1, 256)) * 100_000, b"\0* BYE\r\n"
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stream.send_all, first)
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()

    received = bytearray()

    def read() -> None:
        while not received.endswith(last):
            received.extend(client.recv(65536))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.to_thread.run_sync, read)
        await stream.send_all(last)
    begun = received.removesuffix(last)
    assert 0 < len(begun) < len(first)
    assert first.startswith(begun)


async def test_the_end_is_announced_without_waiting_for_an_answer(
    pair: tuple[TlsStream, ssl.SSLSocket],
) -> None:
    stream, client = pair
    await stream.send_all(b"* BYE\r\n")
    await stream.aclose()
    assert client.recv(100) == b"* BYE\r\n"
    assert client.recv(100) == b""  # a ragged end would be an SSLEOFError
    await stream.aclose()


async def test_the_end_of_a_client_may_be_announced_or_not(authority: Authority) -> None:
    ours = Certificates([authority.issue(NAME)], Tls()).context(0)
    for announce in (True, False):
        async with connected(ours, authority.context()) as (stream, client):
            client.sendall(b"a LOGOUT")
            if announce:
                client.setblocking(False)
                with pytest.raises(ssl.SSLWantReadError):
                    client.unwrap()
            client.shutdown(socket.SHUT_WR)
            assert await stream.receive_some() == b"a LOGOUT"
            assert await stream.receive_some() == b""


async def test_the_first_message_may_come_in_pieces(authority: Authority) -> None:
    accepted, client = connected_pair()
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    theirs = authority.context(["imap"]).wrap_bio(to_client, to_server, server_hostname=NAME)
    ours = Certificates([authority.issue(NAME)], Tls()).context(0)

    async def serve() -> None:
        stream = await start_tls(SocketStream(accepted, CLIENT, WRITE_TIMEOUT), ours)
        await stream.aclose()

    with client:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve)
            with pytest.raises(ssl.SSLWantReadError):
                theirs.do_handshake()
            for octet in to_server.read():
                await wait_all_tasks_blocked()
                client.send(bytes((octet,)))
            to_client.write(await trio.to_thread.run_sync(client.recv, 65536))
            theirs.do_handshake()
            client.sendall(to_server.read())
    assert theirs.selected_alpn_protocol() == "imap"


@pytest.mark.parametrize(
    "said", [b"a LOGIN ada secret\r\n", b"GET / HTTP/1.1\r\nHost: mail\r\n\r\n", bytes(100)]
)
async def test_a_client_that_speaks_plain_text_is_refused(
    authority: Authority, said: bytes
) -> None:
    failure = await refused(authority, lambda client: client.sendall(said))
    assert str(failure) == "the client does not speak TLS"


@pytest.mark.parametrize("said", [b"", b"\x16\x03\x01\x02\x00\x01"])
async def test_a_client_that_leaves_before_tls_began_is_no_surprise(
    authority: Authority, said: bytes
) -> None:
    def leave(client: socket.socket) -> None:
        client.sendall(said)
        client.close()

    assert str(await refused(authority, leave)) == "the client left"


async def test_the_names_in_a_clients_certificate_are_told(
    authority: Authority, tmp_path: Path
) -> None:
    client_ca = Authority(tmp_path)
    shown = client_ca.issue("ada@example.org", common_name="Ada")
    ours = Certificates([authority.issue(NAME)], Tls(client_ca=str(client_ca.file))).context(0)
    theirs = authority.context()
    async with connected(ours, theirs) as (stream, _):
        assert stream.client_names == ()
    theirs.load_cert_chain(shown.certificate, shown.key)
    async with connected(ours, theirs) as (stream, client):
        await stream.send_all(b"x")
        assert client.recv(1) == b"x"
        assert stream.client_names == ("ada@example.org",)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_session_that_goes_on_has_the_names_and_a_key_of_its_own(
    authority: Authority, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    """A client may take up the session of an earlier connection (RFC 8446 section 2.2)."""
    shown = authority.issue("ada@example.org")
    files = [authority.issue(NAME)]
    ours = Certificates(files, Tls(client_ca=str(authority.file))).context(0)
    theirs = authority.context()
    theirs.load_cert_chain(shown.certificate, shown.key)
    theirs.maximum_version = version
    async with connected(ours, theirs) as (stream, client):
        await stream.send_all(b"x")
        assert client.recv(1) == b"x"
        session, before = client.session, stream.exported_key
    async with connected(ours, theirs, session) as (stream, client):
        assert client.session_reused
        assert stream.client_names == ("ada@example.org",)
        assert (before is None) == (version == ssl.TLSVersion.TLSv1_2)
        assert stream.exported_key != before or before is None


async def test_a_clients_certificate_of_another_authority_is_refused(
    authority: Authority, tmp_path: Path
) -> None:
    (tmp_path / "clients").mkdir()
    client_ca = Authority(tmp_path / "clients")
    shown = authority.issue("ada@example.org")
    ours = Certificates([authority.issue(NAME)], Tls(client_ca=str(client_ca.file))).context(0)
    theirs = authority.context()
    theirs.load_cert_chain(shown.certificate, shown.key)
    theirs.maximum_version = ssl.TLSVersion.TLSv1_2
    accepted, client = connected_pair()

    def shake_hands() -> None:
        with client, pytest.raises(ssl.SSLError, match=r"(?i)unknown.ca"):
            theirs.wrap_socket(client, server_hostname=NAME)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.to_thread.run_sync, shake_hands)
        with pytest.raises(HandshakeFailed, match="certificate verify failed"):
            await start_tls(SocketStream(accepted, CLIENT, WRITE_TIMEOUT), ours)


async def test_two_tasks_can_wait_for_one_direction() -> None:
    """OpenSSL may want to read for a write while another task waits to read."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ready, woken = Readiness(ours, trio.lowlevel.wait_readable), []
        first = trio.CancelScope()

        async def wait(scope: trio.CancelScope) -> None:
            with scope:
                while not ready_now():
                    await ready.wait()
                woken.append(scope)

        def ready_now() -> bool:
            ours.setblocking(False)
            try:
                return bool(ours.recv(1, socket.MSG_PEEK))
            except BlockingIOError:
                return False

        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait, first)
            await wait_all_tasks_blocked()
            second, third = trio.CancelScope(), trio.CancelScope()
            nursery.start_soon(wait, second)
            nursery.start_soon(wait, third)
            await wait_all_tasks_blocked()
            first.cancel()
            await wait_all_tasks_blocked()
            assert not woken
            theirs.send(b"x")
        assert set(map(id, woken)) == {id(second), id(third)}


async def test_keys_can_be_changed_on_the_way(authority: Authority) -> None:
    """With TLS 1.3 a client may ask for new keys at any time (RFC 8446 section 4.6.3)."""
    openssl = shutil.which("openssl")
    assert openssl is not None
    ours = Certificates([authority.issue(NAME)], Tls()).context(0)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        client = await trio.lowlevel.open_process(
            [openssl, "s_client", "-connect", f"127.0.0.1:{port}", "-tls1_3"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        accepted, _ = await trio.to_thread.run_sync(listening.accept)
    try:
        assert client.stdin is not None
        assert client.stderr is not None
        stream = await start_tls(SocketStream(accepted, CLIENT, WRITE_TIMEOUT), ours)
        with trio.fail_after(10):
            for _ in range(3):
                await client.stdin.send_all(b"K\n")
                while b"KEYUPDATE" not in await client.stderr.receive_some():
                    pass
            await client.stdin.send_all(b"new keys\n")
            assert await stream.receive_some() == b"new keys\n"
            await stream.aclose()
    finally:
        client.kill()
        await client.wait()
        for pipe in (client.stdin, client.stderr):
            assert pipe is not None
            await pipe.aclose()
