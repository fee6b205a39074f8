"""The file operations of a server under test, each reported before it is done.

Theory of operation. `watch` replaces, in this process alone, the functions by which the server
touches files: those of `os`, the built-in `open`, and renameat2(2), which it calls through the C
library. Each call that concerns a path below a watched directory becomes an `Operation` and is
given to `before`, which may kill the process or raise OSError in its place. A write counts twice,
for its first half and for the rest, so that a file can be caught half written. `after` hears of
what succeeded. What the observer does meanwhile is its own doing and no operation. Commits of the
index are operations, too: before one, and after it.

All operations run one after the other, under a lock: when one of them is the last, none that
another thread has begun can still happen.

LMDB writes its file by itself. What lies between the two operations of a commit is its promise,
and whether it syncs is told by its flags.
"""

import builtins
import ctypes
import errno
import io
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final, Protocol

import lmdb

from maildird.index.environment import Index
from maildird.maildir import renaming

COMMIT: Final = "commit"
COMMITTED: Final = "committed"
COMMITTED_UNSYNCED: Final = "committed, not synced"
CREATE: Final = "create"
FSYNC: Final = "fsync"
LINK: Final = "link"
LIST: Final = "list"
MKDIR: Final = "mkdir"
OPEN: Final = "open to write"
READ: Final = "open to read"
RENAME: Final = "rename"
RMDIR: Final = "rmdir"
TRUNCATE: Final = "truncate"
UNLINK: Final = "unlink"
UTIME: Final = "utime"
WRITE: Final = "write"

