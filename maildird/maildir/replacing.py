"""Replacing a small file as a whole: readers see the old or the new one, also after a power cut."""

import os
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from maildird.maildir.folders import fsync_directory
from maildird.maildir.naming import naming

TEMPORARY: Final = b".maildird-tmp"
"""What the name of a file ends with that is about to replace another one."""


Content = bytes | Callable[[int], bytes]
"""What a file shall contain, or how to make that of the file's inode."""


def replace_file(path: bytes, content: Content) -> None:
    """Write `content` to a temporary file beside `path`, sync it, and rename it into place.

    The new file is always newer than the one it replaces, and has its mode. When it can't be
    written the old one stays, and nothing else is left. The caller keeps other writers out.
    """
    temporary = path + TEMPORARY
    try:
        _write(temporary, content, _stat(path))
        os.replace(temporary, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    fsync_directory(os.path.dirname(path))


def _stat(path: bytes) -> os.stat_result | None:
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None


def _write(path: bytes, content: Content, old: os.stat_result | None) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with naming(path), open(descriptor, "wb") as file:
        inode = os.fstat(descriptor).st_ino
        file.write(content if isinstance(content, bytes) else content(inode))
        file.flush()
        if old is not None:
            os.fchmod(descriptor, old.st_mode & 0o777)
            if os.fstat(descriptor).st_mtime_ns <= old.st_mtime_ns:
                newer = old.st_mtime_ns + 10**9
                os.utime(descriptor, ns=(newer, newer))
        os.fsync(descriptor)
