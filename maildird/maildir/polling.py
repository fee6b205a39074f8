"""Where inotify can't be had: the times of the watched directories are compared each second."""

import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from maildird.maildir.dirty import Dirty, Place, places_of

PAUSE: Final = 1.0
"""Seconds between two looks."""


class Polling:
    """Looks at the directories of folders below `root`."""

    def __init__(self, root: bytes) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._places: dict[bytes, Place] = {}
        self._times: dict[bytes, int | None] = {}
        self._stopped = threading.Event()

    def watch_only(self, folders: Iterable[bytes]) -> Sequence[Dirty]:
        """Watch just these folders, the root and what is between.

        Gives what has to be looked at because it was not watched before.
        """
        places = places_of(self._root, folders)
        with self._lock:
            fresh = [place for path, place in places.items() if path not in self._places]
            self._places = places
            self._times = {path: self._times.get(path, _mtime(path)) for path in places}
        return list(dict.fromkeys(dirty for place in fresh for dirty in place.changed()))

    def wait(self) -> None:
        """Return after a pause, or when woken."""
        self._stopped.wait(PAUSE)

    def read(self) -> Iterator[Sequence[Dirty]]:
        """What changed since the last look."""
        with self._lock:
            before, self._times = self._times, {path: _mtime(path) for path in self._places}
            changed = [self._places[p] for p, time in self._times.items() if time != before[p]]
        if changed:
            yield list(dict.fromkeys(dirty for place in changed for dirty in place.changed()))

    def wake(self) -> None:
        """Have a `wait` end, now or the next one."""
        self._stopped.set()

    def close(self) -> None:
        """Nothing is held open."""


def _mtime(path: bytes) -> int | None:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return None
