"""The encrypted stream that a connection reads and writes.

As with the plain stream the socket is tried first. What differs comes of the records between the
client's octets and the wire. A read may have to write and a write may have to read first, so either
waits for what TLS wants, and two tasks may come to wait for one direction. A record of which a part
went out has to be finished with the same octets before anything else is sent, so it is kept when a
call is cancelled, and the next call begins with it.

The client's end is its close_notify, or the end of the connection: many leave without a word, and
no command is carried out before its line is whole.
"""

import contextlib
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import Final

import trio

from maildird.server.client_certificate import client_names
from maildird.server.client_hello import (
    HEADER,
    NO_APPLICATION_PROTOCOL,
    offered_protocols,
    size_of_record,
)
from maildird.server.stream import PIECE, Slice, SocketStream, as_trio_says, close, too_slow
from maildird.server.tls import ALPN

RECORD: Final = 16 * 1024
"""Octets that a record has at most (RFC 8446 section 5.1)."""

_NO_TLS: Final = frozenset({"HTTP_REQUEST", "HTTPS_PROXY_REQUEST", "WRONG_VERSION_NUMBER"})
"""What OpenSSL says of a client that speaks plain text."""


class HandshakeFailed(trio.BrokenResourceError):
    """TLS could not begin; says why. The connection is of no more use."""


class TlsStream:
    """A TCP connection with TLS; as with the plain stream, one task may receive and one send.

    Raises what the plain stream does, and keeps its write timeout. Made by `start_tls`.
    """

    def __init__(self, encrypted: ssl.SSLSocket, peer: str, write_timeout: float) -> None:
        self.peer = peer
        self._socket = encrypted
        self._write_timeout = write_timeout
        self._readable = Readiness(encrypted, trio.lowlevel.wait_readable)
        self._writable = Readiness(encrypted, trio.lowlevel.wait_writable)
        self._begun = b""
        self._slice = Slice()

    @property
    def version(self) -> str:
        """The version of TLS that is spoken, such as TLSv1.3."""
        return self._socket.version() or "TLS"

    @property
    def client_names(self) -> tuple[str, ...]:
        """Whom the client's certificate names, which was verified; none without a certificate."""
        certificate = self._socket.getpeercert(binary_form=True)
        return client_names(certificate) if certificate else ()

    @property
    def exported_key(self) -> bytes | None:
        """What both ends of this connection alone have (tls-exporter, RFC 9266), to bind to it.

        Python's ssl does not give it away.
        """
        return None

    async def receive_some(self) -> bytes:
        """What has come in, at least one octet; b"" once the client has ended its side."""
        await self._slice.keep()
        while True:
            try:
                return self._socket.recv(RECORD)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError) as wanted:
                await self._wait(wanted)
            except OSError as error:
                raise _as_trio_says(error) from error

    async def send_all(self, data: bytes) -> None:
        """Hand `data` over to the kernel; after a cancelled call nobody knows how much went out."""
        rest = memoryview(self._begun + data if self._begun else data)
        await self._slice.keep()
        with contextlib.suppress(ssl.SSLWantReadError, ssl.SSLWantWriteError):
            rest = rest[self._send_now(rest) :]
        while rest:
            await self._slice.keep()
            with trio.move_on_after(self._write_timeout) as scope:
                rest = await self._send_piece(rest)
            if scope.cancelled_caught:
                raise too_slow(self._write_timeout)

    async def aclose(self) -> None:
        """Close without waiting, with close_notify."""
        if self._socket.fileno() == -1:
            return
        with contextlib.suppress(OSError):
            self._socket.unwrap()
        close(self._socket)

    async def handshake(self) -> None:
        """Begin; raises HandshakeFailed."""
        while True:
            try:
                self._socket.do_handshake()
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError) as wanted:
                await self._wait(wanted)
            except OSError as error:
                raise HandshakeFailed(_why(error)) from error
            else:
                return

    async def _send_piece(self, rest: memoryview) -> memoryview:
        """Send `PIECE` octets, or all there are; gives what is left."""
        enough = max(len(rest) - PIECE, 0)
        while len(rest) > enough:
            try:
                rest = rest[self._send_now(rest) :]
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError) as wanted:
                await self._wait(wanted)
        return rest

    def _send_now(self, data: memoryview) -> int:
        """Send one record, if TLS can at once; gives its octets, or raises what TLS wants."""
        record = data[:RECORD]
        try:
            sent = self._socket.send(record)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            self._begun = bytes(record)
            raise
        except OSError as error:
            raise _as_trio_says(error) from error
        self._begun = b""
        return sent

    async def _wait(self, wanted: ssl.SSLError) -> None:
        reads = isinstance(wanted, ssl.SSLWantReadError)
        await (self._readable if reads else self._writable).wait()
        self._slice.begin()


async def start_tls(plain: SocketStream, context: ssl.SSLContext) -> TlsStream:
    """Go on with TLS where a plain stream is now, which is closed by this.

    Raises HandshakeFailed when that can't be.
    """
    await _need_imap(plain)
    try:
        encrypted = context.wrap_socket(
            plain.detach(), server_side=True, do_handshake_on_connect=False
        )
    except OSError as error:
        raise HandshakeFailed(_why(error)) from error
    stream = TlsStream(encrypted, plain.peer, plain.write_timeout)
    try:
        await stream.handshake()
    except BaseException:
        await stream.aclose()
        raise
    return stream


async def _need_imap(plain: SocketStream) -> None:
    """Refuse a client that says by ALPN that it speaks something else."""
    size = size_of_record(await plain.peek(HEADER))
    offered = offered_protocols(await plain.peek(size)) if size else ()
    if offered and ALPN.encode("ascii") not in offered:
        await plain.send_all(NO_APPLICATION_PROTOCOL)
        shown = b", ".join(offered)[:80].decode("latin-1")
        raise HandshakeFailed(f"the client wants to speak {shown!a}, and not imap")


class Readiness:
    """One direction of a socket. trio lets one task alone wait for it; any other joins that one."""

    def __init__(
        self, waited_for: socket.socket, wait: Callable[[socket.socket], Awaitable[None]]
    ) -> None:
        self._socket = waited_for
        self._wait = wait
        self._waiting = False
        self._joined = trio.lowlevel.ParkingLot()

    async def wait(self) -> None:
        """Wait until the socket may be ready: when it isn't, wait again."""
        if self._waiting:
            await self._joined.park()
            return
        self._waiting = True
        try:
            await self._wait(self._socket)
        finally:
            self._waiting = False
            self._joined.unpark_all()


def _as_trio_says(error: OSError) -> Exception:
    if isinstance(error, ssl.SSLError):
        return trio.BrokenResourceError(_why(error))
    return as_trio_says(error)


def _why(error: OSError) -> str:
    """What OpenSSL says, for people."""
    reason = getattr(error, "reason", None)
    if reason in _NO_TLS:
        return "the client does not speak TLS"
    if isinstance(error, ssl.SSLEOFError):
        return "the client left"
    return str(reason or error.strerror or error).replace("_", " ").lower()
