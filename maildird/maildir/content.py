"""The content of message files: as it lies on disk, and as it goes over the wire.

On disk lines end as the program that wrote the file ended them, LF mostly. Over the wire each line
end is CRLF and NUL, which no literal may hold (RFC 3501 section 9), is the octet 0x80, so that the
length stays. Nothing else is ever altered. Our own files have LF line ends like everybody's, unless
that could not be turned back into the very same octets.

A message never changes once it is there, for who delivers one writes it elsewhere first. Not so
`cp` into cur/: there a file grows under its name. Such a one is not *at rest* until nobody has
written for a moment; one that was linked or renamed after the last write is complete.
"""

import errno
import os
import stat
import time
from dataclasses import dataclass
from typing import BinaryIO, Final

_OPEN: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK

REST: Final = 500_000_000
"""Nanoseconds without a write after which nobody is at work on a file."""


@dataclass(frozen=True, slots=True)
class Content:
    """A message in wire form; `internaldate` is the file's mtime in Unix seconds.

    `at_rest` is false while another program may be writing it still: then nothing that follows
    from `data` is to be kept.
    """

    data: bytes
    internaldate: int
    at_rest: bool = True


def read_content(path: bytes) -> Content:
    """Read a message; OSError as usual, and for what is no regular file (EINVAL, ELOOP)."""
    with open_message(path) as file:
        data = wire_form(file.read())
        status = os.fstat(file.fileno())
        at_rest = _is_at_rest(path, file.tell(), status)
        return Content(data, int(status.st_mtime), at_rest)


def _is_at_rest(path: bytes, size: int, status: os.stat_result) -> bool:
    if size != status.st_size:
        return False
    in_place = b"/cur/" in path and status.st_ctime_ns == status.st_mtime_ns
    return not in_place or abs(time.time_ns() - status.st_mtime_ns) > REST


def open_message(path: bytes) -> BinaryIO:
    """Open a message file; neither follows a symlink nor waits for a FIFO's writer."""
    descriptor = os.open(path, _OPEN)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "is not a regular file", os.fsdecode(path))
        return open(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def wire_form(raw: bytes) -> bytes:
    """`raw` with CRLF line ends and without NUL.

    No more than two of its forms are in memory at a time, where the caller keeps none.
    """
    if b"\r\n" not in raw:
        raw = raw.replace(b"\n", b"\r\n")
    elif raw.count(b"\n") != raw.count(b"\r\n"):
        raw = raw.replace(b"\r\n", b"\n")
        raw = raw.replace(b"\n", b"\r\n")
    return raw.replace(b"\0", b"\x80")


def disk_form(content: bytes) -> bytes:
    """`content` with LF line ends, if `wire_form` makes the same of it."""
    if b"\r\r\n" in content:
        return content
    return content.replace(b"\r\n", b"\n")


def wire_size(raw: bytes) -> int:
    """The length of `wire_form(raw)`, without building it."""
    return len(raw) + raw.count(b"\n") - raw.count(b"\r\n")
