"""`maildird-keywords`: the keywords of a folder's messages that have no letter in the file names.

Theory of operation. File names have room for 26 keywords. The others the index knows, and this
file, which outlives it. A message goes by its base name here, as it does in the uidlist, so that
its keywords stay with it whatever becomes of its UID. Lines are

    <keyword> <keyword> TAB <base name>/<base name>/.

and say that these messages have these keywords and no other letterless ones. The last line that
names a message counts; one that no line names has none. A message that went away may be named
still. Keywords have neither spaces nor tabs in them, and base names no slash; a message whose base
name has a newline can't be named.

A change is appended and synced, at a cost that follows the change. Each addition begins with a
newline, so that it stands by itself after a line that was cut short; such a line doesn't end as it
should, and is skipped. When the file has grown well beyond what it was when it was last written
anew, it is replaced by one that says what holds.

Whoever writes here knows by the `Position` that the file is as it was left, and says what holds
otherwise: nothing is ever appended to what is not known. Reading costs as much as the file is long,
and `MOST` octets at most. Lines that make no sense are skipped, and so is a file that is too long
or no file at all; the log says so.
"""

import errno
import io
import logging
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from maildird.maildir.folders import fsync_directory
from maildird.maildir.keywords import is_keyword
from maildird.maildir.naming import naming
from maildird.maildir.plain_files import open_regular, write_all
from maildird.maildir.replacing import replace_file
from maildird.terms.flags import MAX_KEYWORDS

logger = logging.getLogger(__name__)

FILE: Final = b"maildird-keywords"

MOST: Final = 1 << 25
"""Octets that the file has at most: the keywords of half a million messages."""

GROWTH: Final = 1 << 18
"""Octets by which it may exceed twice what it was when it was last written anew."""

_A_LINE: Final = 200
"""Messages that a line names at most."""

_LONGEST: Final = 1 << 22
"""Octets that a line has at most; a client can say much less."""

_TAB: Final = b"\t"
_END: Final = b"/."
_STRANGE: Final = frozenset({errno.EINVAL, errno.EISDIR, errno.EFBIG, errno.ELOOP, errno.ENXIO})

Keywords = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Position:
    """How the file was left: its inode and size, and its size when it was last written anew."""

    inode: int
    size: int
    anew: int


@dataclass(frozen=True, slots=True)
class Letterless:
    """What the file says: keywords by base name. `damaged` says that something was skipped."""

    keywords: Mapping[bytes, Keywords]
    damaged: bool


def read_letterless(folder: bytes, bases: Iterable[bytes]) -> Letterless | None:
    """What the folder's file says of the messages `bases`; None when there is none. OSError."""
    path = os.path.join(folder, FILE)
    wanted = frozenset(bases)
    found: dict[bytes, Keywords] = {}
    bad = 0
    try:
        with open_regular(path, os.O_RDONLY | os.O_NOFOLLOW, MOST) as file, naming(path):
            for line in _lines_in(file):
                parsed = _parse(line)
                if parsed is None:
                    bad += 1
                else:
                    keywords, named = parsed
                    found |= dict.fromkeys(wanted.intersection(named), keywords)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno not in _STRANGE:
            raise
        logger.warning("%s is left out: %s", os.fsdecode(path), error.strerror)
        return Letterless({}, damaged=True)
    if bad:
        logger.warning("%s has %d lines that make no sense; skipped", os.fsdecode(path), bad)
    return Letterless(found, damaged=bool(bad))


def is_as_left(folder: bytes, position: Position) -> bool:
    """Whether nothing happened to the folder's file since; OSError."""
    status = _stat(os.path.join(folder, FILE))
    if status is None or not stat.S_ISREG(status.st_mode):
        return False
    return (status.st_ino, status.st_size) == (position.inode, position.size)


def has_letterless(folder: bytes) -> bool:
    """Whether there is such a file, or anything else in its place."""
    return os.path.lexists(os.path.join(folder, FILE))


