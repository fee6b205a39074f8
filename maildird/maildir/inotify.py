"""The inotify descriptor of one tree, and what each of its watches is for.

Theory of operation. The kernel watches directories, not names: a watch follows its directory when
that is renamed. So what a watch is for is looked up anew whenever the tree was looked at
(`watch_only`), and a directory that appears in a watched one is watched at once, provisionally,
before anybody is told of it: what comes into it from then on makes events, what came before is
found by whoever looks. A full kernel queue, or an unmounted file system, means "everything".

A rename makes two events with one cookie, from where and to where, which the kernel queues one soon
after the other. So the first waits for the second for a millisecond at most. Within a folder they
are told as two names together; from one folder to another as a move. What left the watched
directories, or came from outside, is told as the one name.

watchdog's C bindings, which are the same in its versions 6 and 7, make the system calls.
"""

import ctypes
import errno
import fcntl
import logging
import os
import select
import struct
import termios
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Final, cast

from watchdog.observers.inotify_c import (
    InotifyConstants,
    inotify_add_watch,
    inotify_init,
    inotify_rm_watch,
)

from maildird.maildir.dirty import (
    EVERYTHING,
    TREE,
    Dirty,
    Moved,
    Noticed,
    Place,
    places_of,
    subplaces,
)
from maildird.maildir.echoes import Echoes

logger = logging.getLogger(__name__)

LIMITS: Final = frozenset({errno.ENOSPC, errno.EMFILE, errno.ENFILE, errno.ENOSYS})
"""Errors that say that the system allows no inotify, or no more of it."""

_APPEARS: Final = InotifyConstants.IN_CREATE | InotifyConstants.IN_MOVED_TO
_NAMES: Final = (
    _APPEARS
    | InotifyConstants.IN_DELETE
    | InotifyConstants.IN_MOVED_FROM
    | InotifyConstants.IN_MOVE_SELF
    | InotifyConstants.IN_ONLYDIR
)
_GOES: Final = InotifyConstants.IN_DELETE | InotifyConstants.IN_MOVED_FROM
_ALL_LOST: Final = InotifyConstants.IN_Q_OVERFLOW | InotifyConstants.IN_UNMOUNT

_remove_watch: Final = cast("Callable[[int, int], int]", inotify_rm_watch)
_EVENT: Final = struct.Struct("iIII")
_INT: Final = struct.Struct("i")
_BUFFER: Final = 1 << 16
_OTHER_HALF_MS: Final = 1
_KEYWORDS: Final = b"dovecot-keywords"


