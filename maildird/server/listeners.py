"""Listening: addresses are bound, clients taken in, each served in a task of its own.

The accept loop ends by cancellation alone. Where the process or the system has no descriptor left
it waits: closing the listener would turn clients away that could be served a moment later. What a
connection raises is logged in one line, and ends that connection alone.
"""

import errno
import ipaddress
import logging
import os
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import trio

from maildird.imap.responses import bye
from maildird.server.activation import HOST, PassedSockets
from maildird.server.admission import Admission
from maildird.server.failures import log_failure
from maildird.server.kinds import Address
from maildird.server.settings import Listener
from maildird.server.stream import ClientStream, SocketStream
from maildird.terms.codes import Code
from maildird.terms.errors import SettingsError

logger = logging.getLogger(__name__)

BACKLOG: Final = 1024

PAUSE: Final = 0.1
"""How long the accept loop waits for a descriptor (s)."""

_CLIENT_GONE: Final = frozenset({errno.ECONNABORTED, errno.EPROTO, errno.ENETDOWN})
"""What accept(2) says of a client that left before it was taken in."""

_ADVICE: Final = {
    errno.EACCES: "take a port above 1023, or let the service manager give it this right",
    errno.EADDRINUSE: "another program listens there; end it, or take another port",
    errno.EADDRNOTAVAIL: "take an address of this machine",
}


@dataclass(frozen=True, slots=True)
class Client:
    """A client that has connected; `private` when it may send its password as it is."""

    stream: ClientStream
    private: bool


Serve = Callable[[Client], Awaitable[None]]
"""Talks to one client until the end; the listener closes the stream."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A listening socket, and the address that it got."""

    listening: socket.socket
    address: Address
    allow_plaintext: bool


def open_listener(listener: Listener, passed: PassedSockets) -> list[Bound]:
    """Listen on an address, or on the sockets that the service manager passed for its port.

    Raises SettingsError for an address that can't be had.
    """
    if listener.address.host != HOST:
        return bind(listener)
    sockets = passed.take(listener.address.port)
    if not sockets:
        raise SettingsError(
            f"can't listen on {listener.address}: the service manager passed no socket with this"
            " port; start maildird.socket, and have it name the port in a ListenStream="
        )
    return [_bound(each, listener) for each in sockets]


def bind(listener: Listener) -> list[Bound]:
    """Listen on an address: one socket, or one for each address that a host name has.

    Raises SettingsError for an address that can't be had.
    """
    host, port = listener.address.host, listener.address.port
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise SettingsError(
            f"can't listen on {listener.address}: {error.strerror}; name an address of this machine"
        ) from None
    return [_bind(family, address, listener) for family, _, _, _, address in found]


def _bind(family: int, address: tuple[object, ...], listener: Listener) -> Bound:
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listening.setblocking(False)
        listening.bind(address)
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        advice = _ADVICE.get(error.errno or 0, "take another address")
        raise SettingsError(
            f"can't listen on {listener.address}: {os.strerror(error.errno or 0)}; {advice}"
        ) from None
    return _bound(listening, listener)


def _bound(listening: socket.socket, listener: Listener) -> Bound:
    host, port = listening.getsockname()[:2]
    return Bound(listening, Address(host, port), listener.allow_plaintext)


def _plain(host: str) -> str:
    """An IPv4 address as such, where a socket for both kinds gave it as an IPv6 one."""
    address = ipaddress.ip_address(host)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped) if mapped else host


class Reception:
    """Takes clients in from any number of listening sockets and has `serve` talk to each."""

    def __init__(self, admission: Admission, write_timeout: float, serve: Serve) -> None:
        self._admission = admission
        self._write_timeout = write_timeout
        self._serve = serve

    async def accept_all(self, bound: Bound) -> None:
        """Take clients in until cancelled; their tasks end with this one."""
        async with trio.open_nursery() as nursery:
            while True:
                accepted = await self._accept(bound.listening)
                nursery.start_soon(self._attend, *accepted, bound.allow_plaintext)

    async def _accept(self, listening: socket.socket) -> tuple[socket.socket, str, int]:
        """The next client: its socket, IP address and port."""
        short = False
        while True:
            try:
                connected, address = listening.accept()
                return connected, _plain(address[0]), address[1]
            except BlockingIOError:
                await trio.lowlevel.wait_readable(listening)
            except OSError as error:
                if error.errno in _CLIENT_GONE:
                    await trio.lowlevel.checkpoint()
                    continue
                if not short:
                    logger.error("no more clients can be taken in for now: %s", error.strerror)
                short = True
                await trio.sleep(PAUSE)

    async def _attend(
        self, connected: socket.socket, host: str, port: int, allow_plaintext: bool
    ) -> None:
        stream = SocketStream(connected, str(Address(host, port)), self._write_timeout)
        private = allow_plaintext or ipaddress.ip_address(host).is_loopback
        try:
            with self._admission.admit(host) as refusal:
                if refusal is None:
                    await self._serve(Client(stream, private))
                else:
                    await stream.send_all(bye(refusal, Code.LIMIT))
        except* (trio.BrokenResourceError, trio.ClosedResourceError) as losses:
            logger.debug("%s: connection lost: %s", stream.peer, losses.exceptions[0])
        except* Exception as failures:
            log_failure(logger, f"connection of {stream.peer}", failures)
        finally:
            await stream.aclose()
