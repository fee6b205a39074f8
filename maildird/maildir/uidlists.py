"""UID lists: which UID each base name has, as Dovecot and Courier keep it in a folder.

Theory of operation. Dovecot's `dovecot-uidlist` of version 3 is lines of text. The first is

    3 V<uidvalidity> N<next uid> G<128-bit guid in hex> …

with fields in any order; fields that a reader doesn't know are kept by whoever writes the file
anew. One such field is ours: `M`, the HIGHESTMODSEQ when it was written. Each following line is

    <uid> [<fields>] :<file name>

where the name may be out of date after the base name. Version 1, which Courier's
`courierimapuiddb` has too, is `1 <uidvalidity> <next uid>` and lines `<uid> <file name>`.

Anybody reads without a lock, so a line is good when its newline is there. UIDs rise from line to
line, and may rise above N, which then counts as raised. Dovecot throws a list away in which they
don't. We skip what makes no sense and read on, for each good line says its UID itself: a message
whose line was lost gets a new UID, above all others.

Writers hold the lock. A delivery appends one line; what can't be appended is written anew. N never
goes down, for another server may have given those UIDs to messages that are gone.
"""

import io
import logging
import os
import re
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from maildird.maildir.dotlock import uidlist_locked
from maildird.maildir.names import INFO, base_name
from maildird.maildir.naming import naming
from maildird.maildir.plain_files import open_regular, read_regular
from maildird.maildir.replacing import replace_file
from maildird.terms.numbers import HIGHEST_MODSEQ, HIGHEST_UID

logger = logging.getLogger(__name__)

DOVECOT: Final = b"dovecot-uidlist"
COURIER: Final = b"courierimapuiddb"

Stamp = tuple[int, int, int]

_TAIL: Final = 4096
"""Octets in which the last line of a list surely begins: names have 255, fields few."""

_HEADER_1: Final = re.compile(rb"1 (\d{1,10}) (\d{1,10})")
_GUID: Final = re.compile(rb"[0-9a-fA-F]{32}")


class UidEntry(NamedTuple):
    """One message; `fields` are what stands between UID and name, as it stands there."""

    uid: int
    fields: bytes
    name: bytes

    @property
    def base(self) -> bytes:
        """The base name, by which entries are found."""
        return base_name(self.name)


@dataclass(frozen=True, slots=True)
class UidList:
    """A whole list, UIDs rising. `guid` is empty and `modseq` 0 where the file has none.

    `extra` are the header's other fields, verbatim. `damaged` says that lines were skipped.
    """

    uidvalidity: int
    next_uid: int
    guid: bytes = b""
    modseq: int = 0
    extra: tuple[bytes, ...] = ()
    entries: tuple[UidEntry, ...] = ()
    damaged: bool = False

    @property
    def by_base(self) -> dict[bytes, int]:
        """The UID of each base name; goes through all entries."""
        return {entry.name.rsplit(INFO, 1)[0]: entry.uid for entry in self.entries}


def read_uidlist(folder: bytes) -> UidList | None:
    """The folder's list: Dovecot's, else Courier's; None when there is none that can be read.

    A list of Dovecot's that is damaged hides Courier's, which is older: its UIDs may have been
    given to other messages since. Lines that are skipped are said in the log. OSError.
    """
    for name in (DOVECOT, COURIER):
        path = os.path.join(folder, name)
        try:
            lines = read_regular(path).split(b"\n")[:-1]
        except FileNotFoundError:
            continue
        header = _parse_header(lines[0]) if lines else None
        return _with_entries(header, lines, path) if header is not None else None
    return None


def read_headless_uidlist(folder: bytes, header: UidList) -> UidList:
    """Dovecot's list, of which only lines can be read, below a `header` known otherwise; OSError.

    Its `next_uid` lies above the lines' UIDs, too.
    """
    path = os.path.join(folder, DOVECOT)
    try:
        lines = read_regular(path).split(b"\n")[:-1]
    except FileNotFoundError:
        return header
    return _with_entries(header, [b"", *lines], path)


