"""Holding a tree while something in it is half done, so that others can tell who is still at it.

Theory of operation. What a server leaves in a tree for a moment says in its name which process made
it, and on which host. Whether that process runs, only its own host can tell. But a container that
is started anew is another host by its name, though the same kernel runs it.

So whoever is about to leave something holds the root before: a read lock on the directory, which
several may have at once, and which the kernel drops when the process ends, however it ends. It is a
lock of the open file (F_OFD_SETLK, fcntl(2)): no other file of the process that is closed ends it.
Where nobody holds the root, nobody comes back for what was left.

That holds within one kernel. So it counts only where no other machine has the file system, too. The
root is open no longer than it is held, so that its disk can be unmounted else.
"""

import fcntl
import os
import struct
from contextlib import suppress

from maildird.maildir.filesystems import shared_filesystem

_LOCK = struct.Struct("hhqqi")
"""struct flock: type, whence, start, length (0: to the end), process (0 for locks of open files)"""


class Hold:
    """What this process holds of one tree, nothing at first."""

    def __init__(self) -> None:
        self._descriptor = -1

    def take(self, root: bytes) -> None:
        """Hold the tree from now on; OSError when its root can't be opened.

        A file system without locks lets nobody know, and then all is taken to be held.
        """
        if self._descriptor < 0:
            self._descriptor = _open(root)
            with suppress(OSError):
                fcntl.fcntl(self._descriptor, fcntl.F_OFD_SETLK, _lock(fcntl.F_RDLCK))

    def release(self) -> None:
        """Hold it no longer."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def may_be_held(root: bytes) -> bool:
    """Whether anybody may hold the tree, this process by a `Hold` included."""
    if shared_filesystem(root):
        return True
    try:
        descriptor = _open(root)
        try:
            found = fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, _lock(fcntl.F_WRLCK))
        finally:
            os.close(descriptor)
    except OSError:
        return True
    return bool(_LOCK.unpack(found)[0] != fcntl.F_UNLCK)


def _open(root: bytes) -> int:
    return os.open(root, os.O_RDONLY | os.O_DIRECTORY)


def _lock(kind: int) -> bytes:
    """A lock of a whole file, as fcntl(2) takes it."""
    return _LOCK.pack(kind, os.SEEK_SET, 0, 0, 0)
