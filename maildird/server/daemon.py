"""The running server, from the first listening socket to the last BYE.

Theory of operation. Three circles, each inside the other: accounts, then connections, then the wait
for a signal. SIGTERM and SIGINT cancel the circle of connections: each says BYE to its client, for
which it has a second, and leaves. Only then do the accounts finish their turns and close. Signals
are heard until that is done, as what is left of them would end the process at once; they change
nothing any more.

SIGHUP has the settings read again, once the server is ready. However many come while that goes on,
it is done once more: what they mean may have been written too late for this time.
"""

import ipaddress
import logging
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress

import trio

from maildird.server.accounts import keep_accounts
from maildird.server.activation import PassedSockets, passed_sockets
from maildird.server.auth_socket import auth_socket
from maildird.server.failures import log_failure
from maildird.server.listeners import Bound, bind, open_listener
from maildird.server.metrics_endpoint import MetricsEndpoint
from maildird.server.notify import ServiceManager
from maildird.server.running import Reread, Running
from maildird.server.settings import Listener, Settings
from maildird.session.describe import describe

logger = logging.getLogger(__name__)

Ready = Callable[[Sequence[str]], None]
"""Called once clients can connect, with the URLs of the addresses that are listened on."""


async def serve(settings: Settings, ready: Ready, reread: Reread | None = None) -> None:
    """Serve until SIGTERM or SIGINT; raises MaildirdError when the service can't begin.

    With SIGHUP `reread` gives the settings that hold from then on.
    """
    manager = ServiceManager(os.environ)
    passed = passed_sockets(os.environ)
    with (
        trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as signals,
        _listening(settings, passed) as bound,
        auth_socket(settings.sasl) as asked,
        _metrics(settings) as metrics,
    ):
        async with trio.open_nursery() as outermost:
            hangups, due = trio.open_memory_channel[None](1)
            async with keep_accounts(describe) as accounts, trio.open_nursery() as connections:
                outermost.start_soon(_heed_signals, signals, hangups, connections, manager)
                connections.start_soon(manager.feed_watchdog)
                running = Running(settings, accounts, reread)
                await running.open_accounts()
                for each in bound:
                    connections.start_soon(running.reception.accept_all, each)
                if asked is not None:
                    connections.start_soon(running.auth_service.answer_all, asked)
                if metrics:
                    connections.start_soon(MetricsEndpoint(running.report).answer_all, metrics)
                ready([each.url for each in bound])
                manager.ready(f"listening on {', '.join(str(each.address) for each in bound)}")
                connections.start_soon(_reload, due, manager, running)
            outermost.cancel_scope.cancel()


@contextmanager
def _listening(settings: Settings, passed: PassedSockets) -> Iterator[list[Bound]]:
    """Hold the listening sockets."""
    with ExitStack() as open_sockets:
        bound = []
        for listener in settings.listeners:
            for each in open_listener(listener, passed):
                open_sockets.enter_context(each.listening)
                bound.append(each)
                if listener.tls == "none" or not settings.certificates:
                    _warn_of_plaintext(each)
        passed.close_rest()
        yield bound


@contextmanager
def _metrics(settings: Settings) -> Iterator[list[socket.socket]]:
    """Hold the sockets where metrics can be read."""
    with ExitStack() as open_sockets:
        bound = [] if settings.metrics is None else bind(Listener(settings.metrics))
        for each in bound:
            open_sockets.enter_context(each.listening)
            logger.info("metrics are at http://%s/metrics", each.address)
            if _is_open_to_all(each):
                logger.warning("%s: other machines can read metrics there", each.address)
        yield [each.listening for each in bound]


def _is_open_to_all(bound: Bound) -> bool:
    return not ipaddress.ip_address(bound.address.host).is_loopback


def _warn_of_plaintext(bound: Bound) -> None:
    if _is_open_to_all(bound) and not bound.listener.allow_plaintext:
        logger.warning(
            "%s: no encryption, so clients of other machines can connect but not log in; name a"
            " certificate in the configuration file, or set allow_plaintext of the listener",
            bound.address,
        )


async def _heed_signals(
    signals: AsyncIterator[int],
    hangups: trio.MemorySendChannel[None],
    connections: trio.Nursery,
    manager: ServiceManager,
) -> None:
    async for number in signals:
        if number == signal.SIGHUP:
            with suppress(trio.WouldBlock):  # one is asked for already that has not begun
                hangups.send_nowait(None)
        elif not connections.cancel_scope.cancel_called:
            logger.info("%s: ending", signal.Signals(number).name)
            manager.stopping()
            connections.cancel_scope.cancel()


async def _reload(
    due: trio.MemoryReceiveChannel[None], manager: ServiceManager, running: Running
) -> None:
    async for _ in due:
        with manager.reloading():
            try:
                await running.reload()
            except Exception as failure:
                log_failure(logger, "SIGHUP", failure)
