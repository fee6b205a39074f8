"""When it is worth a look which folders there are: the times of the directories that have some.

A directory that got or lost a folder has another time. One that is no folder yet, and becomes one
by what is put into it, makes an event but no such change; `AGAIN` is for when that was missed.
"""

import os
import time
from collections.abc import Iterable
from typing import Final

from maildird.maildir.dirty import places_of
from maildird.maildir.folders import TICK

AGAIN: Final = 60.0
"""After so many seconds (s) it is worth a look whatever the times say."""


class TreeTimes:
    """Tells when some directory below `root` may have got or lost folders."""

    def __init__(self, root: bytes) -> None:
        self._root = root
        self._seen: dict[bytes, tuple[int, ...]] = {}
        self._look_at = 0.0

    def changed(self, folders: Iterable[bytes]) -> bool:
        """Whether it is worth a look which folders there are; the folders known are passed in."""
        before = time.time_ns() - TICK
        places = places_of(self._root, folders)
        seen = {path: _identity(path) for path, place in places.items() if not place.subdir}
        changed = seen != self._seen or time.monotonic() >= self._look_at
        recent = any(mtime >= before for *_, mtime in seen.values())
        self._seen = {} if recent else seen
        if changed:
            self._look_at = time.monotonic() + AGAIN
        return changed


def _identity(path: bytes) -> tuple[int, ...]:
    try:
        status = os.stat(path)
    except OSError:
        return 0, 0, 0
    return status.st_dev, status.st_ino, status.st_mtime_ns
