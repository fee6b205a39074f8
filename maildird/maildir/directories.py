"""Directories of a tree: finding them, making, renaming and removing them durably.

Theory of operation. Directories come and go while we look: what vanishes or can't be read is passed
over. What is made is synced level by level.

RENAME and DELETE are a *relocation*: directories are renamed, several perhaps, and renamed back
when one of them can't be. What is deleted goes to a name at the root that no layout takes for a
folder, where it is out of sight and still whole. It is removed only when nobody can want it back;
what a crash leaves of it is removed when the tree is opened next.
"""

import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from typing import Final

from maildird.maildir.folders import SUBDIRS, fsync_directory
from maildird.maildir.renaming import rename_exclusively

logger = logging.getLogger(__name__)

DELETED: Final = b"..maildird-deleted-"
"""Prefix of directories at the root that wait for their removal; they are no folders."""

_GOING: Final = b"-going"

DEEPEST: Final = 100
"""Levels of directories that are looked into, and made."""


@dataclass(frozen=True, slots=True)
class Relocation:
    """What is renamed, in this order, from which path to which.

    `trash` is where all of it goes that is to be deleted; None when it is to stay.
    """

    moves: tuple[tuple[bytes, bytes], ...]
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
    for old, new in relocation.moves:
        make_directories(root, os.path.dirname(new))
        with suppress(FileNotFoundError) if relocation.trash else nullcontext():
            _rename(old, new)
    _sync(relocation)


def put_back(relocation: Relocation) -> None:
    """Undo as much of a relocation as was done; OSError when something can't be put back.

    That stays where it is, and the rest is put back all the same. What stood at a new place before
    is nothing of ours: then the old place is not empty.
    """
    errors = []
    for old, new in reversed(relocation.moves):
        try:
            if os.path.lexists(new) and (relocation.trash or not os.path.lexists(old)):
                _rename(new, old)
        except OSError as error:
            errors.append(error)
    if errors:
        raise errors[0]
    if relocation.trash:
        with suppress(FileNotFoundError):
            os.rmdir(relocation.trash)
    _sync(relocation)


def remove_trash(trash: bytes) -> None:
    """Remove what is out of sight already; what can't be removed now is tried again at a start.

    It gets another name first, under which nobody puts it back: half of it would be left then.
    """
    going = trash.removesuffix(_GOING) + _GOING
    try:
        os.rename(trash, going)
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


def _rename(old: bytes, new: bytes) -> None:
    """Rename what is at `old`; FileExistsError when there is more than an empty directory."""
    with suppress(OSError):
        os.rmdir(new)
    rename_exclusively(old, new)


def _sync(relocation: Relocation) -> None:
    """Sync the directories of both places; one that is no more needs it no more."""
    for directory in sorted({os.path.dirname(path) for move in relocation.moves for path in move}):
        with suppress(FileNotFoundError):
            fsync_directory(directory)


def _is_directory(entry: os.DirEntry[bytes]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a symlink that leads to itself
        return False
