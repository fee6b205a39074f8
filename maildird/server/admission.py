"""How many connections there may be: in all, from one address, and, after login, of one user."""

import ipaddress
import logging
import math
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import trio

from maildird.server.addresses import Address
from maildird.server.settings import Limits

logger = logging.getLogger(__name__)

QUIET: Final = 60.0
"""How long a limit that was logged stays unlogged (s)."""


class Admission:
    """Counts the connections that are open, by address and by user; `limits` may change.

    `admitted` counts those that were let in since the start, `refused` the others, and the logins,
    by the limit that was reached.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.admitted = 0
        self.refused: Counter[str] = Counter()
        self._origins: Counter[str] = Counter()
        self._users: Counter[str] = Counter()
        self._logged: dict[str, float] = {}

    @contextmanager
    def admit(self, peer: Address) -> Iterator[str | None]:
        """Count a connection from an address, or give the reason why it can't be served."""
        origin = origin_of(peer)
        refusal = self._refusal(origin)
        if refusal is not None:
            yield refusal
            return
        self.admitted += 1
        with _counted(self._origins, origin):
            yield None

    @property
    def connections(self) -> int:
        """How many are open."""
        return self._origins.total()

    @contextmanager
    def admit_user(self, name: str) -> Iterator[str | None]:
        """Count an admitted connection that has logged in, or give the reason why it may not."""
        limit = self.limits.connections_per_user
        if self._users[name] >= limit:
            self._log(f"user {name}", "connections_per_user", limit)
            yield f"{limit} connections of {name} are open already; close one first"
            return
        with _counted(self._users, name):
            yield None

    def _refusal(self, origin: str) -> str | None:
        in_all, each = self.limits.connections, self.limits.connections_per_address
        if self.connections >= in_all:
            self._log("all addresses", "connections", in_all)
            return f"all {in_all} connections are taken; try again later"
        if self._origins[origin] >= each:
            self._log(origin, "connections_per_address", each)
            return f"{each} connections from {origin} are open already; close one first"
        return None

    def _log(self, origin: str, setting: str, limit: int) -> None:
        self.refused[setting] += 1
        now = trio.current_time()
        if now - self._logged.get(origin, -math.inf) < QUIET:
            return
        self._logged = {each: at for each, at in self._logged.items() if now - at < QUIET}
        self._logged[origin] = now
        logger.warning(
            "%d connections of %s are open, more are turned away; limits.%s sets how many may be",
            limit,
            origin,
            setting,
        )


@contextmanager
def _counted(counts: Counter[str], key: str) -> Iterator[None]:
    counts[key] += 1
    try:
        yield
    finally:
        counts[key] -= 1
        if not counts[key]:
            del counts[key]


def origin_of(peer: Address) -> str:
    """Whom an address counts for: itself; with IPv6 the /64, which one customer has whole."""
    address = ipaddress.ip_address(peer.host)
    if isinstance(address, ipaddress.IPv6Address) and not address.is_loopback:
        return str(ipaddress.ip_network((int(address), 64), strict=False))
    return peer.host
