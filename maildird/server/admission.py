"""How many connections there may be: in all, from one address, and, after login, of one user.

Theory of operation. Whoever connects has a place until the connection ends. Where all are taken,
one that has not logged in is ended for the next: so whoever only connects keeps nobody out. It is
the oldest of the address that has most such connections, as those who take a second for their login
are seldom many. Where all have logged in, who comes is turned away.
"""

import ipaddress
import logging
import math
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import trio

from maildird.server.addresses import Address
from maildird.server.settings import Limits

logger = logging.getLogger(__name__)

QUIET: Final = 60.0
"""How long a limit that was logged stays unlogged (s)."""


@dataclass(slots=True, eq=False)
class Visit:
    """A connection, which is `known` from its login on; before, it may be `ended` for another."""

    scope: trio.CancelScope = field(default_factory=trio.CancelScope)
    known: bool = False
    ended: bool = False


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
        self._visits: dict[Visit, str] = {}
        self._users: Counter[str] = Counter()
        self._logged: dict[str, float] = {}

    @contextmanager
    def admit(self, peer: Address, visit: Visit) -> Iterator[str | None]:
        """Count a connection from an address, or give the reason why it can't be served.

        What is inside may be cancelled by the scope of the visit.
        """
        origin = origin_of(peer)
        refusal = self._refusal(origin)
        if refusal is not None:
            yield refusal
            return
        self.admitted += 1
        self._visits[visit] = origin
        self._origins[origin] += 1
        try:
            with visit.scope:
                yield None
        finally:
            self._leave(visit)

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
        if self._origins[origin] >= each:
            self._log(origin, "connections_per_address", each)
            return f"{each} connections from {origin} are open already; close one first"
        if self.connections >= in_all:
            self._log("all addresses", "connections", in_all)
            if not self._make_room():
                return f"all {in_all} connections are taken; try again later"
        return None

    def _make_room(self) -> bool:
        """End a connection that has not logged in, if there is one."""
        strangers = [(visit, origin) for visit, origin in self._visits.items() if not visit.known]
        if not strangers:
            return False
        ((most, _),) = Counter(origin for _, origin in strangers).most_common(1)
        oldest = next(visit for visit, origin in strangers if origin == most)
        oldest.ended = True
        oldest.scope.cancel()
        self._leave(oldest)
        return True

    def _leave(self, visit: Visit) -> None:
        origin = self._visits.pop(visit, None)
        if origin is not None:
            self._origins[origin] -= 1
            if not self._origins[origin]:
                del self._origins[origin]

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
