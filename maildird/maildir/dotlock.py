"""Dovecot's lock on a folder's files: `dovecot-uidlist.lock`, made exclusively, removed after.

A lock older than 120 seconds was left by a process that died and is taken over; the holder of a
living one touches it every ten seconds (Dovecot's `maildir-uidlist.c`). Ours are held for
milliseconds and need no touching.
"""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from maildird.terms.codes import Code
from maildird.terms.errors import Refused

STALE: Final = 120.0
PATIENCE: Final = 2.0
_PAUSE: Final = 0.02


@contextmanager
def uidlist_locked(folder: bytes) -> Iterator[None]:
    """Hold the folder's uidlist lock; Refused (INUSE) when others hold it for two seconds."""
    path = os.path.join(folder, b"dovecot-uidlist.lock")
    deadline = time.monotonic() + PATIENCE
    while not _take(path):
        if time.monotonic() > deadline:
            raise Refused(
                Code.INUSE,
                f"{os.fsdecode(path)} is held by another program; if none runs, remove it",
            )
        time.sleep(_PAUSE)
    try:
        yield
    finally:
        os.unlink(path)


def _take(path: bytes) -> bool:
    try:
        lock = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        _remove_stale(path)
        return False
    with open(lock, "wb") as file:
        file.write(b"%d:%s" % (os.getpid(), os.fsencode(socket.gethostname())))
    return True


def _remove_stale(path: bytes) -> None:
    try:
        if os.stat(path).st_mtime < time.time() - STALE:
            os.unlink(path)
    except FileNotFoundError:
        pass
