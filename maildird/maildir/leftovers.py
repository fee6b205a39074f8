"""What a process that was killed left behind in a folder, and knowing it for that.

Staged messages in tmp/ say in their name which process made them, on which host; so does the name
of a file that was to become a lock, and the content of a lock. A process of this host that runs no
more will never come back for them. What says nothing of its maker, or was made on another host, is
left to its age. But what goes with a hold of the tree (`holding`) nobody comes back for where
nobody holds it, whatever the name says.
"""

import enum
import os
import re
import socket
import time
from contextlib import suppress
from typing import Final

from maildird.maildir.folders import ABANDONED
from maildird.maildir.holding import may_be_held
from maildird.maildir.names import spelled_host
from maildird.maildir.replacing import TEMPORARY

_STAGED: Final = re.compile(rb"\d+\.M\d+P(\d{1,10})R[0-9a-f]{16}\.([^,]+)(?:,.*)?")
_HOLDER: Final = re.compile(rb"(\d{1,10}):(.+)")
_LONGEST: Final = 1000
_EMPTY: Final = 10.0
"""Seconds for which a lock may be empty while somebody lives who holds it."""


class _Maker(enum.Enum):
    """Who made a name."""

    OURSELVES = "this process"
    ANOTHER = "a process of this host that runs, or one of another host"
    GONE = "a process of this host that runs no more"
    UNKNOWN = "whoever makes other names"


def remove_leftovers(folder: bytes) -> None:
    """Remove what killed servers were about to write in a folder; what can't be removed stays.

    A file that is about to replace another one belongs to whoever holds a lock, if anybody does.
    """
    with suppress(OSError):
        for name in os.listdir(os.path.join(folder, b"tmp")):
            if _maker(name) is _Maker.GONE:
                _remove(os.path.join(folder, b"tmp", name))
    with suppress(OSError):
        present = os.listdir(folder)
        for name in present:
            if _maker(name.partition(b".lock.")[2]) is _Maker.GONE:
                _remove(os.path.join(folder, name))
        locks = [os.path.join(folder, name) for name in present if name.endswith(b".lock")]
        for lock in filter(is_abandoned, locks):
            _remove(lock)
        if not any(map(os.path.lexists, locks)):
            for name in present:
                if name.endswith(TEMPORARY):
                    _remove(os.path.join(folder, name))


def may_return(root: bytes, path: bytes, prefix: bytes) -> bool:
    """Whether another process that made what is at a path may still come back for it.

    Whoever makes such a thing holds the tree. The file's name is `prefix` and a `unique_base`.
    After 36 hours nobody comes back.
    """
    if _maker(os.path.basename(path).removeprefix(prefix)) is not _Maker.ANOTHER:
        return False
    if not may_be_held(root):
        return False
    with suppress(FileNotFoundError):
        return os.lstat(path).st_ctime > time.time() - ABANDONED
    return False


def is_abandoned(lock: bytes) -> bool:
    """Whether the lock at that path was made by a process of this host that runs no more.

    So it was, too, if it stays empty: whoever makes one says at once who that is, but a power cut
    may leave the name without the content.
    """
    try:
        with open(lock, "rb") as file:
            said = file.read(_LONGEST)
            if not said and os.fstat(file.fileno()).st_mtime < time.time() - _EMPTY:
                return True
            holder = _HOLDER.fullmatch(said)
    except OSError:
        return False
    if holder is None or holder[2] != os.fsencode(socket.gethostname()):
        return False
    return not _runs(int(holder[1]))


def _maker(base: bytes) -> _Maker:
    """Who made a name (`unique_base`)."""
    made = _STAGED.fullmatch(base)
    if made is None:
        return _Maker.UNKNOWN
    if made[2] != spelled_host():
        return _Maker.ANOTHER
    process = int(made[1])
    if process == os.getpid():
        return _Maker.OURSELVES
    return _Maker.ANOTHER if _runs(process) else _Maker.GONE


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass  # another user's
    return process > 0


def _remove(path: bytes) -> None:
    with suppress(OSError):
        os.unlink(path)
