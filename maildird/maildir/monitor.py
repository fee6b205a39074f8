"""The monitor: which directories of a tree changed, told within a millisecond.

Theory of operation. An `EventEmitter` of our own runs inside watchdog's observer, on one inotify
descriptor a tree. It watches the root, each folder's directory, and each folder's new/ and cur/,
and asks the kernel for nothing but names that come and go: reading mail makes no events. Events are
*hints*: they say where to look, what is true is read from the directories. So they are not paired,
not filtered for repeats and not kept; a full kernel queue means "everything may have changed".

Where inotify can't be had (NFS, the system's limits), an emitter that compares the directories'
times each second takes its place, and `kind` says so.

Folders are watched by path. A directory that is replaced by another one of the same name loses its
watch with the old one; whoever looks at the tree again calls `watch_only`, which watches the new.
"""

import ctypes
import errno
import logging
import os
import select
import struct
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Literal, cast

from watchdog.events import FileSystemEventHandler
from watchdog.observers.api import BaseObserver, EventEmitter
from watchdog.observers.inotify_c import (
    InotifyConstants,
    inotify_add_watch,
    inotify_init,
    inotify_rm_watch,
)

logger = logging.getLogger(__name__)

POLL: Final = 1.0
"""Seconds between two looks at the times where there is no inotify."""

_NAMES: Final = (
    InotifyConstants.IN_CREATE
    | InotifyConstants.IN_DELETE
    | InotifyConstants.IN_MOVED_FROM
    | InotifyConstants.IN_MOVED_TO
    | InotifyConstants.IN_ONLYDIR
)
_remove_watch: Final = cast("Callable[[int, int], int]", inotify_rm_watch)
_HEADER: Final = struct.Struct("iIII")
_BUFFER: Final = 1 << 18
_KEYWORDS: Final = b"dovecot-keywords"
_UNAVAILABLE: Final = frozenset({errno.ENOSPC, errno.EMFILE, errno.ENFILE, errno.ENOSYS})


@dataclass(frozen=True, slots=True)
class Dirty:
    """Where to look: at a message `name` (`subdir/file`) of `folder`, at all of `folder` (no name),
    at which folders there are (neither), or at everything.
    """

    folder: bytes | None = None
    name: bytes | None = None
    everything: bool = False


EVERYTHING: Final = Dirty(everything=True)
TREE: Final = Dirty()

Notify = Callable[[Sequence[Dirty]], None]


class Monitor:
    """Watches one tree; `notify` is called in a thread of the observer with what came at once."""

    def __init__(self, root: bytes, notify: Notify) -> None:
        self._root = root
        self._notify = notify
        self._observer: BaseObserver | None = None
        self._watches: _Inotify | _Polling | None = None

    @property
    def kind(self) -> Literal["inotify", "polling"]:
        """How changes are noticed."""
        return "inotify" if isinstance(self._watches, _Inotify) else "polling"

    def alive(self) -> bool:
        """Whether the observer's threads run."""
        observer = self._observer
        return observer is not None and all(emitter.is_alive() for emitter in observer.emitters)

    def start(self, folders: Iterable[bytes]) -> None:
        """Begin to watch the root and these folders."""
        watched = list(folders)
        try:
            self._watches = _Inotify(self._root)
            self._watches.watch_only(watched)
        except OSError as error:
            self._poll_instead(watched, error)
        else:
            self._run(self._watches)

    def watch_only(self, folders: Iterable[bytes]) -> None:
        """Watch just these folders from now on; a folder that can't be watched is logged.

        When the system allows no more watches, all are polled from now on.
        """
        if self._watches is not None:
            watched = list(folders)
            try:
                self._watches.watch_only(watched)
            except OSError as error:
                self._poll_instead(watched, error)
                self._notify((EVERYTHING,))

    def stop(self) -> None:
        """End the threads; returns when they have ended."""
        if self._observer is not None:
            self._observer.stop()
            self._observer.join()
            self._observer = None
        if self._watches is not None:
            self._watches.close()
            self._watches = None

    def _poll_instead(self, folders: Sequence[bytes], error: OSError) -> None:
        if error.errno not in _UNAVAILABLE:
            raise error
        logger.warning(
            "inotify can't be had for %s (%s): looking every second instead; raise"
            " fs.inotify.max_user_watches and max_user_instances",
            os.fsdecode(self._root),
            error.strerror,
        )
        self.stop()
        self._watches = _Polling(self._root)
        self._watches.watch_only(folders)
        self._run(self._watches)

    def _run(self, watches: "_Inotify | _Polling") -> None:
        notify = self._notify

        class Emitter(EventEmitter):
            """Runs the watches in watchdog's thread."""

            def queue_events(self, timeout: float) -> None:
                dirty = watches.wait(timeout)
                if dirty:
                    notify(dirty)

            def on_thread_stop(self) -> None:
                watches.wake()

        observer = BaseObserver(Emitter)
        observer.daemon = True
        observer.schedule(FileSystemEventHandler(), os.fsdecode(self._root), recursive=True)
        observer.start()
        self._observer = observer