class Inotify:
    """Watches directories below `root`, and passes over `echoes`.

    OSError (one of `LIMITS`) when the system allows none.
    """

    def __init__(self, root: bytes, echoes: Echoes) -> None:
        self._root = root
        self._echoes = echoes
        self._lock = threading.Lock()
        self._places: dict[int, Place] = {}
        self._provisional: set[int] = set()
        self._left: dict[int, Dirty] = {}
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
        self._events = select.poll()
        self._events.register(self._descriptor, select.POLLIN)
        self._poll = select.poll()
        self._poll.register(self._descriptor, select.POLLIN)
        self._poll.register(self._stop_reader, select.POLLIN)

    def watch_only(self, folders: Iterable[bytes]) -> Sequence[Dirty]:
        """Watch just these folders, the root and what is between; a directory that is gone isn't.

        Gives what has to be looked at because it was not watched as that before. OSError (one of
        `LIMITS`) when the system allows no more watches.
        """
        with self._lock:
            before = {w: p for w, p in self._places.items() if w not in self._provisional}
            watched = self._places.keys()
            self._places, self._provisional = {}, set()
            try:
                self._watch_all(places_of(self._root, folders))
            finally:
                for watch in watched - self._places.keys():
                    _remove_watch(self._descriptor, watch)
            fresh = [place for watch, place in self._places.items() if before.get(watch) != place]
        return list(dict.fromkeys(dirty for place in fresh for dirty in place.changed()))

    def wait(self) -> None:
        """Return once there are events, or when woken."""
        self._poll.poll()
        with suppress(BlockingIOError):
            os.read(self._stop_reader, _BUFFER)

    def read(self) -> Iterator[Sequence[Noticed]]:
        """What the events say that are queued now, all of them; each place once in a piece."""
        with self._echoes.reading():
            yield from self._read_queued()
        if self._left and self._events.poll(_OTHER_HALF_MS):
            yield from self._read_queued()
        if self._left:
            yield list(self._left.values())
            self._left.clear()

    def wake(self) -> None:
        """Have a `wait` end, now or the next one."""
        with suppress(BlockingIOError):
            os.write(self._stop_writer, b"x")

    def close(self) -> None:
        """Give the descriptors back; nobody may wait any more."""
        for descriptor in (self._descriptor, self._stop_reader, self._stop_writer):
            os.close(descriptor)

    def _read_queued(self) -> Iterator[Sequence[Noticed]]:
        queued = self._queued()
        while queued > 0:
            try:
                buffer = os.read(self._descriptor, _BUFFER)
            except BlockingIOError:
                return
            queued -= len(buffer)
            with self._lock:
                told = list(dict.fromkeys(self._read(buffer)))
            if told:
                yield told

    def _queued(self) -> int:
        """How many octets of events wait to be read."""
        answer = fcntl.ioctl(self._descriptor, termios.FIONREAD, bytes(_INT.size))
        return int(_INT.unpack(answer)[0])

    def _watch_all(self, places: Mapping[bytes, Place]) -> set[int]:
        """A directory that is watched already keeps its watch; it gets the place given last."""
        watches: set[int] = set()
        for path, place in places.items():
            watch = inotify_add_watch(self._descriptor, path, _NAMES)
            if watch >= 0:
                self._places[watch] = place
                watches.add(watch)
                continue
            error = _last_error(path)
            if error.errno in LIMITS:
                raise error
            logger.debug("%s is not watched: %s", os.fsdecode(path), error.strerror)
        return watches

    def _read(self, buffer: bytes) -> Iterator[Noticed]:
        at = 0
        while at < len(buffer):
            watch, mask, cookie, length = _EVENT.unpack_from(buffer, at)
            at += _EVENT.size + length
            place = self._places.get(watch)
            if mask & _ALL_LOST:
                yield EVERYTHING
            elif place is None:
                continue
            elif mask & (InotifyConstants.IN_IGNORED | InotifyConstants.IN_MOVE_SELF):
                yield TREE
                if mask & InotifyConstants.IN_IGNORED:
                    del self._places[watch]
            else:
                name = buffer[at - length : at].rstrip(b"\0")
                yield from self._heard(place, mask, cookie, name)

    def _heard(self, place: Place, mask: int, cookie: int, name: bytes) -> Iterator[Noticed]:
        """What it means that `name` appeared in a place or went from it."""
        is_directory = bool(mask & InotifyConstants.IN_ISDIR)
        if place.subdir is not None:
            path = b"/".join((place.directory, place.subdir, name))
            if self._echoes.pass_over(path, comes=not mask & _GOES):
                return
            if not is_directory and not name.startswith(b"."):
                yield from self._message(
                    Dirty(place.directory, place.subdir + b"/" + name), mask, cookie
                )
        elif is_directory:
            if mask & _APPEARS:
                yield from self._directory_appeared(place.directory, name)
            yield TREE
        elif name == _KEYWORDS:
            yield Dirty(place.directory)

    def _message(self, dirty: Dirty, mask: int, cookie: int) -> Iterator[Noticed]:
        """A message's name came or went; the first half of a rename is kept for the other."""
        if mask & InotifyConstants.IN_MOVED_FROM:
            self._left[cookie] = dirty
            return
        left = self._left.pop(cookie, None) if mask & InotifyConstants.IN_MOVED_TO else None
        if left is None:
            yield dirty
        elif left.folder == dirty.folder:
            yield left
            yield dirty
        else:
            yield Moved(left, dirty)

    def _directory_appeared(self, above: bytes, name: bytes) -> Iterator[Dirty]:
        """Watch a new directory, as what it is or may become, until `watch_only` knows better."""
        path = os.path.join(above, name)
        found = subplaces(above).get(path)
        places = {path: found} if found else {path: Place(path), **subplaces(path)}
        if name == b"tmp" or name.startswith(b".."):
            return
        try:
            self._provisional |= self._watch_all(places)
        except OSError as error:
            logger.debug("%s is not watched: %s", os.fsdecode(path), error.strerror)
        if found:
            yield Dirty(above)


def _last_error(path: bytes) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number), os.fsdecode(path))