COMMITS: Final = frozenset({COMMITTED, COMMITTED_UNSYNCED})
CHANGES: Final = COMMITS | {
    *(COMMIT, CREATE, FSYNC, LINK, MKDIR, RENAME, RMDIR, TRUNCATE, UNLINK, UTIME, WRITE),
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: what is done to `path`; `target` is the second path of a rename or link."""

    kind: str
    path: bytes
    target: bytes = b""

    def __str__(self) -> str:
        arrow = " to " + os.fsdecode(self.target) if self.target else ""
        return f"{self.kind} {os.fsdecode(self.path)}{arrow}"


class Observer(Protocol):
    """What hears of the operations, in whatever thread they are done."""

    def before(self, operation: Operation) -> None:
        """It is about to be done; OSError in its place."""

    def after(self, operation: Operation) -> None:
        """It was done."""


class _Layer:
    """Between the server and the system; `real` are the functions as they were."""

    def __init__(self, directories: Sequence[bytes], observer: Observer) -> None:
        self.directories = [os.path.realpath(directory) for directory in directories]
        self.observer = observer
        self.lock = threading.RLock()
        self._telling = False

    def concerns(self, path: bytes) -> bool:
        return any(path == each or path.startswith(each + b"/") for each in self.directories)

    @contextmanager
    def doing(self, kind: str, path: bytes, target: bytes = b"") -> Iterator[None]:
        """Do one operation, if it concerns us."""
        if not self.concerns(path):
            yield
            return
        with self.lock:
            if self._telling:
                yield
                return
            operation = Operation(kind, path, target)
            self._tell(self.observer.before, operation)
            yield
            self._tell(self.observer.after, operation)

    def _tell(self, hear: Callable[[Operation], None], operation: Operation) -> None:
        self._telling = True
        try:
            hear(operation)
        finally:
            self._telling = False


def watch(directories: Sequence[bytes], observer: Observer) -> None:
    """From now on tell `observer` of each operation below `directories`, as long as we live."""
    layer = _Layer(directories, observer)
    for name, kind in (
        ("mkdir", MKDIR),
        ("rmdir", RMDIR),
        ("unlink", UNLINK),
        ("remove", UNLINK),
        ("utime", UTIME),
        ("truncate", TRUNCATE),
        ("fsync", FSYNC),
        ("scandir", LIST),
        ("listdir", LIST),
    ):
        setattr(os, name, _of_one(layer, kind, getattr(os, name)))
    for name, kind in (("rename", RENAME), ("replace", RENAME), ("link", LINK)):
        setattr(os, name, _of_two(layer, kind, getattr(os, name)))
    os.open = _open(layer, os.open)
    builtins.open = _open_file(layer, builtins.open)
    setattr(renaming, "_renameat2", _renameat2(layer, renaming._renameat2))  # noqa: B010
    Index.write = _write_index(layer, Index.write)  # type: ignore[method-assign]


def path_of(path: Any, dir_fd: int | None = None) -> bytes:
    """The absolute path of what a function of `os` was given: a path or a descriptor."""
    if isinstance(path, int):
        return os.readlink(b"/proc/self/fd/%d" % path)
    name = os.fsencode(path)
    above = os.getcwdb() if dir_fd is None else os.readlink(b"/proc/self/fd/%d" % dir_fd)
    return os.path.normpath(os.path.join(above, name))


def _of_one(layer: _Layer, kind: str, real: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(real)
    def call(path: Any = ".", *args: Any, **kwargs: Any) -> Any:
        with layer.doing(kind, path_of(path, kwargs.get("dir_fd"))):
            return real(path, *args, **kwargs)

    return call


def _of_two(layer: _Layer, kind: str, real: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(real)
    def call(path: Any, target: Any, **kwargs: Any) -> Any:
        with layer.doing(kind, path_of(path), path_of(target)):
            return real(path, target, **kwargs)

    return call


def _open(layer: _Layer, real: Callable[..., int]) -> Callable[..., int]:
    """os.open: makes or empties a file, or is there to write or read one."""

    @wraps(real)
    def call(path: Any, flags: int, *args: Any, **kwargs: Any) -> int:
        absolute = path_of(path, kwargs.get("dir_fd"))
        with layer.lock:
            makes = flags & os.O_CREAT and not os.path.lexists(absolute)
            writes = flags & os.O_ACCMODE != os.O_RDONLY
            kind = CREATE if makes else TRUNCATE if flags & os.O_TRUNC else OPEN if writes else READ
            with layer.doing(kind, absolute):
                return real(path, flags, *args, **kwargs)

    return call


def _open_file(layer: _Layer, real: Callable[..., Any]) -> Callable[..., Any]:
    """The built-in open; what is written to goes through `_File`."""

    @wraps(real)
    def call(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        path = path_of(file) if isinstance(file, int | bytes | str) else b""
        if not layer.concerns(path):
            return real(file, mode, *args, **kwargs)
        if not isinstance(file, int):
            with layer.doing(READ, path), real(file, mode) as opened:
                file = os.dup(opened.fileno())
        if mode == "rb":
            return real(file, mode)
        raw = _File(layer, path, file, mode)
        if kwargs.get("buffering") == 0:
            return raw
        return io.BufferedRandom(raw) if raw.readable() else io.BufferedWriter(raw)

    return call


class _File(io.FileIO):
    """A file whose writes are operations."""

    def __init__(self, layer: _Layer, path: bytes, descriptor: int, mode: str) -> None:
        super().__init__(descriptor, mode)
        self._layer = layer
        self._path = path

    def write(self, data: Any) -> int:
        octets = bytes(data)
        half = len(octets) // 2
        written = 0
        for part in filter(None, (octets[:half], octets[half:])):
            with self._layer.doing(WRITE, self._path):
                written += super().write(part) or 0
        return written

    def truncate(self, size: int | None = None) -> int:
        with self._layer.doing(TRUNCATE, self._path):
            return super().truncate(size)


def _renameat2(layer: _Layer, real: Callable[..., int]) -> Callable[..., int]:
    """As the C library's: -1 and errno when it fails."""

    def call(at: int, origin: bytes, to: int, target: bytes, flags: int) -> int:
        try:
            with layer.doing(RENAME, path_of(origin), path_of(target)):
                if real(at, origin, to, target, flags):
                    raise OSError(ctypes.get_errno(), "renameat2")
        except OSError as error:
            ctypes.set_errno(error.errno or errno.EIO)
            return -1
        return 0

    return call


def _write_index(layer: _Layer, real: Callable[..., Any]) -> Callable[..., Any]:
    """Index.write: the commit is what happens between its work's end and its own, and no other
    operation with it; the path is that of the directory of the index."""

    @wraps(real)
    def write(index: Index, work: Callable[..., Any]) -> Any:
        path = os.path.realpath(index._directory)
        flags = index._environment.flags()
        synced = flags["sync"] and flags["metasync"]

        def work_and_commit(batch: Any) -> Any:
            result = work(batch)
            held.enter_context(layer.lock)
            try:
                with layer.doing(COMMIT, path):
                    return result
            except OSError as error:
                raise lmdb.Error(f"mdb_txn_commit: {error.strerror}") from error

        with ExitStack() as held:
            result = real(index, work_and_commit)
            with layer.doing(COMMITTED if synced else COMMITTED_UNSYNCED, path):
                return result

    return write