def has_uidlist(folder: bytes) -> bool:
    """Whether there is a list of either kind, be it damaged."""
    return any(os.path.lexists(os.path.join(folder, name)) for name in (DOVECOT, COURIER))


def read_uidlist_header(folder: bytes) -> UidList | None:
    """Dovecot's list without its entries; None when there is none that can be read. OSError.

    Its `next_uid` lies above the last line's UID; it is `damaged` when that makes no sense. Costs
    the same at any size.
    """
    try:
        with open_regular(os.path.join(folder, DOVECOT)) as file:
            first = _first_line(file)
            line, _end = _last_line(file)
    except FileNotFoundError:
        return None
    header = _parse_header(first)
    if header is None or line == first:
        return header
    last = _parse_line(line)
    if last is None or last.uid >= HIGHEST_UID:
        return replace(header, damaged=True)
    return replace(header, next_uid=max(header.next_uid, last.uid + 1))


def uidlist_stamp(folder: bytes) -> Stamp | None:
    """Changes when Dovecot's list does; None when there is none."""
    try:
        status = os.stat(os.path.join(folder, DOVECOT))
    except FileNotFoundError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def uidlist_age(folder: bytes) -> int | None:
    """Seconds since the list that `read_uidlist` reads was written; None when there is none."""
    for name in (DOVECOT, COURIER):
        with suppress(FileNotFoundError):
            written = os.stat(os.path.join(folder, name)).st_mtime
            return max(0, int(time.time() - written))
    return None


def write_uidlist(folder: bytes, uidlist: UidList, *, keep_old: bool = False) -> None:
    """Replace the folder's list; Refused (INUSE) when another program holds its lock, OSError.

    `keep_old` keeps the file that was there, for somebody to repair, under another name.
    """
    path = os.path.join(folder, DOVECOT)
    with uidlist_locked(folder):
        if keep_old:
            _set_aside(path)
        next_uid = max(uidlist.next_uid, _next_uid_in(path, uidlist.uidvalidity))
        header = [
            b"3 V%d N%d M%d" % (uidlist.uidvalidity, next_uid, uidlist.modseq),
            *([b"G" + uidlist.guid.hex().encode("ascii")] if uidlist.guid else []),
            *uidlist.extra,
        ]
        replace_file(path, b" ".join(header) + b"\n" + _lines(uidlist.entries))


def append_entries(folder: bytes, entries: Iterable[UidEntry]) -> bool:
    """Add lines to the folder's list; False when it has to be written anew instead.

    That is so when there is none of version 3, or when it has come as far as `entries` already.
    So it is, too, when a full disk took only a part of them. What a writer that died left
    unfinished at its end is cut off. Refused (INUSE), OSError.
    """
    rising = sorted(entries, key=lambda entry: entry.uid)
    path = os.path.join(folder, DOVECOT)
    with uidlist_locked(folder):
        try:
            with open_regular(path, os.O_RDWR) as file:
                last = _last_uid(file)
                if last is None or (rising and rising[0].uid <= last):
                    return False
                lines = _lines(rising)
                with naming(path):
                    return file.write(lines) == len(lines)
        except FileNotFoundError:
            return False


def _lines(entries: Sequence[UidEntry]) -> bytes:
    """The lines for `entries`; a file name with a newline can't stand in a list."""
    lines = bytearray()
    for entry in entries:
        if b"\n" not in entry.name:
            fields = entry.fields and b" %s" % entry.fields
            lines += b"%d%s :%s\n" % (entry.uid, fields, entry.name)
    return bytes(lines)


def _last_uid(file: io.FileIO) -> int | None:
    """The UID of the last whole line (0 for none), None if this is no list of version 3.

    Leaves the file at its end, which is then the end of that line.
    """
    beginning = file.read(2)
    line, end = _last_line(file)
    if beginning != b"3 " or not end:
        return None
    if end < file.seek(0, os.SEEK_END):
        file.truncate(end)
    file.seek(end)
    entry = _parse_line(line)
    if entry is not None:
        return entry.uid
    return 0 if _parse_header(line) is not None else None


