"""Echoes: the events of what we change ourselves, which tell nothing new.

Theory of operation. What a turn renames, links or unlinks comes back from the kernel as an event or
two for each file, by the thousand after a STORE. The index gets to know all that by the turn's own
commit. So before each change the turn says which names will come and go (`expect`), and whoever
reads the queue passes over each of these events once. (Python runs one thread at a time: what was
heard of a thousand renames cost more than they did.)

Nothing is lost by that. Events only say where to look. Of several about one name, be they of other
programs, the first is passed over and the last is not, unless it is ours alone: then the index
knows, or its commit failed and all is listed (`mailbox.disk`). What fails makes no event and has to
be taken back (`forget`). And an event is queued before the call that makes it returns; so whatever
is still expected when the queue was read to its end, the changes being over, will never come: its
directory was not watched. It is forgotten then, lest another program's event be passed over later.

While changes go on (`changing`) the reader waits, `PATIENCE` seconds at most, lest the kernel's
queue be full: nobody could look at what it hears before the turn is over.
"""

import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

PATIENCE: Final = 0.05
"""Seconds that the reader of events waits for changes to be over; some thousand events."""


@dataclass(frozen=True, slots=True)
class _Expected:
    """How often paths of messages will come to a directory, or go from it."""

    come: Counter[bytes] = field(default_factory=Counter)
    go: Counter[bytes] = field(default_factory=Counter)


class Echoes:
    """What one tree's events will tell of our own changes.

    One thread at a time makes changes, and another one reads events.
    """

    def __init__(self) -> None:
        self._expected = self._ending = _Expected()
        self._counting = threading.Lock()
        self._changing = 0
        self._still = threading.Event()
        self._still.set()

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Have the reader wait meanwhile; may be entered again inside."""
        self._changing += 1
        self._still.clear()
        try:
            yield
        finally:
            self._changing -= 1
            if not self._changing:
                self._still.set()

    def expect(self, come: Iterable[bytes] = (), go: Iterable[bytes] = ()) -> None:
        """These paths are about to come and go, by changes of our own."""
        with self._counting:
            self._expected.come.update(come)
            self._expected.go.update(go)

    def forget(self, come: Iterable[bytes] = (), go: Iterable[bytes] = ()) -> bool:
        """They did not: the changes failed.

        False when another program's event may have been passed over meanwhile.
        """
        kept = [self.pass_over(path, comes=True) for path in come]
        kept += [self.pass_over(path, comes=False) for path in go]
        return all(kept)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """For the reader: all that is queued now is read meanwhile."""
        self._still.wait(PATIENCE)
        with self._counting:
            if not self._changing:  # others may have begun since
                self._ending, self._expected = self._expected, _Expected()
        yield
        with self._counting:
            self._ending = _Expected()

    def pass_over(self, path: bytes, *, comes: bool) -> bool:
        """Whether the event that a path comes, or goes, is an echo, one of those expected."""
        with self._counting:
            for expected in (self._ending, self._expected):
                paths = expected.come if comes else expected.go
                if paths[path]:
                    paths[path] -= 1
                    return True
        return False
