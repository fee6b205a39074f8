"""Directories of a tree: finding them, making, renaming and removing them durably.

Theory of operation. Directories come and go while we look: what vanishes or can't be read is passed
over. What is made is synced level by level. What is deleted is first renamed to a name that no
layout takes for a folder, at the root, and then removed: a crash leaves it whole or out of sight,
and what is left out of sight is removed when the tree is opened next.
"""

import logging
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Final

from maildird.maildir.folders import SUBDIRS, fsync_directory
from maildird.maildir.renaming import rename_exclusively

logger = logging.getLogger(__name__)

DELETED: Final = b"..maildird-deleted-"
"""Prefix of directories at the root that wait for their removal; they are no folders."""

DEEPEST: Final = 100
"""Levels of directories that are looked into, and made."""


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


def rename_directory(old: bytes, new: bytes) -> None:
    """Rename a directory; FileExistsError when there is anything but an empty one at `new`."""
    with suppress(OSError):
        os.rmdir(new)
    rename_exclusively(old, new)


def delete_directory(root: bytes, directory: bytes) -> None:
    """Delete a directory with all that is in it; once it is out of sight, it is deleted.

    When that can't be made to last, it is put back.
    """
    trash = _trash(root)
    rename_exclusively(directory, trash)
    try:
        fsync_directory(os.path.dirname(directory))
        fsync_directory(root)
    except OSError:
        rename_exclusively(trash, directory)
        raise
    _remove(trash)


def delete_from(root: bytes, directory: bytes, names: Iterable[bytes]) -> None:
    """Delete some things from a directory, in that order; what vanished meanwhile is no error."""
    trash = _trash(root)
    os.mkdir(trash, 0o700)
    for name in names:
        with suppress(FileNotFoundError):
            rename_exclusively(os.path.join(directory, name), os.path.join(trash, name))
    fsync_directory(directory)
    _remove(trash)


def remove_deleted(root: bytes) -> None:
    """Remove what a crash in the middle of a deletion left at the root."""
    for name in subdirectories(root):
        if name.startswith(DELETED):
            _remove(os.path.join(root, name))


def _trash(root: bytes) -> bytes:
    return os.path.join(root, DELETED + os.urandom(8).hex().encode("ascii"))


def _remove(trash: bytes) -> None:
    """Remove what is out of sight already; what can't be removed now is tried again at a start."""
    try:
        if os.path.islink(trash):
            os.unlink(trash)
        else:
            shutil.rmtree(trash)
    except OSError as error:
        logger.warning("%s can't be removed: %s", os.fsdecode(trash), error.strerror)


def _is_directory(entry: os.DirEntry[bytes]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a symlink that leads to itself
        return False
