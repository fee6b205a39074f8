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

HEAD: Final = 4096
"""Octets in which most headers lie."""

_PIECE: Final = 1 << 20
"""Octets that are read at once of a file whose size is not what it was."""

SHORT: Final = 64 * 1024
"""Octets of a file that take no time to be looked at."""

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
    """Read a message; OSError as usual, and for what is no regular file (EINVAL, ELOOP).

    In six system calls: most messages are so short that a file object would cost more than they.
    """
    descriptor, size = open_regular(path)
    try:
        return read_opened(descriptor, size, path)
    finally:
        os.close(descriptor)


def read_if_cached(path: bytes) -> Content | None:
    """As `read_content` if the message is short and the system has it in memory, else None.

    So it never waits for a disk, but for one that has to be asked where the file is.
    """
    try:
        descriptor, size = open_regular(path)
    except OSError:
        return None
    try:
        raw = bytearray(size + 1 if size <= SHORT else 0)
        if os.preadv(descriptor, [raw], 0, os.RWF_NOWAIT) != size:
            return None
        status = os.fstat(descriptor)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    data = wire_form(bytes(memoryview(raw)[:size]))
    return Content(data, int(status.st_mtime), _is_at_rest(path, size, status))


def read_opened(descriptor: int, size: int, path: bytes) -> Content:
    """Read the message at `path`, which was opened just now and had `size` octets then."""
    data = wire_form(_read_all(descriptor, size))
    status = os.fstat(descriptor)
    at_rest = _is_at_rest(path, os.lseek(descriptor, 0, os.SEEK_CUR), status)
    return Content(data, int(status.st_mtime), at_rest)


def _read_all(descriptor: int, size: int) -> bytes:
    """A file that had `size` octets a moment ago, to its end."""
    raw = os.read(descriptor, size + 1)
    if len(raw) == size:
        return raw
    pieces = [raw]  # it grows or shrinks, or is longer than one call reads
    while piece := os.read(descriptor, _PIECE):
        pieces.append(piece)
    return b"".join(pieces)


def _is_at_rest(path: bytes, size: int, status: os.stat_result) -> bool:
    if size != status.st_size:
        return False
    in_place = b"/cur/" in path and status.st_ctime_ns == status.st_mtime_ns
    return not in_place or abs(time.time_ns() - status.st_mtime_ns) > REST


def read_head(path: bytes) -> bytes:
    """The first `HEAD` octets of a message file, with lines as they end on disk; OSError as usual.

    What is no regular file may give octets or an error.
    """
    descriptor = os.open(path, _OPEN)
    try:
        return os.read(descriptor, HEAD).replace(b"\0", b"\x80")
    finally:
        os.close(descriptor)


def open_message(path: bytes) -> BinaryIO:
    """Open a message file; neither follows a symlink nor waits for a FIFO's writer."""
    descriptor, _ = open_regular(path)
    return open(descriptor, "rb")


def open_regular(path: bytes) -> tuple[int, int]:
    """Descriptor and size of a message file; OSError as `read_content`."""
    descriptor = os.open(path, _OPEN)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "is not a regular file", os.fsdecode(path))
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor, status.st_size


def wire_form(raw: bytes) -> bytes:
    """`raw` with CRLF line ends and without NUL.

    No more than two of its forms are in memory at a time, where the caller keeps none.
    """
    if b"\r" not in raw or b"\r\n" not in raw:  # one octet is looked for ten times as quickly
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
