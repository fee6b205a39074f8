"""The small files that servers keep in a folder, whatever somebody put in their place."""

import errno
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

MOST: Final = 1 << 28
"""Octets that such a file has at most: the uidlist of some millions of messages."""


@contextmanager
def open_regular(path: bytes, flags: int = os.O_RDONLY, most: int = MOST) -> Iterator[io.FileIO]:
    """Open a file without waiting for a FIFO's other end; a file that is made has mode 0600.

    OSError when it can't be opened, is no regular file, or has more than `most` octets. Reading and
    writing isn't buffered.
    """
    descriptor = os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    try:
        if flags & os.O_ACCMODE == os.O_RDONLY:
            opened = open(descriptor, "rb", buffering=0)  # noqa: SIM115
        else:
            opened = open(descriptor, "r+b", buffering=0)  # noqa: SIM115
    except OSError:  # it is a directory
        os.close(descriptor)
        raise
    with opened as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "is no regular file", os.fsdecode(path))
        if status.st_size > most:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), os.fsdecode(path))
        yield file


def read_regular(path: bytes) -> bytes:
    """All of a file, as `open_regular` opens it."""
    with open_regular(path) as file:
        return file.read()


def write_all(file: io.FileIO, octets: bytes) -> None:
    """Write to a file that isn't buffered; OSError when there is room for a part only."""
    left = memoryview(octets)
    while left:
        left = left[file.write(left) :]
