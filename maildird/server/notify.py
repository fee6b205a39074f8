"""Telling the service manager how the server is doing (sd_notify(3)).

Each message is one datagram of `VARIABLE=value` lines to the socket that `$NOTIFY_SOCKET` names.
The watchdog is fed from a task of the main loop: when the loop hangs, the manager hears nothing
more, and starts the server anew. A message that the manager can't take at once is lost; nobody
waits for it. Once it has heard that the server ends it hears nothing that would take that back.
"""

import logging
import os
import socket
import time
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Final

import trio

logger = logging.getLogger(__name__)

_MICROSECONDS: Final = 1_000_000


class ServiceManager:
    """Who started the server; where that is nobody who listens, messages go nowhere.

    The variables are taken out of `environment`, so that no child speaks for the server.
    """

    def __init__(self, environment: MutableMapping[str, str]) -> None:
        self._address = environment.pop("NOTIFY_SOCKET", "")
        self._ending = False
        self._watchdog_interval = _watchdog_interval(environment)

    def ready(self, status: str) -> None:
        """Clients can connect; `status` is for people who ask the manager."""
        self._tell("READY=1", f"STATUS={status}")

    def stopping(self) -> None:
        """The server has begun to end."""
        self._tell("STOPPING=1", "STATUS=ending")
        self._ending = True

    @contextmanager
    def reloading(self) -> Iterator[None]:
        """The settings are read again within this block, and in force after it, or refused."""
        now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._tell("RELOADING=1", f"MONOTONIC_USEC={now}")
        try:
            yield
        finally:
            self._tell("READY=1")

    async def feed_watchdog(self) -> None:
        """Say twice in each interval of the watchdog that the main loop turns, until cancelled."""
        if self._watchdog_interval is None:
            return
        while True:
            self._tell("WATCHDOG=1")
            await trio.sleep(self._watchdog_interval / 2)

    def _tell(self, *lines: str) -> None:
        if not self._address or self._ending:
            return
        address = self._address
        if address.startswith("@"):
            address = "\0" + address[1:]  # the abstract namespace, unix(7)
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.setblocking(False)
                sender.sendto("\n".join(lines).encode(), address)
        except OSError as error:
            logger.warning("the service manager did not hear %s: %s", lines[0], error.strerror)


def _watchdog_interval(environment: MutableMapping[str, str]) -> float | None:
    """Seconds after which the manager takes the server for hung; None: it does not look."""
    interval = environment.pop("WATCHDOG_USEC", "")
    pid = environment.pop("WATCHDOG_PID", "") or str(os.getpid())
    if not interval.isdecimal() or int(interval) == 0 or pid != str(os.getpid()):
        return None
    return int(interval) / _MICROSECONDS