class _Inotify:
    """The inotify descriptor of one tree, and what each of its watches is for."""

    def __init__(self, root: bytes) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._places: dict[int, tuple[bytes, bytes | None]] = {}
        self._watches: dict[bytes, int] = {}
        self._descriptor = inotify_init()
        if self._descriptor < 0:
            raise _last_error(root)
        os.set_inheritable(self._descriptor, False)
        os.set_blocking(self._descriptor, False)
        try:
            self._stop_reader, self._stop_writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError:
            os.close(self._descriptor)
            raise
        self._poll = select.poll()
        self._poll.register(self._descriptor, select.POLLIN)
        self._poll.register(self._stop_reader, select.POLLIN)

    def watch_only(self, folders: Iterable[bytes]) -> None:
        wanted: dict[bytes, tuple[bytes, bytes | None]] = {self._root: (self._root, None)}
        for folder in folders:
            wanted.update(_directories_of(self._root, folder))
        with self._lock:
            for path in self._watches.keys() - wanted.keys():
                self._drop(self._watches.pop(path))
            for path, place in wanted.items():
                self._add(path, place)

    def wait(self, timeout: float) -> Sequence[Dirty]:
        """What came within `timeout` seconds; each place once."""
        self._poll.poll(timeout * 1000)
        with suppress(BlockingIOError):
            buffer = os.read(self._descriptor, _BUFFER)
            with self._lock:
                return list(dict.fromkeys(self._read(buffer)))
        return ()

    def wake(self) -> None:
        with suppress(BlockingIOError, OSError):
            os.write(self._stop_writer, b"x")

    def close(self) -> None:
        for descriptor in (self._descriptor, self._stop_reader, self._stop_writer):
            os.close(descriptor)

    def _add(self, path: bytes, place: tuple[bytes, bytes | None]) -> None:
        """Adding a path that is watched already changes nothing and gives its watch again.

        Another watch means another directory of that name; the old one's is dropped, unless it has
        been found under a new name.
        """
        watch = inotify_add_watch(self._descriptor, path, _NAMES)
        if watch >= 0:
            before = self._watches.get(path, watch)
            self._watches[path] = watch
            self._places[watch] = place
            if before != watch and before not in self._watches.values():
                self._drop(before)
            return
        error = _last_error(path)
        if error.errno in _UNAVAILABLE:
            raise error
        logger.debug("%s is not watched: %s", os.fsdecode(path), error.strerror)

    def _read(self, buffer: bytes) -> Iterator[Dirty]:
        at = 0
        while at < len(buffer):
            watch, mask, _cookie, length = _HEADER.unpack_from(buffer, at)
            at += _HEADER.size + length
            if mask & (InotifyConstants.IN_Q_OVERFLOW | InotifyConstants.IN_UNMOUNT):
                yield EVERYTHING
            elif mask & InotifyConstants.IN_IGNORED:
                if self._forget(watch):
                    yield TREE
            elif watch in self._places:
                name = buffer[at - length : at].rstrip(b"\0")
                yield from _dirty(
                    *self._places[watch], name, bool(mask & InotifyConstants.IN_ISDIR)
                )

    def _drop(self, watch: int) -> None:
        self._places.pop(watch, None)
        _remove_watch(self._descriptor, watch)

    def _forget(self, watch: int) -> bool:
        """The kernel dropped a watch; False when we had, else its directory is gone."""
        for path in [path for path, known in self._watches.items() if known == watch]:
            del self._watches[path]
        return self._places.pop(watch, None) is not None


class _Polling:
    """Compares the times of the watched directories."""

    def __init__(self, root: bytes) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._places: dict[bytes, tuple[bytes, bytes | None]] = {}
        self._times: dict[bytes, int | None] = {}
        self._stopped = threading.Event()

    def watch_only(self, folders: Iterable[bytes]) -> None:
        places: dict[bytes, tuple[bytes, bytes | None]] = {self._root: (self._root, None)}
        for folder in folders:
            places.update(_directories_of(self._root, folder))
        with self._lock:
            self._places = places
            self._times = {path: self._times.get(path, _mtime(path)) for path in places}

    def wait(self, timeout: float) -> Sequence[Dirty]:
        """What changed since the last call, after a second or `timeout`, if that is longer."""
        self._stopped.wait(max(timeout, POLL))
        with self._lock:
            before, self._times = self._times, {path: _mtime(path) for path in self._places}
            changed = [path for path, time in self._times.items() if time != before[path]]
            return list(dict.fromkeys(_whole(*self._places[path]) for path in changed))

    def wake(self) -> None:
        self._stopped.set()

    def close(self) -> None:
        """Nothing is held open."""


def _directories_of(root: bytes, folder: bytes) -> dict[bytes, tuple[bytes, bytes | None]]:
    """What to watch for a folder: path to (folder, subdir); directories above it have no folder."""
    watched: dict[bytes, tuple[bytes, bytes | None]] = {}
    above = os.path.dirname(folder)
    while len(above) > len(root):
        watched[above] = (above, None)
        above = os.path.dirname(above)
    watched[folder] = (folder, None)
    for subdir in (b"new", b"cur"):
        watched[os.path.join(folder, subdir)] = (folder, subdir)
    return watched


def _dirty(folder: bytes, subdir: bytes | None, name: bytes, is_directory: bool) -> Iterator[Dirty]:
    if subdir is not None:
        if not is_directory and not name.startswith(b"."):
            yield Dirty(folder, subdir + b"/" + name)
    elif is_directory:
        yield TREE
    elif name == _KEYWORDS:
        yield Dirty(folder)


def _whole(folder: bytes, subdir: bytes | None) -> Dirty:
    return TREE if subdir is None else Dirty(folder)


def _mtime(path: bytes) -> int | None:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return None


def _last_error(path: bytes) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number), os.fsdecode(path))
