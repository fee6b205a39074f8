"""How many connections there may be, in all and from one address."""

import ipaddress
import logging
import math
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import trio

from maildird.server.settings import Limits

logger = logging.getLogger(__name__)

QUIET: Final = 60.0
"""How long a limit that was logged stays unlogged (s)."""


class Admission:
    """Counts the connections that are open."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._open: Counter[str] = Counter()
        self._logged: dict[str, float] = {}

    @contextmanager
    def admit(self, host: str) -> Iterator[str | None]:
        """Count a connection from an IP address, or give the reason why it can't be served."""
        origin = origin_of(host)
        refusal = self._refusal(origin)
        if refusal is not None:
            yield refusal
            return
        self._open[origin] += 1
        try:
            yield None
        finally:
            self._open[origin] -= 1
            if not self._open[origin]:
                del self._open[origin]

    def _refusal(self, origin: str) -> str | None:
        in_all, each = self._limits.connections, self._limits.connections_per_address
        if self._open.total() >= in_all:
            self._log("all addresses", "connections", in_all)
            return f"all {in_all} connections are taken; try again later"
        if self._open[origin] >= each:
            self._log(origin, "connections_per_address", each)
            return f"{each} connections from {origin} are open already; close one first"
        return None

    def _log(self, origin: str, setting: str, limit: int) -> None:
        now = trio.current_time()
        if now - self._logged.get(origin, -math.inf) < QUIET:
            return
        self._logged = {each: at for each, at in self._logged.items() if now - at < QUIET}
        self._logged[origin] = now
        logger.warning(
            "%d connections from %s are open, more are turned away; limits.%s sets how many may be",
            limit,
            origin,
            setting,
        )


def origin_of(host: str) -> str:
    """Whom an IP address counts for: itself; with IPv6 the /64, which one customer has whole."""
    address = ipaddress.ip_address(host)
    if isinstance(address, ipaddress.IPv6Address) and not address.is_loopback:
        return str(ipaddress.ip_network((int(address), 64), strict=False))
    return host
