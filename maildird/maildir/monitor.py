"""The monitor: which directories of a tree changed, told within a millisecond.

Theory of operation. An `EventEmitter` of our own runs inside watchdog's observer, on one inotify
descriptor a tree. It watches the root, each folder's directory, and each folder's new/ and cur/,
and asks the kernel for nothing but names that come and go: reading mail makes no events. Events are
*hints*: they say where to look, what is true is read from the directories. So they are not paired,
not filtered for repeats and not kept; a full kernel queue means "everything may have changed".

Where inotify can't be had (the system's limits), or no more of it when folders are added, an
emitter that compares the directories' times each second takes its place, and `kind` says so.

Whoever looks at the tree again calls `watch_only`. Folders that were not watched until then, by
that name, are told as dirty once they are: what came into them before made no event.
"""

import logging
import os
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

from watchdog.events import FileSystemEventHandler
from watchdog.observers.api import BaseObserver, EventEmitter

from maildird.maildir.dirty import EVERYTHING, Dirty
from maildird.maildir.inotify import LIMITS, Inotify
from maildird.maildir.polling import Polling

logger = logging.getLogger(__name__)

Notify = Callable[[Sequence[Dirty]], None]


class Monitor:
    """Watches one tree; `notify` is called with what came at once.

    Mostly in a thread of the observer's, but in the caller's for what `watch_only` has to tell.
    """

    def __init__(self, root: bytes, notify: Notify) -> None:
        self._root = root
        self._notify = notify
        self._observer: BaseObserver | None = None
        self._watches: Inotify | Polling | None = None

    @property
    def kind(self) -> Literal["inotify", "polling"]:
        """How changes are noticed."""
        return "inotify" if isinstance(self._watches, Inotify) else "polling"

    def alive(self) -> bool:
        """Whether the observer's threads run."""
        observer = self._observer
        return (
            observer is not None
            and observer.is_alive()
            and all(emitter.is_alive() for emitter in observer.emitters)
        )

    def start(self, folders: Iterable[bytes]) -> None:
        """Begin to watch the root and these folders; the caller looks at all of them after that."""
        watched = list(folders)
        try:
            self._watches = Inotify(self._root)
            self._watches.watch_only(watched)
        except OSError as error:
            self._poll_instead(watched, error)
        else:
            self._run(self._watches)

    def watch_only(self, folders: Iterable[bytes]) -> None:
        """Watch just these folders from now on, and tell which are watched for the first time.

        When the system allows no more watches, all are polled from now on.
        """
        if self._watches is None:
            return
        watched = list(folders)
        try:
            fresh = self._watches.watch_only(watched)
        except OSError as error:
            self._poll_instead(watched, error)
            fresh = [EVERYTHING]
        if fresh:
            self._notify(fresh)

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
        if error.errno not in LIMITS:
            raise error
        logger.warning(
            "inotify can't be had for %s (%s): looking every second instead; raise"
            " fs.inotify.max_user_watches and max_user_instances",
            os.fsdecode(self._root),
            error.strerror,
        )
        self.stop()
        self._watches = Polling(self._root)
        self._watches.watch_only(folders)
        self._run(self._watches)

    def _run(self, watches: Inotify | Polling) -> None:
        notify = self._notify

        class Emitter(EventEmitter):
            """Runs the watches in watchdog's thread, which is woken when it has to end."""

            def queue_events(self, timeout: float) -> None:
                dirty = watches.wait()
                if dirty:
                    notify(dirty)

            def on_thread_stop(self) -> None:
                watches.wake()

        observer = BaseObserver(Emitter)
        observer.schedule(FileSystemEventHandler(), os.fsdecode(self._root), recursive=True)
        observer.start()
        self._observer = observer
