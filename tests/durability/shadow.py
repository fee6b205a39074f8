"""What a strict file system would have kept of a tree, had the power failed now.

Theory of operation. Only what was synced is kept: of a file its content when it was last synced,
nothing if it never was; of a directory the names that were in it when it was last synced. So a new
file, a rename and an unlink are lost until the directory is synced (for a rename, each of the two
by itself). Real file systems keep more, none has to keep less. What was there in the beginning
counts as synced, and so does the root. Sockets, and files that were made without an operation, are
not looked at and stay.
"""

import os
import shutil
from dataclasses import dataclass, field
from typing import Final

from tests.durability import operations as ops
from tests.durability.operations import Operation

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
            case ops.RENAME:
                self._above(target)[_name(target)] = self._above(path).pop(_name(path))
            case ops.LINK:
                self._above(target)[_name(target)] = self._above(path)[_name(path)]
            case ops.UNLINK | ops.RMDIR:
                self._above(path).pop(_name(path), None)
            case ops.FSYNC:
                _sync(self._node(path), path)

    def restore(self) -> None:
        """Make the tree what a power cut leaves of it; directories stay the ones they were."""
        aside = self._root + _ASIDE
        os.mkdir(aside)
        _take_apart(self._top, self._root, aside)
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
            if os.path.isdir(inner) or os.path.isfile(inner):
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


def _take_apart(node: _Node, path: bytes, aside: bytes) -> None:
    """Set all directories below one aside, each without its files, and remove the files."""
    for name, below in node.entries.items():
        inner = os.path.join(path, name)
        if below.is_directory:
            _take_apart(below, inner, aside)
            os.rename(inner, _place(below, aside))
        else:
            os.unlink(inner)


def _put_together(node: _Node, path: bytes, aside: bytes) -> None:
    for name, below in node.kept.items():
        inner = os.path.join(path, name)
        if not below.is_directory:
            with open(inner, "xb") as file:
                file.write(below.content)
            os.utime(inner, ns=(below.mtime, below.mtime))
        elif os.path.exists(_place(below, aside)):
            os.rename(_place(below, aside), inner)
            _put_together(below, inner, aside)
        else:
            os.mkdir(inner)
            _put_together(below, inner, aside)


def _place(node: _Node, aside: bytes) -> bytes:
    return os.path.join(aside, b"%d" % id(node))
