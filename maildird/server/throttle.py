"""Slowing down who guesses passwords, by address and by name, across connections.

Theory of operation. Each failed login counts for the address that it came from, and for the name
that was tried; one failure is forgotten each minute. The first few are free, since people mistype.
With more a login has to wait before its password is compared, twice as long for each failure, up to
a cap. An address may wait long; a name never, so that nobody can lock a user out by guessing at
their name. Guesses that come together wait for what becomes of the first ones: few passwords are
compared at a time, and whose turn it is looks again at how long it has to wait. The waiting itself
takes nobody's turn. But an address that has to wait has its turns `PACE` apart, however many
connections it waits on.

Many people may have one address, and one of them may guess. So where an address has to wait, it
does not hold up who logged in from it lately under the same name, nor a name that exists and hardly
failed from there. Such a pair of address and name has turns of its own then. A wrong password is
compared early, but goes on to wait for the answer and the count like one under a name that nobody
has, its turn included: what is quick is a right password alone. Where the address need not wait,
all names share its turns, since who has to wait for one would tell which names there are.

Who gets in takes back what their own address did with their own name: a telephone that tried with
the old password harms nobody for long. What others did stays, and so does what did not count
because the address had failed too often already.

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
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

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

PACE: Final = 1.0
"""Seconds from one turn to the next of an address that has to wait."""

AT_ONCE: Final = 4
"""Logins of one address, or of one pair, whose passwords are compared at the same time."""

FREE_OF_PAIR: Final = 1
"""Failures of a name that exists with which its address does not hold it up yet."""

LATELY: Final = 30 * 86400.0
"""How long an address is known as one where somebody logs in from (s)."""

MOST_REMEMBERED: Final = 50_000
"""Addresses, names and pairs of both; a few hundred octets each."""

_SHOWN: Final = 80
"""Octets of a name that are logged, and told apart."""

Key = tuple[str, bytes]
"""An address and a name, one of which may be empty; for a pair a NUL stands before the name, and an
octet of 1 for what the name has part in of the count of the address."""


class Throttle:
    """Remembers failed logins."""

    def __init__(self) -> None:
        self._memory = _Memory()
        self._turns: dict[Key, _Turns] = {}

    @asynccontextmanager
    async def attempt(
        self,
        name: bytes,
        peer: Address,
        longest: float = LONGEST_OF_ADDRESS,
        *,
        exists: bool = False,
        refusal_takes: float = 0.0,
    ) -> AsyncIterator["Attempt"]:
        """Compare a password inside the `with`, which is entered when it is time to.

        `exists` is whether somebody has the name. All waiting for what was before comes to
        `longest` (s) at most. A refusal takes the comparison beside it, or `refusal_takes` (s)
        where that is more; then the `with` is left.
        """
        attempt = Attempt(self._memory, name, peer, longest, exists=exists)
        async with self._turn_when_due(attempt):
            began, is_early = trio.current_time(), attempt.is_early()
            yield attempt
            took = trio.current_time() - began
        if attempt.failed:
            try:
                if is_early:
                    attempt.pass_for_unknown()
                    async with self._turn_when_due(attempt):
                        await trio.sleep(took)
            finally:
                attempt.count()
            await trio.sleep(max(0.0, refusal_takes - took))

    def given_up(self, name: bytes, peer: Address) -> None:
        """Count a login that ended before it was clear whether it was right."""
        attempt = Attempt(self._memory, name, peer, 0.0, exists=False)
        attempt.ended(right=False)
        attempt.count()

    @asynccontextmanager
    async def _turn_when_due(self, attempt: "Attempt") -> AsyncIterator[None]:
        async with AsyncExitStack() as turn:
            while True:
                await trio.sleep_until(attempt.due())
                lane = attempt.lane()
                turns = await turn.enter_async_context(self._turn(lane))
                if attempt.lane() == lane and trio.current_time() >= attempt.due():
                    if attempt.has_to_wait(lane):
                        await turns.keep_pace()
                    break
                await turn.aclose()
            yield

    @asynccontextmanager
    async def _turn(self, lane: Key) -> AsyncIterator["_Turns"]:
        turns = self._turns.setdefault(lane, _Turns(trio.Semaphore(AT_ONCE)))
        turns.wanted += 1
        try:
            async with turns.free:
                yield turns
        finally:
            turns.wanted -= 1
            if not turns.wanted:
                del self._turns[lane]


class Attempt:
    """One login, whose end has to be told."""

    def __init__(
        self, memory: "_Memory", name: bytes, peer: Address, longest: float, *, exists: bool
    ) -> None:
        origin = "" if ipaddress.ip_address(peer.host).is_loopback else origin_of(peer)
        self.failed = False
        self._memory = memory
        self._name = name[:_SHOWN]
        self._peer = peer
        self._longest = longest
        self._exists = exists
        self._began = trio.current_time()
        self._of_origin: Key | None = (origin, b"") if origin else None
        self._of_name: Key = ("", self._name)
        self._pair: Key = (origin, b"\0" + self._name)
        self._share: Key = (origin, b"\1" + self._name)
        self._wait_at_first = self._wait_if_unknown()
        self._passes_for_unknown = False

    def due(self) -> float:
        """When its password may be compared."""
        if not self._is_spared():
            return self._due_if_unknown()
        key = self._pair if self._memory.is_known(self._pair) else self._of_name
        return self._began + min(self._delay(key, LONGEST_OF_NAME), self._longest)

    def is_early(self) -> bool:
        """Whether one under a name that nobody has would still wait."""
        return trio.current_time() < self._due_if_unknown()

    def pass_for_unknown(self) -> None:
        """Be due from now on when one under a name that nobody has would be."""
        self._passes_for_unknown = True

    def lane(self) -> Key:
        """Whom it shares turns with."""
        if self._of_origin is None or (self._is_spared() and self.is_early()):
            return self._pair
        return self._of_origin

    def has_to_wait(self, lane: Key) -> bool:
        """Whether these turns are those of an address that has to wait."""
        return lane == self._of_origin and self._memory.failures(lane) > FREE

    def ended(self, *, right: bool) -> None:
        """Tell what became of it; not to be called where nobody could say."""
        if right:
            self._take_back()
            self._memory.know(self._pair)
        else:
            self.failed = True
            self._memory.add(self._pair, 1)

    def count(self) -> None:
        """Have a failure count for the address and the name, and log it."""
        shown = ascii(self._name.decode("utf-8", "replace"))
        logger.warning("failed login for %s from %s", shown, self._peer)
        self._memory.add(self._of_name, 1)
        if self._of_origin is not None:
            self._memory.add(self._share, self._memory.add(self._of_origin, 1))

    def _is_spared(self) -> bool:
        """Whether the failures of its address don't count."""
        if self._passes_for_unknown:
            return False
        is_unsuspected = self._exists and self._memory.failures(self._pair) <= FREE_OF_PAIR
        return is_unsuspected or self._memory.is_known(self._pair)

    def _due_if_unknown(self) -> float:
        wait = max(self._wait_at_first, self._wait_if_unknown())
        return self._began + min(wait, self._longest)

    def _wait_if_unknown(self) -> float:
        of_name = self._delay(self._of_name, LONGEST_OF_NAME)
        if self._of_origin is None:
            return of_name
        return max(of_name, self._delay(self._of_origin, LONGEST_OF_ADDRESS))

    def _delay(self, key: Key, longest: float) -> float:
        over = self._memory.failures(key) - FREE
        return min(longest, 2.0**over) if over > 0 else 0.0

    def _take_back(self) -> None:
        own, share = self._memory.failures(self._pair), self._memory.failures(self._share)
        for key, number in (
            (self._of_name, own),
            (self._pair, own),
            (self._of_origin, share),
            (self._share, share),
        ):
            if key is not None and number:
                self._memory.add(key, -number)


