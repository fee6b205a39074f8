"""Listening: the addresses and passed sockets of listeners."""

import errno
import os
import socket
from dataclasses import dataclass
from typing import Final

from maildird.server.activation import HOST, PassedSockets
from maildird.server.addresses import Address
from maildird.server.settings import Listener
from maildird.terms.errors import SettingsError

BACKLOG: Final = 1024

_ADVICE: Final = {
    errno.EACCES: "take a port above 1023, or let the service manager give it this right",
    errno.EADDRINUSE: "another program listens there; end it, or take another port",
    errno.EADDRNOTAVAIL: "take an address of this machine",
}


@dataclass(frozen=True, slots=True)
class Bound:
    """A listening socket, the address that it got, and how its clients are served."""

    listening: socket.socket
    address: Address
    listener: Listener

    @property
    def url(self) -> str:
        """What people give to a client."""
        return f"{'imaps' if self.listener.tls == 'implicit' else 'imap'}://{self.address}"


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
    return Bound(listening, Address(host, port), listener)
