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
    sizes      maps a mailbox id to (uid, size, internaldate) of the messages whose facts are known
    facts      maps (mailbox id, uid) to the rendered facts
    unseen     maps a mailbox id to the number of living messages without \\Seen

The index is disposable, so there is no migration: any change of this page raises VERSION, an index
of an older version is made anew, and one of a newer version is refused.

Most records say the same as others do, and damage shows in that. What stands nowhere else, rows and
facts, begins with a checksum.
"""

import hashlib
import json
import sys
from array import array
from dataclasses import asdict, dataclass
from itertools import accumulate
from struct import Struct
from typing import Any, Final
from zlib import crc32

import lmdb

from maildird.index.rows import Facts, MailboxRow

VERSION: Final = b"2"
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

SIZE: Final = Struct(">QQq")
"""(uid, size, internaldate) of `sizes`."""

TOMBSTONE: Final = Struct(">QQ")
"""(modseq, uid) of `gone`."""

FILE_HEAD: Final = Struct(">QB")
"""(uid, length of the base name), which stand before the name in `files`."""

SUBDIR_LENGTH: Final = len(b"cur/")
"""Where the base name begins in a name."""

_BASE_AT: Final = FILE_HEAD.size + SUBDIR_LENGTH

LIST_KEY: Final = NUMBER
"""Key of what lies under a mailbox's id as duplicates."""

FACTS_KEY: Final = Struct(">QQ")
"""(mailbox id, uid)."""

_CHECKSUM: Final = Struct(">I")

_FACTS_HEAD: Final = Struct(">IIII")
"""Checksum, and the lengths of the first three parts."""

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
    text = json.dumps(asdict(row) | {"guid": row.guid.hex()}, separators=(",", ":")).encode("ascii")
    return _CHECKSUM.pack(crc32(text)) + text


def unpack_mailbox(value: bytes) -> MailboxRow:
    """Inverse of `pack_mailbox`; lmdb.CorruptedError when the row is not what was packed."""
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
    return file[_BASE_AT : _BASE_AT + length]


def pack_facts(facts: Facts) -> bytes:
    """Value of `facts`; size and internaldate stand in `sizes`, and the checksum is theirs, too."""
    parts = facts.envelope, facts.body, facts.bodystructure, facts.header
    packed = _FACTS_HEAD.pack(0, *map(len, parts[:3])) + b"".join(parts)
    return (
        _CHECKSUM.pack(_checksum(packed, facts.size, facts.internaldate)) + packed[_CHECKSUM.size :]
    )


def facts_hold(value: bytes, size: int, internaldate: int) -> bool:
    """Whether facts are what was packed."""
    if len(value) < _FACTS_HEAD.size:
        return False
    return value.startswith(_CHECKSUM.pack(_checksum(value, size, internaldate)))


def _checksum(value: bytes, size: int, internaldate: int) -> int:
    return crc32(memoryview(value)[_CHECKSUM.size :], crc32(SIZE.pack(0, size, internaldate)))


def unpack_facts(value: bytes, size: int, internaldate: int) -> Facts:
    """Inverse of `pack_facts`."""
    _, *lengths = _FACTS_HEAD.unpack_from(value)
    envelope, body, bodystructure, header = accumulate(lengths, initial=_FACTS_HEAD.size)
    return Facts(
        internaldate,
        size,
        value[envelope:body],
        value[body:bodystructure],
        value[bodystructure:header],
        value[header:],
    )


def unpack_header(value: bytes) -> bytes:
    """The common header out of a value of `facts`."""
    return value[sum(_FACTS_HEAD.unpack_from(value)[1:], _FACTS_HEAD.size) :]


def columns(records: memoryview, typecodes: str) -> list["array[int]"]:
    """The columns of records of 64-bit numbers, each record behind the 64-bit key it lies under.

    `typecodes` has one letter of `array` for each number of a record: Q, or q where it is signed.
    Goes through the records in pieces, which touches little fresh memory and so is twice as quick.
    """
    result = [array(typecode) for typecode in typecodes]
    stride = 1 + len(typecodes)
    piece = stride * NUMBER.size * 2048
    for start in range(0, len(records), piece):
        octets = bytes(records[start : start + piece])
        for field, column in enumerate(result, 1):
            column.extend(array(column.typecode, octets)[field::stride])
    if sys.byteorder == "little":
        for column in result:
            column.byteswap()
    return result
