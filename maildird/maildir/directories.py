"""Directories of a tree: finding them, making, renaming and removing them durably.

Theory of operation. Directories come and go while we look: what vanishes or can't be read is passed
over. What is made is synced level by level.

RENAME and DELETE are a *relocation*: directories are renamed, several perhaps, and renamed back
when one of them can't be. Where others made the old place anew meanwhile, what is renamed back goes
into that (`merging`); the inode tells whether it isn't what stood at a new place all along. What is
deleted goes to a name at the root that no layout takes for a folder, where it is out of sight and
still whole. It is removed only when nobody can want it back; what a crash leaves of it is removed
when the tree is opened next.
"""

import logging
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from typing import Final

from maildird.maildir.folders import SUBDIRS, fsync_directory
from maildird.maildir.keywords import KEYWORDS
from maildird.maildir.merging import merge, settle_other
from maildird.maildir.renaming import rename_exclusively

logger = logging.getLogger(__name__)

DELETED: Final = b"..maildird-deleted-"
"""Prefix of directories at the root that wait for their removal; they are no folders."""

_GOING: Final = b"-going"

DEEPEST: Final = 100
"""Levels of directories that are looked into, and made."""


@dataclass(frozen=True, slots=True)
class Move:
    """A file or directory with that inode is renamed from one path to another."""

    old: bytes
    new: bytes
    inode: int


@dataclass(frozen=True, slots=True)
class Relocation:
    """What is renamed, in this order.

    `trash` is where all of it goes that is to be deleted; None when it is to stay.
    """

    moves: tuple[Move, ...]
    trash: bytes | None = None


def subdirectories(directory: bytes, must_exist: bool = True) -> list[bytes]:
    """Names of the directories in one; none where it can't be read and need not exist."""
    try:
        with os.scandir(directory) as found:
            return sorted(entry.name for entry in found if _is_directory(entry))
    except OSError:
        if must_exist:
            raise
        return []


def directories_below(root: bytes) -> Iterator[tuple[tuple[bytes, ...], bytes]]:
    """Every directory that the layout fs could have as a folder: its levels, and its path."""
    waiting: list[tuple[bytes, ...]] = [()]
    while waiting:
        above = waiting.pop()
        for name in subdirectories(os.path.join(root, *above), must_exist=not above):
            if name in SUBDIRS or name.startswith(b"."):
                continue
            levels = (*above, name)
            path = os.path.join(root, *levels)
            yield levels, path
            if len(levels) < DEEPEST and not os.path.islink(path):
                waiting.append(levels)


def directories_above(root: bytes, folders: Iterable[bytes]) -> set[bytes]:
    """The directories between folders and the root that are no folders themselves."""
    known = {root, *folders}
    above: set[bytes] = set()
    for folder in known - {root}:
        while (folder := os.path.dirname(folder)) not in known | above:
            above.add(folder)
    return above


def make_directories(root: bytes, directory: bytes) -> None:
    """Make a directory and those above it up to the root, durably; mode 0700, all of them."""
    if directory == root or os.path.isdir(directory):
        return
    above = os.path.dirname(directory)
    make_directories(root, above)
    with suppress(FileExistsError):
        os.mkdir(directory, 0o700)
        fsync_directory(above)


def relocate(root: bytes, relocation: Relocation) -> None:
    """Carry out a relocation durably; when that fails half of it may be done, see `put_back`.

    FileExistsError when there is anything but an empty directory at a new place. Of what is deleted
    some may have vanished meanwhile, which is no error.
    """
    for move in relocation.moves:
        make_directories(root, os.path.dirname(move.new))
        with suppress(FileNotFoundError) if relocation.trash else nullcontext():
            _rename(move.old, move.new)
    _sync(relocation)


def put_back(relocation: Relocation) -> None:
    """Undo as much of a relocation as was done; OSError when something can't be put back.

    That stays where it is, and the rest is put back all the same.
    """
    errors = []
    for move in _backwards(relocation.moves):
        try:
            if os.path.lexists(move.new) and (relocation.trash or _is_ours(move)):
                _put_back(move)
        except OSError as error:
            errors.append(error)
    if errors:
        raise errors[0]
    if relocation.trash:
        with suppress(FileNotFoundError):
            os.rmdir(relocation.trash)
    _sync(relocation)


def _backwards(moves: Sequence[Move]) -> list[Move]:
    """The last first; but what tells the keywords of messages goes after those (`merging`)."""
    last = [move for move in moves if os.path.basename(move.old) == KEYWORDS]
    return [*(move for move in reversed(moves) if move not in last), *last]


def remove_trash(trash: bytes) -> None:
    """Remove what is out of sight already; what can't be removed now is tried again at a start.

    It gets another name first, under which nobody puts it back: half of it would be left then. That
    is synced, for a power cut may bring back the intent when the index has forgotten it.
    """
    going = trash.removesuffix(_GOING) + _GOING
    try:
        os.rename(trash, going)
        fsync_directory(os.path.dirname(going))
        if os.path.islink(going):
            os.unlink(going)
        else:
            shutil.rmtree(going)
    except FileNotFoundError:
        pass
    except OSError as error:
        logger.warning("%s can't be removed: %s", os.fsdecode(trash), error.strerror)


def remove_deleted(root: bytes) -> None:
    """Remove what a crash in the middle of a deletion left at the root."""
    for name in subdirectories(root):
        if name.startswith(DELETED):
            remove_trash(os.path.join(root, name))


def new_trash(root: bytes) -> bytes:
    """A place out of sight."""
    return os.path.join(root, DELETED + os.urandom(8).hex().encode("ascii"))


def move_of(old: bytes, new: bytes) -> Move:
    """The renaming of what is at a path; what is gone already is not renamed."""
    return Move(old, new, _inode(old))


def _is_ours(move: Move) -> bool:
    """Whether what is at the new place was at the old one."""
    return not os.path.lexists(move.old) or _inode(move.new) == move.inode


def _put_back(move: Move) -> None:
    """Rename it back, or put what it has into what others made at its old place."""
    try:
        _rename(move.new, move.old)
    except FileExistsError:
        if os.path.isdir(move.new) and not os.path.islink(move.new):
            merge(move.new, move.old)
        else:
            settle_other(move.new, move.old)


def _inode(path: bytes) -> int:
    """The inode of what is at a path, 0 when there is nothing."""
    try:
        return os.lstat(path).st_ino
    except FileNotFoundError:
        return 0


def _rename(old: bytes, new: bytes) -> None:
    """Rename what is at `old`; FileExistsError when there is more than an empty directory."""
    with suppress(OSError):
        os.rmdir(new)
    rename_exclusively(old, new)


def _sync(relocation: Relocation) -> None:
    """Sync the directories of both places; one that is no more needs it no more."""
    paths = [path for move in relocation.moves for path in (move.old, move.new)]
    for directory in sorted(set(map(os.path.dirname, paths))):
        with suppress(FileNotFoundError):
            fsync_directory(directory)


def _is_directory(entry: os.DirEntry[bytes]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a symlink that leads to itself
        return False
