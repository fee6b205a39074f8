"""The running server, from the first listening socket to the last BYE.

Theory of operation. Three circles, each inside the other: accounts, then connections, then the wait
for a signal. SIGTERM and SIGINT cancel the circle of connections: each says BYE to its client, for
which it has a second, and leaves. Only then do the accounts finish their turns and close.
"""

import ipaddress
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

import trio

from maildird.server.accounts import keep_accounts
from maildird.server.activation import PassedSockets, passed_sockets
from maildird.server.admission import Admission
from maildird.server.descriptors import provide_descriptors
from maildird.server.kinds import Address
from maildird.server.listeners import Bound, Reception, open_listener
from maildird.server.login import Doorkeeper
from maildird.server.notify import ServiceManager
from maildird.server.settings import Listener, Settings
from maildird.server.users import Users
from maildird.session.describe import describe

logger = logging.getLogger(__name__)

Ready = Callable[[Sequence[Address]], None]
"""Called once clients can connect, with the addresses that are listened on."""


async def serve(settings: Settings, ready: Ready) -> None:
    """Serve until SIGTERM or SIGINT; raises MaildirdError when the service can't begin."""
    manager = ServiceManager(os.environ)
    passed = passed_sockets(os.environ)
    provide_descriptors(settings.limits.connections)
    users = Users(settings)
    with (
        trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals,
        _listening(settings.listeners, passed) as bound,
    ):
        async with keep_accounts(describe) as accounts, trio.open_nursery() as connections:
            connections.start_soon(_stop_on_signal, signals, connections.cancel_scope, manager)
            connections.start_soon(manager.feed_watchdog)
            await accounts.open_all(users.everyone())
            admission = Admission(settings.limits)
            reception = Reception(
                admission,
                settings.timeouts.write,
                Doorkeeper(settings, users, accounts, admission).serve,
            )
            for each in bound:
                connections.start_soon(reception.accept_all, each)
            addresses = [each.address for each in bound]
            ready(addresses)
            manager.ready(f"listening on {', '.join(map(str, addresses))}")


@contextmanager
def _listening(listeners: Sequence[Listener], passed: PassedSockets) -> Iterator[list[Bound]]:
    """Hold the listening sockets."""
    with ExitStack() as open_sockets:
        bound = []
        for listener in listeners:
            for each in open_listener(listener, passed):
                open_sockets.enter_context(each.listening)
                bound.append(each)
                _warn_of_plaintext(each)
        passed.close_rest()
        yield bound


def _warn_of_plaintext(bound: Bound) -> None:
    if not (bound.allow_plaintext or ipaddress.ip_address(bound.address.host).is_loopback):
        logger.warning(
            "%s: no encryption, so clients of other machines can connect but not log in;"
            " allow_plaintext of a listener in the configuration file lets them",
            bound.address,
        )


async def _stop_on_signal(
    signals: AsyncIterator[int], scope: trio.CancelScope, manager: ServiceManager
) -> None:
    async for number in signals:
        logger.info("%s: ending", signal.Signals(number).name)
        manager.stopping()
        scope.cancel()
        return
