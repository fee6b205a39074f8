"""Files that other programs leave in a folder."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def full_disk(longest: int = 0) -> Iterator[None]:
    """No file may grow beyond `longest`; the system refuses as it does when the disk is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (longest, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def put(folder: bytes, name: bytes, content: bytes = b"Subject: x\n\nbody\n") -> bytes:
    """Write the file `subdir/name`; gives its path."""
    path = os.path.join(folder, name)
    with open(path, "xb") as file:
        file.write(content)
    return path


def content_of(folder: bytes, name: bytes) -> bytes:
    with open(os.path.join(folder, name), "rb") as file:
        return file.read()


def files_in(folder: bytes) -> set[bytes]:
    """`subdir/name` of all that lies in new/, cur/ and tmp/."""
    return {
        subdir + b"/" + name
        for subdir in (b"new", b"cur", b"tmp")
        for name in os.listdir(os.path.join(folder, subdir))
    }


def make_old(folder: bytes, seconds: int = 3600) -> None:
    """Have new/ and cur/ be changed last some time ago."""
    for subdir in (b"new", b"cur"):
        path = os.path.join(folder, subdir)
        then = int(os.stat(path).st_mtime) - seconds
        os.utime(path, (then, then))
