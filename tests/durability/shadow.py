"""What a strict file system would have kept of a tree, had the power failed now.

Theory of operation. Only what was synced is kept: of a file its content when it was last synced,
nothing if it never was; of a directory the names that were in it when it was last synced. So a new
file, a rename and an unlink are lost until the directory is synced (for a rename of a file, each of
the two by itself). Real file systems keep more, none has to keep less. What was there in the
beginning counts as synced, and so does the root. Sockets, and files that were made without an
operation, are not looked at and stay; nor is the file of an index (`pages`).

The other end is a file system that keeps all names as they are now, and of the files still no more
than what was synced: that is asked for, too.

Files stay the ones they were, with their inodes, and what was synced is not touched: else it would
look like a copy, put back from a backup.
"""

import os
import shutil
import time
from collections.abc import Iterator, Set
from dataclasses import dataclass, field
from typing import Final

from tests.durability import operations as ops
from tests.durability.operations import Operation
from tests.durability.pages import INDEX

_START: Final = 30 * 10**9
"""How long a machine takes at least until somebody sees what is left (ns)."""

_ASIDE: Final = b".power-cut"


@dataclass(eq=False, slots=True)
class _Node:
    """A file or directory. `entries` are the names now, `kept` those that a power cut leaves."""

    is_directory: bool
    entries: dict[bytes, "_Node"] = field(default_factory=dict)
    kept: dict[bytes, "_Node"] = field(default_factory=dict)
    content: bytes = b""
    mtime: int = 0


class Shadow:
    """Follows the operations on a tree below `root`."""

    def __init__(self, root: bytes) -> None:
        self._root = root
        self._top = _as_synced(root)

    def follow(self, operation: Operation) -> None:
        """Take in an operation that was done."""
        path, target = operation.path, operation.target
        made = path == self._root and operation.kind == ops.MKDIR
        if made or not (path + b"/").startswith(self._root + b"/"):
            return
        match operation.kind:
            case ops.CREATE | ops.MKDIR:
                self._above(path)[_name(path)] = _Node(operation.kind == ops.MKDIR)
            case ops.RENAME if _name(path) in self._above(path):
                self._above(target)[_name(target)] = self._above(path).pop(_name(path))
            case ops.LINK:
                self._above(target)[_name(target)] = self._above(path)[_name(path)]
            case ops.UNLINK | ops.RMDIR:
                self._above(path).pop(_name(path), None)
            case ops.FSYNC:
                _sync(self._node(path), path)

    def restore(self, *, names_last: bool) -> None:
        """Make the tree what a power cut leaves of it, with all names or only those synced.

        What stays is not touched.
        """
        if names_last:
            _keep_names(self._top)
        _keep_one_name(self._top, frozenset(_kept_directories(self._top)))
        aside = self._root + _ASIDE
        os.mkdir(aside)
        _take_apart(self._top, self._root, aside, frozenset(_lost(self._top)))
        _put_together(self._top, self._root, aside)
        shutil.rmtree(aside)

    def _above(self, path: bytes) -> dict[bytes, _Node]:
        return self._node(os.path.dirname(path)).entries

    def _node(self, path: bytes) -> _Node:
        node = self._top
        for name in filter(None, path.removeprefix(self._root).split(b"/")):
            node = node.entries[name]
        return node


def _name(path: bytes) -> bytes:
    return os.path.basename(path)


def _as_synced(path: bytes) -> _Node:
    """The node of what lies at `path`, all of it synced."""
    node = _Node(os.path.isdir(path) or not os.path.exists(path))
    if os.path.isdir(path):
        for name in os.listdir(path):
            inner = os.path.join(path, name)
            if name != INDEX and (os.path.isdir(inner) or os.path.isfile(inner)):
                node.entries[name] = _as_synced(inner)
    _sync(node, path)
    return node


def _sync(node: _Node, path: bytes) -> None:
    if node.is_directory:
        node.kept = dict(node.entries)
    else:
        with open(path, "rb") as file:
            node.content = file.read()
        node.mtime = os.stat(path).st_mtime_ns


def _keep_names(node: _Node) -> None:
    node.kept = dict(node.entries)
    for below in node.kept.values():
        _keep_names(below)


def _kept_directories(node: _Node) -> Iterator[_Node]:
    """Those that stay where they are."""
    for name, below in node.kept.items():
        if below.is_directory:
            if node.entries.get(name) is below:
                yield below
            yield from _kept_directories(below)


def _keep_one_name(node: _Node, there: Set[_Node]) -> None:
    """Of a directory that was renamed no second name is kept: none has ever two."""
    for name, below in list(node.kept.items()):
        if below in there and node.entries.get(name) is not below:
            del node.kept[name]
        else:
            _keep_one_name(below, there)


def _lost(node: _Node) -> Iterator[_Node]:
    """What is to have a name again that it had."""
    for name, below in node.kept.items():
        if node.entries.get(name) is not below:
            yield below
        yield from _lost(below)


def _take_apart(node: _Node, path: bytes, aside: bytes, lost: Set[_Node]) -> None:
    """Set aside what has a name that it will not have, or is to have another name again."""
    for name, below in node.entries.items():
        inner = os.path.join(path, name)
        if below.is_directory:
            _take_apart(below, inner, aside, lost)
        if node.kept.get(name) is not below:
            _set_aside(below, inner, aside)
        elif below in lost and not below.is_directory and not os.path.exists(_place(below, aside)):
            os.link(inner, _place(below, aside))


def _set_aside(node: _Node, path: bytes, aside: bytes) -> None:
    if os.path.exists(_place(node, aside)):
        os.unlink(path)  # another name of the same file
    else:
        os.rename(path, _place(node, aside))


def _put_together(node: _Node, path: bytes, aside: bytes, *, is_new: bool = False) -> None:
    """Give back the names that were kept, and to each file its content.

    A directory of which two names were kept is made twice; one is new, with nothing in it yet.
    """
    for name, below in node.kept.items():
        inner = os.path.join(path, name)
        is_lacking = is_new or node.entries.get(name) is not below
        is_made = is_lacking and _give_name(below, inner, aside)
        if below.is_directory:
            _put_together(below, inner, aside, is_new=is_made)
        else:
            _give_content(below, inner)


def _give_name(node: _Node, path: bytes, aside: bytes) -> bool:
    """Have a name again; whether it is that of a new directory."""
    place = _place(node, aside)
    if not node.is_directory:
        with open(place, "ab"):  # it may be gone for good
            os.link(place, path)
        return False
    if os.path.exists(place):
        os.rename(place, path)
        return False
    os.mkdir(path)
    return True


def _give_content(node: _Node, path: bytes) -> None:
    with open(path, "r+b") as file:
        if file.read() == node.content and os.fstat(file.fileno()).st_mtime_ns == node.mtime:
            return
        file.seek(0)
        file.truncate()
        file.write(node.content)
    mtime = node.mtime or time.time_ns() - _START
    os.utime(path, ns=(mtime, mtime))


def _place(node: _Node, aside: bytes) -> bytes:
    return os.path.join(aside, b"%d" % id(node))
