"""The plain TCP stream that a connection reads and writes.

The non-blocking socket is tried first, and trio waits only where it would block: half the cost of a
checkpoint before each operation. A client that always has more to say would starve the others that
way, so a call yields when the last yield is some milliseconds ago (`Slice`).

What is sent goes out at once: replies are joined before they come here, and the tickets that end a
handshake would hold up the greeting for as long as the client delays its acknowledgement.
"""

import contextlib
import errno
import socket
import time
from typing import Final, Protocol

import trio

from maildird.server.addresses import Address
from maildird.session.streams import Stream

RECEIVE_SIZE: Final = 64 * 1024
"""Octets of one read at most."""

PIECE: Final = 64 * 1024
"""Octets that the client has to take within the write timeout."""

SLICE: Final = 0.004
"""Seconds that a task may run on."""


class ClientStream(Stream, Protocol):
    """What talks to a client, before login and after; `peer` names the client for the log."""

    peer: Address

    async def aclose(self) -> None:
        """Close without waiting."""


class Slice:
    """The time that a task may run on before others have their turn."""

    def __init__(self) -> None:
        self._began = time.perf_counter()

    def begin(self) -> None:
        """The task has waited just now."""
        self._began = time.perf_counter()

    async def keep(self) -> None:
        """Yield when the slice is used up."""
        if time.perf_counter() - self._began > SLICE:
            await trio.lowlevel.checkpoint()
            self.begin()


class SocketStream:
    """A connected TCP socket; one task may receive while another one sends.

    `write_timeout` is the time (s) that the client has to take each `PIECE`. A connection that
    broke down raises trio.BrokenResourceError, which says how, and one that this side closed
    trio.ClosedResourceError.
    """

    def __init__(self, connected: socket.socket, peer: Address, write_timeout: float) -> None:
        connected.setblocking(False)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.peer = peer
        self._socket = connected
        self.write_timeout = write_timeout
        self._slice = Slice()

    async def receive_some(self, most: int = RECEIVE_SIZE) -> bytes:
        """What has come in, 1 to `most` octets; b"" once the client has ended its side."""
        await self._slice.keep()
        while True:
            try:
                return self._socket.recv(most)
            except BlockingIOError:
                await trio.lowlevel.wait_readable(self._socket)
                self._slice.begin()
            except OSError as error:
                raise _as_trio_says(error) from error

    async def send_all(self, data: bytes) -> None:
        """Hand `data` over to the kernel; after a cancelled call nobody knows how much went out."""
        await self._slice.keep()
        rest = memoryview(data)
        rest = rest[self._send_now(rest) :]
        while rest:
            with trio.move_on_after(self.write_timeout) as scope:
                rest = await self._send_piece(rest)
            if scope.cancelled_caught:
                raise too_slow(self.write_timeout)

    async def aclose(self) -> None:
        """Close without waiting; what was sent still reaches a client that reads."""
        if self._socket.fileno() == -1:
            return
        close(self._socket)

    def detach(self) -> socket.socket:
        """Give the socket away: something else goes on with the connection, and closes it."""
        return self._socket

    async def _send_piece(self, rest: memoryview) -> memoryview:
        """Send `PIECE` octets, or all there are; gives what is left."""
        enough = max(len(rest) - PIECE, 0)
        while len(rest) > enough:
            await trio.lowlevel.wait_writable(self._socket)
            self._slice.begin()
            rest = rest[self._send_now(rest) :]
        return rest

    def _send_now(self, data: memoryview) -> int:
        """Send what the kernel takes at once, in octets."""
        try:
            return self._socket.send(data)
        except BlockingIOError:
            return 0
        except OSError as error:
            raise _as_trio_says(error) from error


def close(connected: socket.socket) -> None:
    """Close a connection without waiting; what was sent still reaches a client that reads."""
    trio.lowlevel.notify_closing(connected)
    with contextlib.suppress(OSError):
        connected.shutdown(socket.SHUT_WR)
        _drain(connected)
    connected.close()


def too_slow(seconds: float) -> Exception:
    """What to raise when a client did not take a `PIECE` in time."""
    return trio.BrokenResourceError(f"the client took less than {PIECE} octets in {seconds:g} s")


def _drain(connected: socket.socket) -> None:
    """Read what nobody will: a close with unread input resets the connection and takes the last
    words away from the client."""
    for _ in range(16):
        if not connected.recv(RECEIVE_SIZE):
            break


def _as_trio_says(error: OSError) -> Exception:
    """What trio raises in place of an error of a socket."""
    if error.errno == errno.EBADF:
        return trio.ClosedResourceError("the connection was closed here")
    return trio.BrokenResourceError(error.strerror)
