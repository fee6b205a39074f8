"""Dovecot's locks: a file `<name>.lock` beside the file it guards, made exclusively, removed after.

A lock says which process holds it. One whose process died is taken over, at once if it was on this
host, else once it is older than 120 seconds; the holder of a living one touches it every ten
seconds (Dovecot's `file-dotlock.c` and `maildir-uidlist.c`). Ours are held for milliseconds and
need no touching.

A lock is written under a name of its own and then linked to that of the lock: so it says whose it
is from the moment that it is there. A link tells on NFS, too, who was first; its answer may be
lost there, so the number of links is asked for (open(2)).
"""

import errno
import os
import socket
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Final

from maildird.maildir.leftovers import is_abandoned
from maildird.maildir.names import unique_base
from maildird.maildir.naming import naming
from maildird.maildir.renaming import rename_exclusively
from maildird.terms.codes import Code
from maildird.terms.errors import Refused

STALE: Final = 120.0
PATIENCE: Final = 2.0
_PAUSE: Final = 0.02
_NO_LINKS: Final = frozenset({errno.EPERM, errno.ENOTSUP, errno.ENOSYS})


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
    if os.path.lexists(lock):
        _remove_stale(lock)
        return None
    signed = b"%s.%s" % (lock, unique_base())
    try:
        own = _sign(signed, lock)
        return own if _is_first(signed, lock) else None
    finally:
        with suppress(OSError):  # it is nobody's then, see leftovers
            os.unlink(signed)


def _sign(path: bytes, lock: bytes) -> os.stat_result:
    """Write who we are to a new file, which is to be the lock."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with naming(lock), open(descriptor, "wb") as file:
        file.write(b"%d:%s" % (os.getpid(), os.fsencode(socket.gethostname())))
        return os.fstat(descriptor)


def _is_first(signed: bytes, lock: bytes) -> bool:
    """Make a signed file the lock, unless there is one."""
    try:
        os.link(signed, lock)
    except FileExistsError:
        return os.stat(signed).st_nlink == 2
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        with suppress(FileExistsError):
            rename_exclusively(signed, lock)
            return True
        return False
    return True


def _release(lock: bytes, own: os.stat_result) -> None:
    """Remove the lock, unless we stood still for so long that others took it over."""
    with suppress(FileNotFoundError):
        if os.path.samestat(os.stat(lock), own):
            os.unlink(lock)


def _remove_stale(lock: bytes) -> None:
    with suppress(FileNotFoundError):
        if is_abandoned(lock) or os.stat(lock).st_mtime < time.time() - STALE:
            os.unlink(lock)
