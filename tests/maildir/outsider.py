"""Programs in processes of their own that change a folder while it is looked at."""

import multiprocessing
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.synchronize import Event

from maildird.maildir.uidlists import UidEntry, append_entries, read_uidlist

SPAWN = multiprocessing.get_context("spawn")

Work = Callable[[bytes, Event], None]


@contextmanager
def running(work: Work, folder: bytes) -> Iterator[Event]:
    """`work` runs on a folder in another process until the end, or until the event is set."""
    stop = SPAWN.Event()
    process = SPAWN.Process(target=work, args=(folder, stop), daemon=True)
    process.start()
    try:
        yield stop
    finally:
        stop.set()
        process.join()
    assert process.exitcode == 0


def toggle_flagged(folder: bytes, stop: Event) -> None:
    """Rename all messages again and again, as quick as can be, with a rest between the rounds."""
    cur = os.path.join(folder, b"cur")
    while not stop.is_set():
        for name in os.listdir(cur):
            base, _, letters = name.rpartition(b":2,")
            flipped = letters.replace(b"F", b"") if b"F" in letters else b"F" + letters
            with suppress(FileNotFoundError):
                os.rename(os.path.join(cur, name), os.path.join(cur, base + b":2," + flipped))
        stop.wait(0.04)


def append_to_uidlist(folder: bytes, stop: Event) -> None:
    """Append 20 messages to the uidlist, under whichever UID comes next."""
    appended = 0
    while appended < 20:
        uidlist = read_uidlist(folder)
        assert uidlist is not None
        name = b"%d.%d" % (os.getpid(), appended)
        appended += append_entries(folder, [UidEntry(uidlist.next_uid, b"", name)])
    stop.set()