@dataclass(slots=True)
class _Turns:
    """Those of one address, or pair, that want to log in; `next` is when a pace has passed."""

    free: trio.Semaphore
    wanted: int = 0
    next: float = 0.0

    async def keep_pace(self) -> None:
        """Wait until the one before is `PACE` ago."""
        at = max(trio.current_time(), self.next)
        self.next = at + PACE
        await trio.sleep_until(at)


class _Memory:
    """How many failures are not forgotten yet, and which pairs logged in lately."""

    def __init__(self) -> None:
        self._counts: OrderedDict[Key, tuple[float, float]] = OrderedDict()
        self._known: OrderedDict[Key, float] = OrderedDict()

    def failures(self, key: Key) -> float:
        """The number of failures, with fractions."""
        now = trio.current_time()
        count, at = self._counts.get(key, (0.0, now))
        return max(0.0, count - (now - at) / FORGOTTEN)

    def add(self, key: Key, number: float) -> float:
        """Change it, and say by how much; what is all forgotten takes no room."""
        before = self.failures(key)
        count = min(before + number, MOST_COUNTED)
        self._counts.pop(key, None)
        if count > 0:
            self._counts[key] = (count, trio.current_time())
        _bound(self._counts)
        return count - before

    def is_known(self, pair: Key) -> bool:
        """Whether the address is one where the name logged in from lately."""
        at = self._known.get(pair)
        return at is not None and trio.current_time() - at < LATELY

    def know(self, pair: Key) -> None:
        """The name has logged in from the address."""
        self._known.pop(pair, None)
        self._known[pair] = trio.current_time()
        _bound(self._known)


def _bound(remembered: OrderedDict[Key, Any]) -> None:
    if len(remembered) > MOST_REMEMBERED:
        remembered.popitem(last=False)
