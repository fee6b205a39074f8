"""Taking clients in: each is identified, encrypted where that comes first, and served in a task of
its own.

The accept loop ends by cancellation alone. Where the process or the system has no descriptor left
it waits: closing the listener would turn clients away that could be served a moment later. What a
connection raises is logged in one line, and ends that connection alone.

Before the first word a connection may have two things to get over: a proxy says who the client is,
and TLS begins. Both have to be done in the time that there is for the login.
"""

import errno
import ipaddress
import logging
import math
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import trio

from maildird.imap.responses import bye
from maildird.server.addresses import Address, address_of_client
from maildird.server.admission import Admission, Visit
from maildird.server.failures import connection_failures
from maildird.server.listeners import Bound
from maildird.server.proxy_protocol import client_address, octets_missing
from maildird.server.settings import Listener, Timeouts
from maildird.server.stream import ClientStream, SocketStream
from maildird.terms.codes import Code

if TYPE_CHECKING:
    from maildird.server.tls_stream import TlsStream  # loads OpenSSL, which not everybody needs

logger = logging.getLogger(__name__)

PAUSE: Final = 0.1
"""How long the accept loop waits for a descriptor (s)."""

_CLIENT_GONE: Final = frozenset({errno.ECONNABORTED, errno.EPROTO, errno.ENETDOWN})
"""What accept(2) says of a client that left before it was taken in."""


class Client:
    """A client that has connected; it may change to TLS once, where `start_tls` says how.

    `private` when it may send its password as it is, `tls` the stream once it is encrypted. It has
    to log in by `deadline` (s, trio's clock), and its `visit` is told then.
    """

    def __init__(
        self,
        stream: ClientStream,
        private: bool,
        deadline: float = math.inf,
        start_tls: "Callable[[], Awaitable[TlsStream]] | None" = None,
    ) -> None:
        self.stream = stream
        self.private = private
        self.deadline = deadline
        self.tls: TlsStream | None = None
        self.visit = Visit()
        self._start_tls = start_tls

    @property
    def can_start_tls(self) -> bool:
        """Whether TLS is offered, and has not begun."""
        return self._start_tls is not None

    async def start_tls(self) -> None:
        """Go on with TLS from here; raises trio.BrokenResourceError when that fails."""
        assert self._start_tls is not None
        start, self._start_tls = self._start_tls, None
        with _in_time(self.deadline, "TLS did not begin"):
            self.stream = self.tls = await start()
        self.private = True


Serve = Callable[[Client], Awaitable[None]]
"""Talks to one client until the end; the listener closes the stream."""

StartTls = Callable[[SocketStream], "Awaitable[TlsStream]"]
"""Begins TLS on a connection; raises HandshakeFailed."""


@dataclass(frozen=True, slots=True)
class Service:
    """How clients are served that connect from now on."""

    serve: Serve
    timeouts: Timeouts
    start_tls: StartTls | None = None


class Reception:
    """Takes clients in from any number of listening sockets and has them served.

    `service` may be put another in the place of; who has connected goes on with the one before.
    """

    def __init__(self, admission: Admission, service: Service) -> None:
        self.service = service
        self._admission = admission

    async def accept_all(self, bound: Bound) -> None:
        """Take clients in until cancelled; their tasks end with this one."""
        async with trio.open_nursery() as nursery:
            while True:
                accepted = await self._accept(bound.listening)
                nursery.start_soon(self._attend, *accepted, bound.listener)

    async def _accept(self, listening: socket.socket) -> tuple[socket.socket, Address]:
        """The next client: its socket and address."""
        short = False
        while True:
            try:
                connected, address = listening.accept()
                return connected, address_of_client(*address[:2])
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

    async def _attend(self, connected: socket.socket, peer: Address, listener: Listener) -> None:
        service = self.service
        plain = SocketStream(connected, peer, service.timeouts.write)
        client = Client(
            plain,
            listener.allow_plaintext,
            trio.current_time() + service.timeouts.login,
            _way_to_tls(plain, listener, service.start_tls),
        )
        try:
            with connection_failures(logger, lambda: str(client.stream.peer)):
                origin = await _identify(client, plain, listener)
                with self._admission.admit(origin, client.visit) as refusal:
                    await _receive(client, listener, service.serve, refusal)
        finally:
            await client.stream.aclose()


async def _receive(client: Client, listener: Listener, serve: Serve, refusal: str | None) -> None:
    """Have a client served, or tell it why not: in plain text, so not where it expects TLS."""
    if refusal is None:
        if listener.tls == "implicit":
            await client.start_tls()
        await serve(client)
    elif listener.tls != "implicit":
        await client.stream.send_all(bye(refusal, Code.LIMIT))


def _way_to_tls(
    plain: SocketStream, listener: Listener, start_tls: StartTls | None
) -> "Callable[[], Awaitable[TlsStream]] | None":
    if listener.tls == "none" or start_tls is None:
        return None
    return lambda: start_tls(plain)


async def _identify(client: Client, plain: SocketStream, listener: Listener) -> Address:
    """Whom a connection counts for: who connected, or whom the proxy names.

    One for which the proxy names nobody counts for the proxy, whose place gives it no privilege.
    """
    address = ipaddress.ip_address(plain.peer.host)
    if any(address in network for network in listener.proxy_from):
        with _in_time(client.deadline, "no header of the PROXY protocol came"):
            named = await _named_by_proxy(plain)
        if named is None:
            return plain.peer
        plain.peer, address = named, ipaddress.ip_address(named.host)
    client.private = client.private or address.is_loopback
    return plain.peer


async def _named_by_proxy(plain: SocketStream) -> Address | None:
    header = b""
    while missing := octets_missing(header):
        received = await plain.receive_some(missing)
        if not received:
            raise trio.BrokenResourceError("the proxy left")
        header += received
    return client_address(header)


@contextmanager
def _in_time(deadline: float, failure: str) -> Iterator[None]:
    """Give what is inside until `deadline`, when the connection is given up."""
    with trio.move_on_at(deadline) as scope:
        yield
    if scope.cancelled_caught:
        raise trio.BrokenResourceError(f"{failure} in time")
