"""What clients were told of a folder at most, in a small file of its own: `maildird-told`.

Theory of operation. Whoever lost the index still has to know which UIDs and MODSEQs are used up,
also those of messages that are gone. The uidlist can't say: it is written behind the turns, under a
lock that others hold, and costs O(mailbox). So a server *promises*, before it tells anybody, that
it will stay below certain numbers, and promises more before it goes on. Lines of this file are

    V<uidvalidity> N<uid> M<modseq> G<128-bit guid in hex> promised

and say: no UID from N up was told to anybody, and no MODSEQ above M. A server that ends in order
says `exact` instead: N is UIDNEXT and M is HIGHESTMODSEQ.

The last whole line counts. A line is appended and synced, which a full disk mostly has room for,
and cut short by a crash it was not relied on yet; each begins with a newline, so that it stands by
itself after a line that was cut short, which is told by its last word. A file that has grown to
`_LONGEST` octets is replaced. One server at a time writes here, the one that holds the index;
others leave the file alone.
"""

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from maildird.maildir.folders import fsync_directory
from maildird.maildir.naming import naming
from maildird.maildir.replacing import replace_file

FILE: Final = b"maildird-told"

_LONGEST: Final = 4000
_LINE: Final = re.compile(rb"V(\d{1,10}) N(\d{1,10}) M(\d{1,19}) G([0-9a-f]{32}) (promised|exact)")


@dataclass(frozen=True, slots=True)
class Told:
    """UIDs below `next_uid` and MODSEQs up to `modseq` may have been told; `exact`, they were."""

    uidvalidity: int
    next_uid: int
    modseq: int
    guid: bytes
    exact: bool = False


def read_told(folder: bytes) -> Told | None:
    """What the folder's file says last; None when there is none, or nothing in it. OSError."""
    try:
        with open(os.path.join(folder, FILE), "rb") as file:
            lines = file.read(2 * _LONGEST).split(b"\n")[:-1]
    except FileNotFoundError:
        return None
    match = next(filter(None, map(_LINE.fullmatch, reversed(lines))), None)
    if match is None:
        return None
    uidvalidity, next_uid, modseq = map(int, match.group(1, 2, 3))
    return Told(
        uidvalidity, next_uid, modseq, bytes.fromhex(match[4].decode()), match[5] == b"exact"
    )


def write_told(folder: bytes, told: Told) -> None:
    """Say so from now on, durably; OSError, and then what was said before holds."""
    path = os.path.join(folder, FILE)
    line = b"V%d N%d M%d G%s %s" % (
        told.uidvalidity,
        told.next_uid,
        told.modseq,
        told.guid.hex().encode("ascii"),
        b"exact" if told.exact else b"promised",
    )
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
    with naming(path), open(os.open(path, flags, 0o600), "ab") as file:
        size = os.fstat(file.fileno()).st_size
        if size < _LONGEST:
            file.write(b"\n" + line + b"\n")
            file.flush()
            os.fsync(file.fileno())
    if size >= _LONGEST:
        replace_file(path, line + b"\n")
    elif not size:
        fsync_directory(folder)


def remove_told(folder: bytes) -> None:
    """Nothing was told of the folder after all: it is unmade."""
    with suppress(OSError):
        os.unlink(os.path.join(folder, FILE))
