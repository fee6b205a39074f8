"""Hearing what a monitor tells of a real tree."""

import os
import resource
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from maildird.maildir.dirty import Noticed
from maildird.maildir.folders import make_folder
from maildird.maildir.monitor import Monitor, Notify

PATIENCE = 20.0


class Heard:
    """What a monitor told; waits for what is to come."""

    def __init__(self) -> None:
        self._told: list[Noticed] = []
        self._changed = threading.Condition()

    def __call__(self, told: Sequence[Noticed]) -> None:
        with self._changed:
            self._told += told
            self._changed.notify_all()

    def expect(self, *wanted: Noticed) -> list[Noticed]:
        """Wait until all of these were told; gives everything that was, and forgets it."""
        with self._changed:
            if not self._changed.wait_for(lambda: set(wanted) <= set(self._told), PATIENCE):
                pytest.fail(f"{wanted} was not told, but {self._told}")
            told, self._told = self._told, []
            return told


@contextmanager
def watching(root: bytes, notify: Notify, *folders: bytes) -> Iterator[Monitor]:
    """A running monitor; at the end it is stopped, and no thread of it is left."""
    before = set(threading.enumerate())
    monitor = Monitor(root, notify)
    monitor.start(folders)
    try:
        yield monitor
    finally:
        monitor.stop()
    assert set(threading.enumerate()) <= before
    assert not monitor.alive()


def make(directory: bytes) -> bytes:
    os.mkdir(directory)
    make_folder(directory)
    return directory


@contextmanager
def no_descriptor_left() -> Iterator[None]:
    """The process may open no more files; the system refuses inotify, too."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(0)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
