"""The schema: every table of the index, with the codecs of its keys and values.

Whatever belongs to one mailbox lies under one key, the mailbox's id, as sorted duplicates. LMDB
keeps the duplicates of a key as a B-tree of their own, so that each mailbox has small trees of its
own, its messages are counted without being read, and dropping it costs a few pages. A duplicate is
a key and a value in one: the part that it is looked up by comes first, big-endian where it is a
number, and 511 bytes is the most it may have. Facts are larger and so have keys of their own.

    meta       maps a name to an account-level value; names of the index's own begin with NUL
    mailboxes  maps a mailbox id to its row
    folders    maps a digest of a mailbox's path parts to its id
    messages   maps a mailbox id to (uid, modseq, mask) of each living message
    changes    maps a mailbox id to (modseq, uid, mask) of the same messages
    gone       maps a mailbox id to (modseq, uid) of each expunged message
    files      maps a mailbox id to (uid, length of the base name, b"cur/" or b"new/" and file name)
    bases      maps a mailbox id to (base name, b"/", uid)
    sizes      maps a mailbox id to (uid, size, internaldate, checksum) of the messages whose facts
               are known
    facts      maps (mailbox id, kind, uid) to a rendered fact and its checksum
    unseen     maps a mailbox id to the number of living messages without \\Seen

The index is disposable, so there is no migration: any change of this page raises VERSION, an index
of an older version is made anew, and one of a newer version is refused.

A client asks one thing of many messages. So the facts of one kind lie beside each other in the
order of UIDs, as they are sent: to answer is to go along them.

Most records say the same as others do, and damage shows in that. What stands nowhere else, rows,
sizes and facts, has a checksum.
"""

import hashlib
import json
import sys
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from struct import Struct
from typing import Any, Final
from zlib import crc32

import lmdb

from maildird.index.rows import FactKind, Facts, MailboxRow

_ROWS_REMEMBERED: Final = 256
"""Unpacked rows that are kept, of a KiB or two."""

VERSION: Final = b"3"
VERSION_KEY: Final = b"\0version"
LAST_ID_KEY: Final = b"\0last mailbox id"

_KEYED: Final[dict[str, bool]] = {}
_LISTS: Final = {"dupsort": True}
_RECORDS: Final = {"dupsort": True, "dupfixed": True}

_KINDS: Final = {
    "meta": _KEYED,
    "mailboxes": _KEYED,
    "folders": _KEYED,
    "messages": _RECORDS,
    "changes": _RECORDS,
    "gone": _RECORDS,
    "files": _LISTS,
    "bases": _LISTS,
    "sizes": _RECORDS,
    "facts": _KEYED,
    "unseen": _KEYED,
}


@dataclass(frozen=True, slots=True)
class Tables:
    """Handles of the open tables."""

    meta: "lmdb._Database"
    mailboxes: "lmdb._Database"
    folders: "lmdb._Database"
    messages: "lmdb._Database"
    changes: "lmdb._Database"
    gone: "lmdb._Database"
    files: "lmdb._Database"
    bases: "lmdb._Database"
    sizes: "lmdb._Database"
    facts: "lmdb._Database"
    unseen: "lmdb._Database"


TABLE_COUNT: Final = len(_KINDS)


def open_tables(
    environment: lmdb.Environment, creating: "lmdb.Transaction[bytes] | None" = None
) -> Tables:
    """The tables of `environment`, made in the transaction `creating` when there is one."""
    create = creating is not None
    return Tables(
        **{
            name: environment.open_db(name.encode("ascii"), txn=creating, create=create, **kind)
            for name, kind in _KINDS.items()
        }
    )


def read_version(environment: lmdb.Environment) -> bytes:
    """The version that an index is of; lmdb.NotFoundError when it is no index."""
    meta = environment.open_db(b"meta", create=False)
    with environment.begin() as transaction:
        return bytes(transaction.get(VERSION_KEY, b"?", db=meta))


NUMBER: Final = Struct(">Q")
"""A mailbox id, a UID or a count."""

RECORD: Final = Struct(">QQQ")
"""(uid, modseq, mask) of `messages`, (modseq, uid, mask) of `changes`."""

SIZE: Final = Struct(">QQq4xI")
"""(uid, size, internaldate, checksum) of `sizes`."""

TOMBSTONE: Final = Struct(">QQ")
"""(modseq, uid) of `gone`."""

FILE_HEAD: Final = Struct(">QB")
"""(uid, length of the base name), which stand before the name in `files`."""

BASE_AT: Final = FILE_HEAD.size + len(b"cur/")
"""Where the base name begins in `files`."""

LIST_KEY: Final = NUMBER
"""Key of what lies under a mailbox's id as duplicates."""

FACT_KEY: Final = Struct(">QBQ")
"""(mailbox id, kind, uid)."""

_CHECKSUM: Final = Struct(">I")

_ROW_FIELDS: Final = tuple(field.name for field in fields(MailboxRow))

_CHECKSUM_BEHIND: Final = Struct("<I")
"""A CRC-32 behind what it was made of, in the order of octets that leaves `SOUND`."""

SOUND: Final = 0x2144DF1C
"""The CRC-32 of anything that ends with its own, whatever it began with."""

