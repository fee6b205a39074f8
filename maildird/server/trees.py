"""Whose mail lies where: no tree may be that of two users, nor lie in another's.

Theory of operation. Each user has an index, with UIDs of its own; two of them over one tree tell
their clients different things, and each takes the other for a program that changes the mail. One
directory has many spellings: by links, by `..`, by letters where their case does not matter, by
another place where it is mounted. So a tree is known by its real path and, where it is there, by
device and inode. One tree in another is refused as well: the outer one has the inner one's folders.
"""

import os
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from maildird.terms.errors import SettingsError


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a tree is: its real path, the directories around it, and its device and inode."""

    path: bytes
    around: tuple[bytes, ...]
    inode: tuple[int, int] | None


class Trees:
    """Knows whose a tree is, as the disk was when it was taken."""

    def __init__(self) -> None:
        self._by_path: dict[bytes, str] = {}
        self._by_inode: dict[tuple[int, int], str] = {}
        self._below: defaultdict[bytes, dict[str, None]] = defaultdict(dict)

    def take(self, name: str, root: bytes) -> None:
        """Have the tree at `root`, an absolute path, be the user's, who has no other one.

        Raises SettingsError, which completes "the user …", when it can't be theirs alone.
        """
        self._take(name, root)

    @contextmanager
    def held(self, name: str, root: bytes) -> Iterator[None]:
        """Have the tree be the user's for as long as this goes on; raises what `take` does."""
        place = self._take(name, root)
        try:
            yield
        finally:
            self._leave(name, place)

    def _take(self, name: str, root: bytes) -> _Place:
        place = _place_of(root)
        self._need_free(place, os.fsdecode(root))
        self._by_path[place.path] = name
        if place.inode is not None:
            self._by_inode[place.inode] = name
        for each in place.around:
            self._below[each][name] = None
        return place

    def _need_free(self, place: _Place, root: str) -> None:
        same = self._by_path.get(place.path)
        if same is None and place.inode is not None:
            same = self._by_inode.get(place.inode)
        if same is not None:
            raise SettingsError(f"has the Maildir of {same}: {root}")
        for inner in self._below.get(place.path, ()):
            raise SettingsError(f"has a Maildir around that of {inner}: {root}")
        for each in place.around:
            if each in self._by_path:
                raise SettingsError(f"has a Maildir in that of {self._by_path[each]}: {root}")

    def _leave(self, name: str, place: _Place) -> None:
        del self._by_path[place.path]
        if place.inode is not None:
            del self._by_inode[place.inode]
        for each in place.around:
            del self._below[each][name]
            if not self._below[each]:
                del self._below[each]


def _place_of(root: bytes) -> _Place:
    path = os.path.realpath(root)
    around = []
    above = path
    while (above := os.path.dirname(above)) != b"/":
        around.append(above)
    try:
        found = os.stat(path)
    except OSError:
        return _Place(path, tuple(around), None)
    return _Place(path, tuple(around), (found.st_dev, found.st_ino))
