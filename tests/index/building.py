"""Rows for tests, and a way into the tables behind the index's back."""

import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import lmdb

from maildird.index.environment import Index
from maildird.index.rows import Facts, MailboxRow, NewMessage
from maildird.index.schema import TABLE_COUNT, Tables, open_tables
from maildird.index.seal import put_seal, stamp

INBOX = MailboxRow(
    id=0,
    parts=("INBOX",),
    uidvalidity=1_700_000_000,
    uidnext=10_000,
    highestmodseq=1_000,
    pruned_modseq=0,
    first_recent=1,
    guid=bytes(range(16)),
    identity=(2049, 12345),
    mtimes=(0, 0),
    keywords=("$Junk", "", "work"),
    use=(),
)

FACTS = Facts(internaldate=-5, size=77, envelope=b"(e)", body=b"", bodystructure=b"s", header=b"h")


def put(index: Index, row: MailboxRow = INBOX, **fields: Any) -> int:
    """Keep a mailbox; returns its id."""
    return index.write(lambda batch: batch.put_mailbox(replace(row, **fields))).id


def message(uid: int, modseq: int = 1, mask: int = 0, base: bytes | None = None) -> NewMessage:
    """A message in cur/."""
    base = b"%d.M1P2.host" % uid if base is None else base
    return NewMessage(uid, modseq, mask, b"cur/" + base + b":2,", base)


def behind_its_back(
    directory: bytes, change: Callable[["lmdb.Transaction[bytes]", Tables], object]
) -> None:
    """Change the tables of a closed index without the index, and seal it as if it were sound."""
    environment = lmdb.open(os.fsdecode(directory), max_dbs=TABLE_COUNT)
    tables = open_tables(environment)
    with environment.begin(write=True) as transaction:
        change(transaction, tables)
    environment.close()
    put_seal(directory, stamp(directory))
