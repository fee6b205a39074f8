"""Room for so many connections at a time, where a silent client keeps nobody out.

Theory of operation. A connection has a place until it ends, and is either busy or idle there, idle
at first. Where a client comes and all places are taken, the connection that has been idle longest
is ended for it; where all are busy, there is no place. One line a minute says so.
"""

import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import trio

logger = logging.getLogger(__name__)

QUIET: Final = 60.0
"""How long nothing more is said of connections that found no room (s)."""


class Place:
    """The place of one connection."""

    def __init__(self) -> None:
        self.scope = trio.CancelScope()
        self.idle_since: float | None = trio.current_time()

    def occupy(self) -> None:
        """Work is done for the client now."""
        self.idle_since = None

    def vacate(self) -> None:
        """Nothing is done until the client says more."""
        self.idle_since = trio.current_time()


class Room:
    """Places for `most` connections; `name` stands for them in the log."""

    def __init__(self, name: str, most: int) -> None:
        self._name = name
        self._most = most
        self._places: set[Place] = set()
        self._said = -math.inf

    @contextmanager
    def place(self) -> Iterator[Place | None]:
        """Have a place inside the `with`, from which it may be cancelled; None where there is
        none."""
        if len(self._places) >= self._most and not self._make_room():
            yield None
            return
        place = Place()
        self._places.add(place)
        try:
            with place.scope:
                yield place
        finally:
            self._places.discard(place)

    def _make_room(self) -> bool:
        """End the connection that has been idle longest, if any is."""
        idle = [(place.idle_since, place) for place in self._places if place.idle_since is not None]
        now = trio.current_time()
        if now - self._said >= QUIET:
            self._said = now
            what = "the one that was silent longest is ended" if idle else "more are turned away"
            logger.warning("%s: %d connections are open; %s", self._name, self._most, what)
        if not idle:
            return False
        _, longest = min(idle, key=lambda each: each[0])
        longest.scope.cancel()
        self._places.remove(longest)
        return True
