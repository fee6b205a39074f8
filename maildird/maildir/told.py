"""What clients were told of a folder at most, in a small file of its own: `maildird-told`.

Theory of operation. Whoever lost the index still has to know which UIDs and MODSEQs are used up,
also those of messages that are gone. The uidlist can't say: it is written behind the turns, under a
lock that others hold, and costs O(mailbox). So a server *promises*, before it tells anybody, that
it will stay below certain numbers, and promises more before it goes on. Lines of this file are

    V<uidvalidity> N<uid> M<modseq> G<128-bit guid in hex> I<inode> promised

and say: no UID from N up was told to anybody, and no MODSEQ above M. A server that ends in order
says `exact` instead: N is UIDNEXT and M is HIGHESTMODSEQ.

The last whole line counts. A line is appended and synced, which a full disk mostly has room for,
and cut short by a crash it was not relied on yet; each begins with a newline, so that it stands by
itself after a line that was cut short, which is told by its last word. A file that has grown to
`_LONGEST` octets is replaced, where there is room for that.

A line *holds* only as long as it is kept. It is broken

- by a server that goes on but can't promise more: it has the line begin with `v`. One octet, in
  place, needs no room. Where even that fails the file is removed;
- by whoever puts back an old file, from a backup say: clients were told more since. `I` is the
  inode that the line was written to, and a file that was copied has another one. Should it have the
  same by chance, or was it overwritten, the time of its content is usually that of the original,
  and lies before its last change. (A change of the owner or mode looks like that, too. It costs
  clients a look at their flags.)

Of a broken line the numbers still count, but more may have been told.

One server at a time writes here, the one that holds the index; others leave the file alone. Should
two write nevertheless, each with an index of its own, none promises less than the other
(`promises`).
"""

import io
import os
import re
import stat
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from maildird.maildir.folders import fsync_directory
from maildird.maildir.naming import naming
from maildird.maildir.plain_files import open_regular, write_all
from maildird.maildir.replacing import replace_file
from maildird.terms.numbers import HIGHEST_MODSEQ, HIGHEST_UID

FILE: Final = b"maildird-told"

_LONGEST: Final = 4000
_TAIL: Final = 4096
"""Octets in which the last whole line surely lies, and what was cut short after it."""

_LINE: Final = re.compile(
    rb"([Vv])(\d{1,10}) N(\d{1,10}) M(\d{1,19}) G([0-9a-f]{32}) I(\d{1,20}) (promised|exact)"
)
_LATER: Final = 2 * 10**9
"""How many ns the change of a file that is written lies after that of its content at most."""


@dataclass(frozen=True, slots=True)
class Told:
    """UIDs below `next_uid` and MODSEQs up to `modseq` may have been told; `exact`, they were.

    When it doesn't hold any more, others may have been told, too.
    """

    uidvalidity: int
    next_uid: int
    modseq: int
    guid: bytes
    exact: bool = False
    holds: bool = True


def read_told(folder: bytes) -> Told | None:
    """What the folder's file says last; None when there is none, or nothing in it.

    What is no regular file says nothing. OSError when it can't be read.
    """
    path = os.path.join(folder, FILE)
    if not _is_file(path):
        return None
    try:
        with naming(path), open_regular(path, os.O_RDONLY | os.O_NOFOLLOW) as file:
            found = _last(file)
            status = os.fstat(file.fileno())
    except FileNotFoundError:
        return None
    if found is None:
        return None
    _at, told, inode = found
    copied = inode != status.st_ino or status.st_ctime_ns - status.st_mtime_ns > _LATER
    return replace(told, holds=told.holds and not copied)


def told_age(folder: bytes) -> int | None:
    """Seconds since the folder's file was written; None when there is none."""
    try:
        written = os.stat(os.path.join(folder, FILE)).st_mtime
    except OSError:
        return None
    return max(0, int(time.time() - written))


def write_told(folder: bytes, told: Told) -> None:
    """Say so from now on, durably; OSError, and then what was said before holds."""
    path = os.path.join(folder, FILE)
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
    with naming(path), open_regular(path, flags) as file:
        size = os.fstat(file.fileno()).st_size
        if size >= _LONGEST:
            with suppress(OSError):
                replace_file(path, lambda inode: _line(told, inode))
                return
        line = b"\n" + _line(told, os.fstat(file.fileno()).st_ino)
        try:
            write_all(file, line)
        except OSError:
            with suppress(OSError):
                file.truncate(size)
            raise
        os.fsync(file.fileno())
    if not size:
        fsync_directory(folder)


def break_told(folder: bytes) -> None:
    """Have what was said hold no more, without needing room; OSError, and then it still holds."""
    path = os.path.join(folder, FILE)
    if not _is_file(path):
        return
    try:
        with naming(path), open_regular(path, os.O_RDWR | os.O_NOFOLLOW) as file:
            found = _last(file)
            if found is not None and found[1].holds:
                file.seek(found[0])
                file.write(b"v")
                os.fsync(file.fileno())
    except OSError:
        with suppress(FileNotFoundError):
            os.unlink(path)
            fsync_directory(folder)


def remove_told(folder: bytes) -> None:
    """Nothing was told of the folder after all: it is unmade."""
    with suppress(OSError):
        os.unlink(os.path.join(folder, FILE))


def _is_file(path: bytes) -> bool:
    """Whether what is there can have said anything."""
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except FileNotFoundError:
        return False


def _line(told: Told, inode: int) -> bytes:
    return b"V%d N%d M%d G%s I%d %s\n" % (
        told.uidvalidity,
        told.next_uid,
        told.modseq,
        told.guid.hex().encode("ascii"),
        inode,
        b"exact" if told.exact else b"promised",
    )


def _last(file: io.FileIO) -> tuple[int, Told, int] | None:
    """The last line that makes sense: where it begins, what it says, and the inode in it."""
    at = max(0, os.fstat(file.fileno()).st_size - _TAIL)
    lines = os.pread(file.fileno(), _TAIL, at).split(b"\n")
    found = None
    for line in lines[:-1]:
        told = _parse(line)
        if told is not None:
            found = at, *told
        at += len(line) + 1
    return found


def _parse(line: bytes) -> tuple[Told, int] | None:
    """What a line says, and the inode in it; None when that makes no sense."""
    match = _LINE.fullmatch(line)
    if match is None:
        return None
    uidvalidity, next_uid, modseq, inode = map(int, match.group(2, 3, 4, 6))
    told = Told(
        uidvalidity,
        next_uid,
        modseq,
        bytes.fromhex(match[5].decode("ascii")),
        exact=match[7] == b"exact",
        holds=match[1] == b"V",
    )
    sound = (
        0 < uidvalidity < HIGHEST_UID and 0 < next_uid <= HIGHEST_UID and modseq <= HIGHEST_MODSEQ
    )
    return (told, inode) if sound else None