_STRUCTURE_END: Final = b"\0"
"""Stands between BODYSTRUCTURE and BODY."""

BASE_END: Final = b"/"
"""Stands after a base name in `bases`; no file name holds it."""


def meta_key(name: str) -> bytes:
    """Key of an account-level value; `name` is any text but one that begins with NUL."""
    return name.encode("utf-8")


def folder_key(parts: tuple[str, ...]) -> bytes:
    """Key of a mailbox in `folders`: a digest, for the parts may be longer than a key."""
    spelled = json.dumps(parts).encode("ascii")
    return hashlib.blake2b(spelled, digest_size=32).digest()


def pack_mailbox(row: MailboxRow) -> bytes:
    """Value of `mailboxes`."""
    values = {name: getattr(row, name) for name in _ROW_FIELDS} | {"guid": row.guid.hex()}
    text = json.dumps(values, separators=(",", ":")).encode("ascii")
    return _CHECKSUM.pack(crc32(text)) + text


@lru_cache(_ROWS_REMEMBERED)
def unpack_mailbox(value: bytes) -> MailboxRow:
    """Inverse of `pack_mailbox`; lmdb.CorruptedError when the row is not what was packed.

    Every command looks at its mailbox's row, which mostly is what it was: to unpack one takes ten
    times as long as to find it among those that were unpacked last.
    """
    text = value[_CHECKSUM.size :]
    if value[: _CHECKSUM.size] != _CHECKSUM.pack(crc32(text)):
        raise lmdb.CorruptedError("the row of a mailbox is not what was written")
    fields: dict[str, Any] = json.loads(text)
    fields["guid"] = bytes.fromhex(fields["guid"])
    for name in ("parts", "identity", "mtimes", "keywords", "use"):
        fields[name] = tuple(fields[name])
    return MailboxRow(**fields)


def base_of(file: bytes) -> bytes:
    """The base name in a value of `files`."""
    _, length = FILE_HEAD.unpack_from(file)
    return file[BASE_AT : BASE_AT + length]


def pack_size(uid: int, size: int, internaldate: int) -> bytes:
    """Record of `sizes`."""
    record = SIZE.pack(uid, size, internaldate, 0)[: -_CHECKSUM_BEHIND.size]
    return record + _CHECKSUM_BEHIND.pack(crc32(record))


def sound_sizes(records: Sequence[bytes]) -> list[tuple[int, int] | None]:
    """(size, internaldate) out of records of `sizes`; None where one isn't what was packed."""
    return [
        SIZE.unpack(record)[1:3] if left == SOUND else None
        for record, left in zip(records, map(crc32, records), strict=True)
    ]


def pack_facts(uid: int, facts: Facts) -> Iterator[tuple[FactKind, bytes]]:
    """Values of `facts` by kind; they can't be taken for another message's."""
    structure = facts.bodystructure + _STRUCTURE_END + facts.body
    for kind, fact in zip(FactKind, (facts.envelope, structure, facts.header), strict=True):
        yield kind, pack_fact(uid, fact)


def pack_fact(uid: int, fact: bytes) -> bytes:
    """Value of `facts` of any kind."""
    return fact + _CHECKSUM_BEHIND.pack(crc32(fact, uid))


def sound_facts(values: Sequence[bytes], uids: Iterable[int]) -> list[bytes]:
    """The facts of one kind out of values of `facts`; empty where one isn't what was packed."""
    end = -_CHECKSUM_BEHIND.size
    return [
        value[:end] if left == SOUND else b""
        for value, left in zip(values, map(crc32, values, uids), strict=True)
    ]


def unpack_facts(uid: int, record: bytes, values: Sequence[bytes]) -> Facts | None:
    """Inverse of `pack_size` and `pack_facts`; None when one is not what was packed."""
    (size,) = sound_sizes([record])
    if size is None or any(crc32(value, uid) != SOUND for value in values):
        return None
    envelope, structure, header = sound_facts(values, [uid] * len(values))
    return Facts(
        size[1], size[0], envelope, body_of(structure), bodystructure_of(structure), header
    )


def bodystructure_of(structure: bytes) -> bytes:
    """BODYSTRUCTURE out of a fact of that kind."""
    return structure.partition(_STRUCTURE_END)[0]


def body_of(structure: bytes) -> bytes:
    """BODY out of the same."""
    return structure.partition(_STRUCTURE_END)[2]


def columns(records: memoryview, typecodes: str, size: int) -> list["array[int]"]:
    """The columns of records of 64-bit numbers, each record behind the 64-bit key it lies under.

    `typecodes` has one letter of `array` for each number that is wanted of a record: Q, or q where
    it is signed. `size` is the length of a record in octets.
    Goes through the records in pieces, which touches little fresh memory and so is twice as quick.
    """
    result = [array(typecode) for typecode in typecodes]
    stride = 1 + size // NUMBER.size
    piece = stride * NUMBER.size * 2048
    for start in range(0, len(records), piece):
        octets = bytes(records[start : start + piece])
        for field, column in enumerate(result, 1):
            column.extend(array(column.typecode, octets)[field::stride])
    if sys.byteorder == "little":
        for column in result:
            column.byteswap()
    return result
