"""UID lists: which UID each base name has, as Dovecot and Courier keep it in a folder.

Theory of operation. Dovecot's `dovecot-uidlist` of version 3 is lines of text. The first is

    3 V<uidvalidity> N<next uid> G<128-bit guid in hex> …

with fields in any order; fields that a reader doesn't know are kept by whoever writes the file
anew. One such field is ours: `M`, the highest MODSEQ that was told. Each following line is

    <uid> [<fields>] :<file name>

where the name may be out of date after the base name. Version 1, which Courier's
`courierimapuiddb` has too, is `1 <uidvalidity> <next uid>` and lines `<uid> <file name>`.

Lines are appended while a lock is held; a reader takes UIDs at or above N as raising it. A line
that makes no sense ends the reading: what stands above it is good, what follows lost its meaning.
"""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from maildird.maildir.dotlock import uidlist_locked
from maildird.maildir.names import base_name
from maildird.maildir.replacing import replace_file

DOVECOT: Final = b"dovecot-uidlist"
COURIER: Final = b"courierimapuiddb"

Stamp = tuple[int, int, int]
LineParser = Callable[[bytes], "UidEntry | None"]


@dataclass(frozen=True, slots=True)
class UidEntry:
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

    `extra` are the header's other fields, verbatim.
    """

    uidvalidity: int
    next_uid: int
    guid: bytes = b""
    modseq: int = 0
    extra: tuple[bytes, ...] = ()
    entries: tuple[UidEntry, ...] = ()


def read_uidlist(folder: bytes) -> UidList | None:
    """The folder's list: Dovecot's, else Courier's; None when there is none that can be read."""
    for name in (DOVECOT, COURIER):
        try:
            with open(os.path.join(folder, name), "rb") as file:
                lines = file.read().split(b"\n")
        except FileNotFoundError:
            continue
        uidlist = _parse(lines)
        if uidlist is not None:
            return uidlist
    return None


def uidlist_stamp(folder: bytes) -> Stamp | None:
    """Changes when Dovecot's list does; None when there is none."""
    try:
        status = os.stat(os.path.join(folder, DOVECOT))
    except FileNotFoundError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def write_uidlist(folder: bytes, uidlist: UidList) -> None:
    """Replace the folder's list; Refused (INUSE) when another program holds its lock."""
    header = [
        b"3",
        b"V%d" % uidlist.uidvalidity,
        b"N%d" % uidlist.next_uid,
        b"G" + uidlist.guid.hex().encode("ascii"),
        b"M%d" % uidlist.modseq,
        *uidlist.extra,
    ]
    lines = [b" ".join(header), *map(_line, uidlist.entries), b""]
    with uidlist_locked(folder):
        replace_file(os.path.join(folder, DOVECOT), b"\n".join(lines))


def append_entries(folder: bytes, entries: Iterable[UidEntry]) -> None:
    """Add lines to a list that is there; Refused (INUSE) as for `write_uidlist`."""
    lines = b"".join(_line(entry) + b"\n" for entry in entries)
    with uidlist_locked(folder):
        descriptor = os.open(os.path.join(folder, DOVECOT), os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
        with open(descriptor, "r+b", buffering=0) as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 1))
            if file.read(1) != b"\n":
                lines = b"\n" + lines
            file.write(lines)


def _line(entry: UidEntry) -> bytes:
    if entry.fields:
        return b"%d %s :%s" % (entry.uid, entry.fields, entry.name)
    return b"%d :%s" % (entry.uid, entry.name)


def _parse(lines: list[bytes]) -> UidList | None:
    version, _, header = lines[0].partition(b" ")
    try:
        if version == b"3":
            return _with_entries(_parse_header(header), lines[1:], _parse_line)
        if version == b"1":
            uidvalidity, next_uid = map(int, header.split())
            return _with_entries(UidList(uidvalidity, next_uid), lines[1:], _parse_old_line)
    except ValueError:
        pass
    return None


def _parse_header(header: bytes) -> UidList:
    """ValueError when a number is missing or is none."""
    numbers = {b"V": 0, b"N": 0, b"M": 0}
    guid = b""
    extra = []
    for word in header.split():
        key, value = word[:1], word[1:]
        if key in numbers:
            numbers[key] = int(value)
        elif key == b"G":
            guid = bytes.fromhex(value.decode("ascii"))
        else:
            extra.append(word)
    if not 0 < numbers[b"V"] < 1 << 32 or numbers[b"N"] < 1:
        raise ValueError("the header has no UIDVALIDITY or no next UID")
    return UidList(
        numbers[b"V"], numbers[b"N"], guid if len(guid) == 16 else b"", numbers[b"M"], tuple(extra)
    )


def _with_entries(header: UidList, lines: list[bytes], parse: LineParser) -> UidList:
    entries = []
    last = 0
    for line in lines:
        entry = parse(line) if line else None
        if entry is None or not last < entry.uid < 1 << 32:
            break
        entries.append(entry)
        last = entry.uid
    return UidList(
        header.uidvalidity,
        max(header.next_uid, last + 1),
        header.guid,
        header.modseq,
        header.extra,
        tuple(entries),
    )


def _parse_line(line: bytes) -> UidEntry | None:
    left, colon, name = line.partition(b" :")
    uid, _, fields = left.partition(b" ")
    if not colon or not uid.isdigit() or not name:
        return None
    return UidEntry(int(uid), fields, name)


def _parse_old_line(line: bytes) -> UidEntry | None:
    uid, _, name = line.partition(b" ")
    if not uid.isdigit() or not name:
        return None
    return UidEntry(int(uid), b"", name)