def append_letterless(
    folder: bytes, position: Position, changed: Mapping[Keywords, Sequence[bytes]]
) -> Position | None:
    """Say durably which messages have these keywords now, by base name; OSError, and then nothing.

    None when the file has to be written anew instead: it isn't as it was left, or has grown.
    """
    path = os.path.join(folder, FILE)
    octets = b"\n" + _lines(changed)
    size = position.size + len(octets)
    if size > min(2 * position.anew + GROWTH, MOST) or not is_as_left(folder, position):
        return None
    flags = os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW
    with naming(path), open_regular(path, flags) as file:
        try:
            write_all(file, octets)
            os.fsync(file.fileno())
        except OSError:
            with suppress(OSError):
                file.truncate(position.size)
            raise
    return Position(position.inode, size, position.anew)


def cut_letterless(folder: bytes, position: Position, before: Position) -> bool:
    """Take back what was appended to what the file was `before`; False when that can't be."""
    path = os.path.join(folder, FILE)
    try:
        if before.inode != position.inode or not is_as_left(folder, position):
            return False
        with open_regular(path, os.O_RDWR | os.O_NOFOLLOW) as file:
            file.truncate(before.size)
            os.fsync(file.fileno())
    except OSError:
        return False
    return True


def write_letterless(
    folder: bytes, keywords: Callable[[], Mapping[Keywords, Sequence[bytes]]]
) -> Position:
    """Have the folder's file say which messages have keywords, and nothing else; durably, OSError.

    `keywords` is asked once there is a file to write to.
    """
    path = os.path.join(folder, FILE)
    replace_file(path, lambda inode: _bounded(_lines(keywords())))
    status = os.lstat(path)
    return Position(status.st_ino, status.st_size, status.st_size)


def join_letterless(source: bytes, target: bytes, bases: Iterable[bytes]) -> None:
    """Have the target's file say what the source's says of messages, too; OSError.

    Where there is no such file in both, nothing happens.
    """
    if not (has_letterless(source) and has_letterless(target)):
        return
    bases = frozenset(bases)
    found: dict[bytes, Keywords] = {}
    for folder in (target, source):
        said = read_letterless(folder, bases)
        found |= said.keywords if said is not None else {}
    grouped: dict[Keywords, list[bytes]] = {}
    for base, names in found.items():
        grouped.setdefault(names, []).append(base)
    grouped.pop((), None)
    write_letterless(target, lambda: grouped)


def remove_letterless(folder: bytes) -> None:
    """No message of the folder has letterless keywords; OSError. What is no file stays."""
    path = os.path.join(folder, FILE)
    status = _stat(path)
    if status is not None and stat.S_ISREG(status.st_mode):
        os.unlink(path)
        fsync_directory(folder)


def _stat(path: bytes) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except FileNotFoundError:
        return None


def _lines(keywords: Mapping[Keywords, Sequence[bytes]]) -> bytes:
    """The lines that say so."""
    lines = []
    for names, bases in keywords.items():
        head = " ".join(names).encode("ascii") + _TAB
        named = [base for base in bases if b"\n" not in base]
        lines += [
            head + b"/".join(named[at : at + _A_LINE]) + _END + b"\n"
            for at in range(0, len(named), _A_LINE)
        ]
    return b"".join(lines)


def _bounded(octets: bytes) -> bytes:
    if len(octets) > MOST:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), os.fsdecode(FILE))
    return octets


def _lines_in(file: io.FileIO) -> Iterator[bytes]:
    """The lines of a file that are not empty; one that is too long comes as something else."""
    left = b""
    while octets := file.read(_LONGEST):
        *lines, left = (left + octets).split(b"\n")
        yield from filter(None, lines)
        if len(left) > _LONGEST:
            yield left[:1]
            left = b""
    if left:
        yield left


def _parse(line: bytes) -> tuple[Keywords, list[bytes]] | None:
    """The keywords in a line, and the messages that have them; None when it makes no sense."""
    head, tab, bases = line.partition(_TAB)
    words = head.split(b" ") if head else []
    if not tab or not bases.endswith(_END) or len(words) > MAX_KEYWORDS:
        return None
    if not all(map(is_keyword, words)):
        return None
    return tuple(word.decode("ascii") for word in words), bases[: -len(_END)].split(b"/")
