"""The encrypted stream that a connection reads and writes.

As with the plain stream the socket is tried first. What differs comes of the records between the
client's octets and the wire. A read may have to write and a write may have to read first, so either
waits for what TLS wants, and two tasks may come to wait for one direction. A record of which a part
went out has to be finished with the same octets before anything else is sent, so it is kept when a
call is cancelled, and the next call begins with it.

The client's end is its close_notify, or the end of the connection: many leave without a word, and
no command is carried out before its line is whole.

pyOpenSSL stands in for Python's ssl since it gives the exported key away, which a client may bind
its login to, and can refuse a client by ALPN. It knows the socket by its number alone, which may be
another one's after a close: nothing may be asked of it then.
"""

import contextlib
import os
import socket
from collections.abc import Awaitable, Callable
from typing import Final, ParamSpec, TypeVar

import trio
from OpenSSL import SSL, crypto

from maildird.server.client_certificate import client_names
from maildird.server.failures import HandshakeFailed
from maildird.server.stream import PIECE, Slice, SocketStream, close, too_slow

P = ParamSpec("P")
T = TypeVar("T")

RECORD: Final = 16 * 1024
"""Octets that a record has at most (RFC 8446 section 5.1)."""

_NO_TLS: Final = frozenset(
    {"http request", "https proxy request", "wrong version number", "packet length too long"}
)
"""What OpenSSL says of a client that speaks plain text."""

_LEFT: Final = "the client left"

_EXPORTED: Final = (b"EXPORTER-Channel-Binding", 32, b"")
"""Label, octets and context of tls-exporter (RFC 9266 section 2)."""

_WANTED: Final = (SSL.WantReadError, SSL.WantWriteError)


class TlsStream:
    """A TCP connection with TLS; as with the plain stream, one task may receive and one send.

    Raises what the plain stream does, and keeps its write timeout. Made by `start_tls`.
    """

    def __init__(self, plain: SocketStream, context: SSL.Context) -> None:
        self.peer = plain.peer
        self._write_timeout = plain.write_timeout
        self._socket = plain.detach()
        self._tls = SSL.Connection(context, self._socket)
        self._tls.set_accept_state()
        self._readable = Readiness(self._socket, trio.lowlevel.wait_readable)
        self._writable = Readiness(self._socket, trio.lowlevel.wait_writable)
        self._begun = b""
        self._slice = Slice()

    @property
    def version(self) -> str:
        """The version of TLS that is spoken, such as TLSv1.3."""
        return self._tls.get_protocol_version_name()

    @property
    def client_names(self) -> tuple[str, ...]:
        """Whom the client's certificate names, which was verified; none without a certificate."""
        certificate = self._tls.get_peer_certificate()
        if certificate is None:
            return ()
        return client_names(crypto.dump_certificate(crypto.FILETYPE_ASN1, certificate))

    @property
    def exported_key(self) -> bytes | None:
        """What both ends of this connection alone have (tls-exporter, RFC 9266), to bind to it.

        None before TLS 1.3, where it takes an extension to be theirs alone.
        """
        if self._tls.get_protocol_version() < SSL.TLS1_3_VERSION:
            return None
        return self._tls.export_keying_material(*_EXPORTED)

    async def receive_some(self) -> bytes:
        """What has come in, at least one octet; b"" once the client has ended its side."""
        await self._slice.keep()
        while True:
            try:
                return self._now(self._tls.recv, RECORD)
            except _WANTED as wanted:
                await self._wait(wanted)
            except (SSL.ZeroReturnError, _Left):
                return b""

    async def send_all(self, data: bytes) -> None:
        """Hand `data` over to the kernel; after a cancelled call nobody knows how much went out."""
        rest = memoryview(self._begun + data if self._begun else data)
        await self._slice.keep()
        if not rest:  # which TLS has no record for
            return
        with contextlib.suppress(*_WANTED):
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
        with contextlib.suppress(SSL.Error):
            self._tls.shutdown()
        close(self._socket)

    async def handshake(self) -> None:
        """Begin; raises HandshakeFailed."""
        while True:
            try:
                self._now(self._tls.do_handshake)
            except _WANTED as wanted:
                await self._wait(wanted)
            except SSL.ZeroReturnError:
                raise HandshakeFailed(_LEFT) from None
            except HandshakeFailed:
                raise
            except trio.BrokenResourceError as error:
                raise HandshakeFailed(str(error)) from error
            else:
                return

    async def _send_piece(self, rest: memoryview) -> memoryview:
        """Send `PIECE` octets, or all there are; gives what is left."""
        enough = max(len(rest) - PIECE, 0)
        while len(rest) > enough:
            try:
                rest = rest[self._send_now(rest) :]
            except _WANTED as wanted:
                await self._wait(wanted)
        return rest

    def _send_now(self, data: memoryview) -> int:
        """Send one record, if TLS can at once; gives its octets, or raises what TLS wants."""
        record = data[:RECORD]
        try:
            sent = self._now(self._tls.send, record)
        except _WANTED:
            self._begun = bytes(record)
            raise
        self._begun = b""
        return sent

    def _now(self, operation: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What an operation gives; raises what TLS wants, ZeroReturnError or what trio would."""
        if self._socket.fileno() == -1:
            raise trio.ClosedResourceError("the connection was closed here")
        try:
            return operation(*args, **kwargs)
        except (*_WANTED, SSL.ZeroReturnError):
            raise
        except SSL.SysCallError as error:
            number = error.args[0]
            raise (
                trio.BrokenResourceError(os.strerror(number)) if number > 0 else _Left()
            ) from error
        except SSL.Error as error:
            raise trio.BrokenResourceError(_why(error)) from error

    async def _wait(self, wanted: SSL.Error) -> None:
        reads = isinstance(wanted, SSL.WantReadError)
        await (self._readable if reads else self._writable).wait()
        self._slice.begin()


async def start_tls(plain: SocketStream, context: SSL.Context) -> TlsStream:
    """Go on with TLS where a plain stream is now, which is closed by this.

    Raises HandshakeFailed when that can't be.
    """
    stream = TlsStream(plain, context)
    try:
        await stream.handshake()
    except BaseException:
        await stream.aclose()
        raise
    return stream


class _Left(trio.BrokenResourceError):
    """The client ended the connection without close_notify."""

    def __init__(self) -> None:
        super().__init__(_LEFT)


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


def _why(error: SSL.Error) -> str:
    """What OpenSSL says, for people."""
    reasons = [reason for _, _, reason in error.args[0]] if error.args else []
    if _NO_TLS.intersection(reasons):
        return "the client does not speak TLS"
    return reasons[0] if reasons else _LEFT  # what was wrong, an earlier call has said
