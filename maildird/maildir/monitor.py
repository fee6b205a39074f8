"""The monitor: which directories of a tree changed, told within a millisecond.

Theory of operation. An `EventEmitter` of our own runs inside watchdog's observer, on one inotify
descriptor a tree. It watches the root, each folder's directory, and each folder's new/ and cur/,
and asks the kernel for nothing but names that come and go: reading mail makes no events. Events are
*hints*: they say where to look, what is true is read from the directories. So they are not
filtered for repeats and not kept; a full kernel queue means "everything may have changed".

Where inotify can't be had (the system's limits), or no more of it when folders are added, an
emitter that compares the directories' times each second takes its place, and `kind` says so. So it
is where other machines may change the files, of which inotify says nothing.

Whoever looks at the tree again calls `watch_only`. Folders that were not watched until then, by
that name, are told as dirty once they are: what came into them before made no event.

An event is in the kernel's queue before the system call that made it returns. So whoever needs to
know of all that was done until now has the queue read to its present end (`flush`), and knows.

The threads may die: of a mistake in the code, of memory that lacks. Whoever sweeps the tree calls
`supervise`, which puts a new observer in a dead one's place and tells that everything may have
changed meanwhile. When that happens again and again (`TRIES` times within `TRYING` seconds) polling
takes over; and from polling inotify is tried again after `RETRY` seconds, for limits are raised.
"""

import logging
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Final, Literal

from watchdog.events import FileSystemEventHandler
from watchdog.observers.api import BaseObserver, EventEmitter

from maildird.maildir.dirty import EVERYTHING, Noticed
from maildird.maildir.echoes import Echoes
from maildird.maildir.filesystems import shared_filesystem
from maildird.maildir.inotify import LIMITS, Inotify
from maildird.maildir.polling import Polling

logger = logging.getLogger(__name__)

TRIES: Final = 3
TRYING: Final = 60.0
RETRY: Final = 300.0

Kind = Literal["inotify", "polling"]
Notify = Callable[[Sequence[Noticed]], None]


@dataclass(frozen=True, slots=True)
class MonitorState:
    """How a tree is watched, for a report.

    `restarts` counts the observers that died; `trouble` says why the tree is polled, or not watched
    at all, and `since` from when on (Unix seconds); both None while inotify watches.
    """

    kind: Kind
    restarts: int
    trouble: str | None
    since: float | None


