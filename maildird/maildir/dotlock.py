"""Dovecot's locks: a file `<name>.lock` beside the file it guards, made exclusively, removed after.

A lock says which process holds it. One whose process died is taken over, at once if it was on this
host, else once it is older than 120 seconds; the holder of a living one touches it every ten
seconds (Dovecot's `file-dotlock.c` and `maildir-uidlist.c`). Ours are held for milliseconds and
need no touching.
"""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Final

from maildird.maildir.leftovers import is_abandoned
from maildird.maildir.naming import naming
from maildird.terms.codes import Code
from maildird.terms.errors import Refused

STALE: Final = 120.0
PATIENCE: Final = 2.0
_PAUSE: Final = 0.02


@contextmanager
def locked(path: bytes) -> Iterator[None]:
    """Hold the lock of the file `path`; Refused (INUSE) when others hold it for two seconds."""
    lock = path + b".lock"
    deadline = time.monotonic() + PATIENCE
    while (own := _take(lock)) is None:
        if time.monotonic() > deadline:
            raise Refused(
                Code.INUSE,
                f"{os.fsdecode(lock)} is held by another program; if none runs, remove it",
            )
        time.sleep(_PAUSE)
    try:
        yield
    finally:
        _release(lock, own)


def uidlist_locked(folder: bytes) -> AbstractContextManager[None]:
    """Hold the lock of a folder's uidlist, which guards its keywords, too."""
    return locked(os.path.join(folder, b"dovecot-uidlist"))


def _take(lock: bytes) -> os.stat_result | None:
    """Make the lock; None when somebody has it."""
    try:
        descriptor = os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        _remove_stale(lock)
        return None
    try:
        with naming(lock), open(descriptor, "wb") as file:
            file.write(b"%d:%s" % (os.getpid(), os.fsencode(socket.gethostname())))
            return os.fstat(descriptor)
    except BaseException:
        os.unlink(lock)
        raise


def _release(lock: bytes, own: os.stat_result) -> None:
    """Remove the lock, unless we stood still for so long that others took it over."""
    with suppress(FileNotFoundError):
        if os.path.samestat(os.stat(lock), own):
            os.unlink(lock)


def _remove_stale(lock: bytes) -> None:
    with suppress(FileNotFoundError):
        if is_abandoned(lock) or os.stat(lock).st_mtime < time.time() - STALE:
            os.unlink(lock)
