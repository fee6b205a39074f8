"""Slowing down who guesses passwords, by address and by name, across connections.

Theory of operation. Each failed login counts for the address that it came from, and for the name
that was tried; one failure is forgotten each minute. The first few are free, since people mistype.
With more a login has to wait before its password is compared, twice as long for each failure, up to
a cap. An address may wait long; a name never, so that nobody can lock a user out by guessing at
their name. Of one address few passwords are compared at a time, so that guesses that come together
wait for what becomes of the first ones.

Who gets in takes back what their own address did with their own name: a telephone that tried with
the old password harms nobody for long. What others did stays.

With IPv6 the addresses of a /64 count as one. A webmail on this machine speaks for many people, so
the machine's own addresses don't count, the names tried from there do. What is remembered is
bounded: the oldest goes first.

One line is logged for each failure, for people and for fail2ban (packaging/fail2ban). Its form is
fixed: the address comes last, the name before it in quotes, with everything escaped in it that
could be taken for something else.
"""

import ipaddress
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import trio

from maildird.server.addresses import Address
from maildird.server.admission import origin_of

logger = logging.getLogger(__name__)

FREE: Final = 5
"""Failures that slow nobody down."""

FORGOTTEN: Final = 60.0
"""Seconds in which one failure is forgotten."""

MOST_COUNTED: Final = 15
"""Failures that count at most, so that all are forgotten in so many minutes."""

LONGEST_OF_ADDRESS: Final = 15.0
LONGEST_OF_NAME: Final = 4.0
"""How long a login waits at most (s)."""

AT_ONCE: Final = 4
"""Logins of one address whose passwords are compared at the same time."""

MOST_REMEMBERED: Final = 50_000
"""Addresses, names and pairs of both; a few hundred octets each."""

_SHOWN: Final = 80
"""Octets of a name that are logged, and told apart."""

Key = tuple[str, bytes]
"""An address and a name, one of which may be empty."""


class Throttle:
    """Remembers failed logins."""

    def __init__(self) -> None:
        self._tally = _Tally()
        self._turns: dict[str, _Turns] = {}

    @asynccontextmanager
    async def attempt(
        self, name: bytes, peer: Address, longest: float = LONGEST_OF_ADDRESS
    ) -> AsyncIterator["Attempt"]:
        """Compare a password inside the `with`, which is entered when it is time to.

        A login whose turn it is waits for no more than `longest` (s).
        """
        origin = "" if ipaddress.ip_address(peer.host).is_loopback else origin_of(peer)
        attempt = Attempt(self._tally, origin, name[:_SHOWN], peer)
        if not origin:
            await trio.sleep(min(attempt.delay(), longest))
            yield attempt
            return
        turns = self._turns.setdefault(origin, _Turns(trio.Semaphore(AT_ONCE)))
        turns.wanted += 1
        try:
            async with turns.free:
                await trio.sleep(min(attempt.delay(), longest))
                yield attempt
        finally:
            turns.wanted -= 1
            if not turns.wanted:
                del self._turns[origin]


class Attempt:
    """One login, whose end has to be told."""

    def __init__(self, tally: "_Tally", origin: str, name: bytes, peer: Address) -> None:
        self._tally = tally
        self._name = name
        self._peer = peer
        self._of_origin: Key | None = (origin, b"") if origin else None
        self._of_name: Key = ("", name)
        self._pair: Key = (origin, b"\0" + name)

    def delay(self) -> float:
        """How long it has to wait (s)."""
        now = trio.current_time()
        of_name = _delay(self._tally.failures(self._of_name, now), LONGEST_OF_NAME)
        if self._of_origin is None:
            return of_name
        return max(of_name, _delay(self._tally.failures(self._of_origin, now), LONGEST_OF_ADDRESS))

    def ended(self, *, right: bool) -> None:
        """Tell what became of it; not to be called where nobody could say."""
        if right:
            self._take_back()
        else:
            self._count()

    def _count(self) -> None:
        shown = ascii(self._name.decode("utf-8", "replace"))
        logger.warning("failed login for %s from %s", shown, self._peer)
        now = trio.current_time()
        for key in (self._of_origin, self._of_name, self._pair):
            if key is not None:
                self._tally.add(key, 1, now)

    def _take_back(self) -> None:
        now = trio.current_time()
        own = self._tally.failures(self._pair, now)
        for key in (self._of_origin, self._of_name, self._pair):
            if key is not None and own:
                self._tally.add(key, -own, now)


@dataclass(slots=True)
class _Turns:
    """Those of one address that want to log in."""

    free: trio.Semaphore
    wanted: int = 0


class _Tally:
    """How many failures are not forgotten yet."""

    def __init__(self) -> None:
        self._counts: OrderedDict[Key, tuple[float, float]] = OrderedDict()

    def failures(self, key: Key, now: float) -> float:
        """The number of failures, with fractions."""
        count, at = self._counts.get(key, (0.0, now))
        return max(0.0, count - (now - at) / FORGOTTEN)

    def add(self, key: Key, number: float, now: float) -> None:
        """Change it; what is all forgotten takes no room."""
        count = min(self.failures(key, now) + number, MOST_COUNTED)
        self._counts.pop(key, None)
        if count > 0:
            self._counts[key] = (count, now)
        if len(self._counts) > MOST_REMEMBERED:
            self._counts.popitem(last=False)


def _delay(failures: float, longest: float) -> float:
    """How long so many failures make a login wait (s)."""
    over = failures - FREE
    return min(longest, 2.0**over) if over > 0 else 0.0