class Monitor:
    """Watches one tree; `notify` is called with what came at once.

    Mostly in a thread of the observer's, but in the caller's for what `watch_only` and `supervise`
    have to tell. All methods are for one thread. `echoes` is for whoever changes the tree: what is
    expected there isn't told.
    """

    def __init__(self, root: bytes, notify: Notify) -> None:
        self._root = root
        self._notify = notify
        self.echoes = Echoes()
        self._folders: Sequence[bytes] = ()
        self._shared: str | None = None
        self._observer: BaseObserver | None = None
        self._watches: Inotify | Polling | None = None
        self._restarts = 0
        self._flushes = SimpleQueue[Callable[[], None]]()
        self._deaths: deque[float] = deque(maxlen=TRIES)
        self._trouble: str | None = None
        self._since: float | None = None
        self._retry_at = 0.0

    @property
    def kind(self) -> Kind:
        """How changes are noticed."""
        return "inotify" if isinstance(self._watches, Inotify) else "polling"

    @property
    def state(self) -> MonitorState:
        """How the tree is watched now."""
        return MonitorState(self.kind, self._restarts, self._trouble, self._since)

    def alive(self) -> bool:
        """Whether the observer's threads run."""
        observer = self._observer
        return (
            observer is not None
            and observer.is_alive()
            and bool(observer.emitters)
            and all(emitter.is_alive() for emitter in observer.emitters)
        )

    def start(self, folders: Iterable[bytes]) -> None:
        """Begin to watch the root and these folders; the caller looks at all of them after that."""
        self._folders = list(folders)
        self._shared = shared_filesystem(self._root)
        try:
            self._watch()
        except OSError as error:
            if error.errno not in LIMITS:
                raise
            self._poll_instead(_refused(error))

    def watch_only(self, folders: Iterable[bytes]) -> None:
        """Watch just these folders from now on, and tell which are watched for the first time.

        When the system allows no more watches, all are polled from now on.
        """
        self._folders = list(folders)
        if self._watches is None:
            return
        try:
            fresh = self._watches.watch_only(self._folders)
        except OSError as error:
            if error.errno not in LIMITS:
                raise
            self._poll_instead(_refused(error))
            fresh = [EVERYTHING]
        if fresh:
            self._notify(fresh)

    def supervise(self) -> None:
        """Replace an observer that died, and leave polling when inotify can be had again."""
        try:
            if not self.alive():
                self._replace()
            elif self._may_retry_inotify():
                self._retry_inotify()
            else:
                return
        except (OSError, RuntimeError) as error:  # no descriptors, no threads: there may be later
            self.stop()
            if self._trouble is None:
                logger.error("%s is not watched: %s", os.fsdecode(self._root), error)
            self._trouble_is(f"not watched: {error}")
        self._notify([EVERYTHING])

    def flush(self, done: Callable[[], None]) -> bool:
        """Have `done` called, in the observer's thread, once all that happened before was told.

        False when nobody can say so: the directories are polled, or not watched. `done` is never
        called when the observer dies.
        """
        if not isinstance(self._watches, Inotify) or not self.alive():
            return False
        self._flushes.put(done)
        self._watches.wake()
        return True

    def stop(self) -> None:
        """End the threads; returns when they have ended."""
        if self._observer is not None:
            self._observer.stop()
            with suppress(RuntimeError):  # it could not be started
                self._observer.join()
            self._observer = None
        if self._watches is not None:
            self._watches.close()
            self._watches = None

    def _replace(self) -> None:
        """A new observer in the place of one that died."""
        self.stop()
        self._restarts += 1
        now = time.monotonic()
        self._deaths.append(now)
        if len(self._deaths) == TRIES and self._deaths[0] > now - TRYING:
            self._deaths.clear()
            self._poll_instead("the observer died again and again")
            return
        try:
            self._watch()
        except OSError as error:
            self._poll_instead(_refused(error))
        else:
            logger.error("the observer of %s died; a new one watches", os.fsdecode(self._root))

    def _may_retry_inotify(self) -> bool:
        due = time.monotonic() >= self._retry_at
        return due and self.kind == "polling" and self._shared is None

    def _retry_inotify(self) -> None:
        """From polling to inotify; all stays as it is when that still can't be had."""
        self._retry_at = time.monotonic() + RETRY
        inotify = None
        try:
            inotify = Inotify(self._root, self.echoes)
            inotify.watch_only(self._folders)
        except OSError as error:
            logger.debug("inotify still can't be had: %s", error.strerror)
            if inotify is not None:
                inotify.close()
            return
        self.stop()
        self._run(inotify)
        self._trouble = self._since = None
        logger.info("inotify watches %s again", os.fsdecode(self._root))

    def _watch(self) -> None:
        """Watch by inotify, where it sees all."""
        if self._shared is not None:
            self._poll_instead(f"on {self._shared} it doesn't see what other machines do")
            return
        self._watches = watches = Inotify(self._root, self.echoes)
        watches.watch_only(self._folders)
        self._run(watches)
        self._trouble = self._since = None

    def _poll_instead(self, why: str) -> None:
        logger.warning(
            "%s is looked at every second, without inotify: %s", os.fsdecode(self._root), why
        )
        self._trouble_is(why)
        self._retry_at = time.monotonic() + RETRY
        self.stop()
        watches = Polling(self._root)
        watches.watch_only(self._folders)
        self._run(watches)

    def _trouble_is(self, why: str) -> None:
        self._trouble = why
        self._since = self._since or time.time()

    def _run(self, watches: Inotify | Polling) -> None:
        notify = self._notify
        self._flushes = flushes = SimpleQueue[Callable[[], None]]()

        class Emitter(EventEmitter):
            """Runs the watches in watchdog's thread, which is woken when it has to end.

            What it can't do ends its thread and is said in the log; `supervise` finds it dead.
            """

            def queue_events(self, timeout: float) -> None:
                try:
                    watches.wait()
                    asked = [flushes.get_nowait() for _ in range(flushes.qsize())]
                    for dirty in watches.read():
                        notify(dirty)
                    for done in asked:
                        done()
                except Exception:
                    logger.exception("the observer fails")
                    self.stop()

            def on_thread_stop(self) -> None:
                watches.wake()

        self._watches = watches
        self._observer = observer = BaseObserver(Emitter)
        observer.schedule(FileSystemEventHandler(), os.fsdecode(self._root), recursive=True)
        observer.start()


def _refused(error: OSError) -> str:
    return (
        f"inotify can't be had ({error.strerror}); raise fs.inotify.max_user_watches and"
        " max_user_instances"
    )