def _first_line(file: io.FileIO) -> bytes:
    """The first whole line, without its newline; nothing when there is none."""
    return file.read(_TAIL).rpartition(b"\n")[0].partition(b"\n")[0]


def _last_line(file: io.FileIO) -> tuple[bytes, int]:
    """The last whole line, and where the next one begins; nothing and 0 when there is none."""
    size = file.seek(0, os.SEEK_END)
    start = max(0, size - _TAIL)
    file.seek(start)
    tail = file.read()
    end = tail.rfind(b"\n") + 1
    return (tail[:end].split(b"\n")[-2], start + end) if end else (b"", 0)


def _set_aside(path: bytes) -> None:
    """Keep a file that is about to be replaced; there may be none."""
    kept = b"%s.damaged-%d" % (path, time.time())
    with suppress(FileNotFoundError, FileExistsError):
        os.link(path, kept)
        logger.warning("what was in %s is kept as %s", os.fsdecode(path), os.fsdecode(kept))


def _next_uid_in(path: bytes, uidvalidity: int) -> int:
    """The N of the list that is there, if it is of the same UIDVALIDITY; else 1."""
    try:
        with open_regular(path) as file:
            header = _parse_header(_first_line(file))
    except FileNotFoundError:
        return 1
    return header.next_uid if header is not None and header.uidvalidity == uidvalidity else 1


def _parse_header(line: bytes) -> UidList | None:
    old = _HEADER_1.fullmatch(line)
    if old is not None:
        header = UidList(int(old[1]), int(old[2]))
    elif line.startswith(b"3 "):
        header = _parse_fields(line[2:].split())
    else:
        return None
    valid = 0 < header.uidvalidity < HIGHEST_UID and 0 < header.next_uid <= HIGHEST_UID
    return header if valid else None


def _parse_fields(words: Sequence[bytes]) -> UidList:
    """A header's fields; a number or GUID that makes no sense counts as none."""
    numbers = {b"V": 0, b"N": 0, b"M": 0}
    guid = b""
    extra = []
    for word in words:
        key, value = word[:1], word[1:]
        if key in numbers:
            number = int(value) if value.isdigit() and len(value) < 20 else 0
            numbers[key] = number if number <= HIGHEST_MODSEQ else 0
        elif key == b"G":
            guid = bytes.fromhex(value.decode("ascii")) if _GUID.fullmatch(value) else b""
        else:
            extra.append(word)
    return UidList(numbers[b"V"], numbers[b"N"], guid, numbers[b"M"], tuple(extra))


def _with_entries(header: UidList, lines: Sequence[bytes], path: bytes) -> UidList:
    parse = _parse_old_line if lines[0].startswith(b"1 ") else _parse_line
    entries: list[UidEntry] = []
    last = bad = 0
    for line in lines[1:]:
        entry = parse(line)
        if entry is None or not last < entry.uid < HIGHEST_UID:
            bad += 1
            continue
        entries.append(entry)
        last = entry.uid
    if bad:
        logger.warning("%s has %d lines that make no sense; skipped", os.fsdecode(path), bad)
    return replace(
        header,
        next_uid=max(header.next_uid, last + 1),
        entries=tuple(entries),
        damaged=bool(bad),
    )


def _parse_line(line: bytes) -> UidEntry | None:
    """A line of version 3, None when it makes no sense."""
    left, _colon, name = line.partition(b" :")
    uid, _space, fields = left.partition(b" ")
    return UidEntry(int(uid), fields, name) if _is_uid(uid) and _is_name(name) else None


def _parse_old_line(line: bytes) -> UidEntry | None:
    """A line of version 1, None when it makes no sense."""
    uid, _space, name = line.partition(b" ")
    return UidEntry(int(uid), b"", name) if _is_uid(uid) and _is_name(name) else None


def _is_uid(word: bytes) -> bool:
    return word.isdigit() and len(word) <= 10


def _is_name(name: bytes) -> bool:
    return bool(name) and b"/" not in name
