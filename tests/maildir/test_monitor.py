"""The monitor's life: it polls where it must, replaces what died, and leaves nothing behind."""

import ctypes
import errno
import logging
import os
import threading

import pytest
from watchdog.observers.api import EventEmitter

from maildird.maildir import inotify
from maildird.maildir.dirty import EVERYTHING, TREE, Dirty
from maildird.maildir.echoes import Echoes
from maildird.maildir.inotify import Inotify
from maildird.maildir.monitor import TRIES, Monitor, MonitorState
from maildird.maildir.polling import Polling
from tests.maildir.disk import make_old, put
from tests.maildir.listening import PATIENCE, Heard, make, no_descriptor_left, watching


def test_stopping_twice_closes_nothing_of_others(root: bytes, heard: Heard) -> None:
    monitor = Monitor(root, heard)
    monitor.start([])
    monitor.stop()
    descriptors = [os.open(root, os.O_RDONLY) for _ in range(4)]
    monitor.stop()
    monitor.watch_only([root])
    for descriptor in descriptors:
        os.close(descriptor)


def test_a_monitor_leaves_no_descriptor_open(root: bytes, folder: bytes, heard: Heard) -> None:
    before = os.listdir("/proc/self/fd")
    with watching(root, heard, folder):
        assert os.listdir("/proc/self/fd") != before
    assert os.listdir("/proc/self/fd") == before


@pytest.mark.parametrize("kind", ["inotify", "polling"])
def test_a_wait_that_is_woken_ends(root: bytes, kind: str) -> None:
    woken = Inotify(root, Echoes()) if kind == "inotify" else Polling(root)
    try:
        woken.wake()
        woken.wait()
        assert not list(woken.read())
    finally:
        woken.close()


def test_without_inotify_the_times_are_compared(
    root: bytes,
    folder: bytes,
    heard: Heard,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("maildird.maildir.polling.PAUSE", 0.05)
    make_old(folder)
    os.utime(root, (5, 5))
    with caplog.at_level(logging.WARNING), no_descriptor_left():
        monitor = Monitor(root, heard)
        monitor.start([folder])
    try:
        assert monitor.kind == "polling"
        assert "max_user_instances" in caplog.text
        put(folder, b"new/1.h")
        other = make(os.path.join(root, b"other"))
        heard.expect(Dirty(folder), TREE)
        make_old(other)
        monitor.watch_only([folder, other])
        put(other, b"cur/1.h:2,")
        heard.expect(Dirty(other))
    finally:
        monitor.stop()


def test_the_limit_of_watches_reached_later_makes_it_poll(
    root: bytes, folder: bytes, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("maildird.maildir.polling.PAUSE", 0.05)
    with watching(root, heard, folder) as monitor:
        other = make(os.path.join(root, b"other"))
        heard.expect(TREE)

        def refuse(descriptor: int, path: bytes, mask: int) -> int:
            ctypes.set_errno(errno.ENOSPC)
            return -1

        monkeypatch.setattr(inotify, "inotify_add_watch", refuse)
        monitor.watch_only([folder, other])
        assert monitor.kind == "polling"
        assert monitor.alive()
        heard.expect(EVERYTHING)
        os.utime(os.path.join(other, b"new"), (5, 5))
        heard.expect(Dirty(other))


# supervision


class Broken(Exception):
    """What no observer is prepared for."""


def die(monitor: Monitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the observer's thread fail at its next event, and wait for its end."""

    def fail(watches: Inotify) -> None:
        raise Broken

    (emitter,) = [each for each in threading.enumerate() if isinstance(each, EventEmitter)]
    with monkeypatch.context() as patched:
        patched.setattr(Inotify, "wait", fail)
        emitter.on_thread_stop()  # wakes it
        emitter.join(PATIENCE)
    assert not monitor.alive()


def test_a_dead_observer_is_replaced(
    root: bytes,
    folder: bytes,
    heard: Heard,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with watching(root, heard, folder) as monitor:
        die(monitor, monkeypatch)
        assert "Broken" in caplog.text
        put(folder, b"new/unheard")
        monitor.supervise()
        assert heard.expect(EVERYTHING) == [EVERYTHING]
        assert monitor.alive()
        assert (monitor.kind, monitor.state.restarts) == ("inotify", 1)
        assert "a new one watches" in caplog.text
        put(folder, b"new/1.h")
        heard.expect(Dirty(folder, b"new/1.h"))
        monitor.supervise()
        assert monitor.state.restarts == 1


def test_observers_that_die_again_and_again_make_it_poll_for_a_while(
    root: bytes,
    folder: bytes,
    heard: Heard,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("maildird.maildir.polling.PAUSE", 0.05)
    with watching(root, heard, folder) as monitor:
        for _ in range(TRIES):
            assert monitor.state.trouble is None
            die(monitor, monkeypatch)
            monitor.supervise()
        assert monitor.kind == "polling"
        assert monitor.state.trouble == "the observer died again and again"
        assert monitor.state.since is not None
        assert "without inotify" in caplog.text
        heard.expect(EVERYTHING)
        os.utime(os.path.join(folder, b"new"), (5, 5))
        heard.expect(Dirty(folder))
        monitor.supervise()
        assert monitor.kind == "polling"
        monkeypatch.setattr(monitor, "_retry_at", 0.0)
        monitor.supervise()
        assert monitor.state.kind == "inotify"
        assert monitor.state == MonitorState("inotify", TRIES, None, None)
        heard.expect(EVERYTHING)
        put(folder, b"new/1.h")
        heard.expect(Dirty(folder, b"new/1.h"))


def test_polling_goes_on_while_inotify_still_cannot_be_had(
    root: bytes, folder: bytes, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("maildird.maildir.polling.PAUSE", 0.05)
    with no_descriptor_left():
        monitor = Monitor(root, heard)
        monitor.start([folder])
    try:
        monkeypatch.setattr(monitor, "_retry_at", 0.0)
        with no_descriptor_left():
            monitor.supervise()
        assert monitor.kind == "polling"
        assert monitor.alive()
        os.utime(os.path.join(folder, b"cur"), (5, 5))
        heard.expect(Dirty(folder))
    finally:
        monitor.stop()


def test_a_tree_that_nobody_watches_is_watched_once_threads_can_be_had(
    root: bytes,
    folder: bytes,
    heard: Heard,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with watching(root, heard, folder) as monitor:
        die(monitor, monkeypatch)
        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", refuse)
            monitor.supervise()
        assert not monitor.alive()
        assert monitor.state.trouble == "not watched: can't start new thread"
        assert "is not watched" in caplog.text
        heard.expect(EVERYTHING)
        monitor.supervise()
        assert monitor.alive()
        assert monitor.state.trouble is None
        put(folder, b"new/1.h")
        heard.expect(Dirty(folder, b"new/1.h"))
