"""The seal: a small file beside the index that tells a clean end from any other.

Theory of operation. Whoever closes an index leaves a seal, which says how the index's file was at
that moment; whoever opens it breaks the seal, synced, before the file is written to. So a sealed
file was left by a clean end, and if it is still what the seal says, it is whole. No seal means that
its holder was killed or the power failed: LMDB's commits survive that, the disk may not have.

What a seal compares: any program that writes to the file changes its time or length, and what it
wrote nobody can judge; then the index is not what was left, however well it looks. A copy that was
put back (`cp -a`, a backup) has time and length of the original, but another inode or change time:
it is inspected like a file without a seal, for a copy may be incomplete.
"""

import os
from enum import Enum, auto
from typing import Final, NamedTuple

from maildird.index.files import data_file, sync_directory

_NAME: Final = b"clean"


class Stamp(NamedTuple):
    """How a file is: inode, length, times of the last change of content and of anything (ns)."""

    inode: int
    length: int
    mtime: int
    ctime: int


class State(Enum):
    """What the seal says about the index's file."""

    WHOLE = auto()
    UNKNOWN = auto()
    CHANGED = auto()


def stamp(directory: bytes) -> Stamp:
    """How the index's file is now; OSError when it can't be looked at."""
    status = os.stat(data_file(directory))
    return Stamp(status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def state(directory: bytes) -> State:
    """Whether the index's file is what was left by a clean end."""
    sealed = _read(directory)
    if sealed is None:
        return State.UNKNOWN
    now = stamp(directory)
    if (now.length, now.mtime) != (sealed.length, sealed.mtime):
        return State.CHANGED
    return State.WHOLE if now == sealed else State.UNKNOWN


def put_seal(directory: bytes, left: Stamp) -> None:
    """Seal the index, which was `left` so; durable when this returns."""
    name = os.path.join(directory, _NAME)
    with open(name + b".new", "wb", opener=_private) as file:
        file.write(b"%d %d %d %d\n" % left)
        file.flush()
        os.fsync(file.fileno())
    os.replace(name + b".new", name)
    sync_directory(directory)


def break_seal(directory: bytes) -> None:
    """Remove the seal, if there is one; durable when this returns."""
    try:
        os.unlink(os.path.join(directory, _NAME))
    except FileNotFoundError:
        return
    sync_directory(directory)


def _read(directory: bytes) -> Stamp | None:
    """What the seal says; None without one, or when it can't be understood."""
    try:
        with open(os.path.join(directory, _NAME), "rb") as file:
            return Stamp(*map(int, file.read(200).split()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def _private(path: str | bytes, flags: int) -> int:
    return os.open(path, flags, 0o600)
