"""Reads: one short transaction, which sees the index as it was when it began.

A snapshot belongs to the thread that took it and to the `with` that holds it. What it returns is
copied out of the map and stays good; iterators are the exception, they end with the snapshot.
"""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from typing import Final

import lmdb

from maildird.index.rows import (
    Columns,
    FactKind,
    Facts,
    MailboxRow,
    MessageRow,
    Sizes,
    Tombstone,
)
from maildird.index.schema import (
    BASE_END,
    FACT_KEY,
    FILE_HEAD,
    LIST_KEY,
    NUMBER,
    RECORD,
    SIZE,
    TOMBSTONE,
    Tables,
    columns,
    folder_key,
    meta_key,
    sound_facts,
    sound_sizes,
    unpack_facts,
    unpack_mailbox,
)

_uid_ahead = NUMBER.unpack_from

FACTS_AT_ONCE: Final = 1 << 24
"""Octets of facts that are read in one piece; a hostile message has megabytes of them."""

_NO_MORE: Final = (b"\xff" * (FACT_KEY.size + 1), b"")
"""A key that sorts behind all others."""


class Snapshot:
    """What the index holds. `mailbox` is everywhere a mailbox's id; an unknown one has nothing."""

    def __init__(self, transaction: "lmdb.Transaction[bytes]", tables: Tables) -> None:
        self._transaction = transaction
        self._tables = tables

    def end(self) -> None:
        """Let go of the transaction, which is over.

        Else whoever holds the snapshot, an exception that is kept with its traceback say, keeps
        one of LMDB's few reader slots from all others.
        """
        del self._transaction

    @property
    def commit(self) -> int:
        """The number of the last commit that it sees, or of a batch's own; they rise."""
        return int(self._transaction.id())

    def meta(self, name: str) -> bytes | None:
        """An account-level value."""
        return self._transaction.get(meta_key(name), db=self._tables.meta)

    def mailboxes(self) -> list[MailboxRow]:
        """Every mailbox, by id."""
        rows = self._transaction.cursor(self._tables.mailboxes).iternext(keys=False, values=True)
        return [unpack_mailbox(row) for row in rows]

    def mailbox(self, mailbox: int) -> MailboxRow | None:
        """One mailbox by id."""
        row = self._transaction.get(NUMBER.pack(mailbox), db=self._tables.mailboxes)
        return None if row is None else unpack_mailbox(row)

    def mailbox_named(self, parts: tuple[str, ...]) -> MailboxRow | None:
        """One mailbox by its path parts."""
        found = self._transaction.get(folder_key(parts), db=self._tables.folders)
        return None if found is None else self.mailbox(NUMBER.unpack(found)[0])

    def columns(self, mailbox: int) -> Columns:
        """All messages; the quick way to read a whole mailbox."""
        return Columns(*self._columns(self._tables.messages, mailbox, "QQQ", RECORD.size))

    def message_count(self, mailbox: int) -> int:
        """How many messages there are; costs the same at any size."""
        return self._count(self._tables.messages, mailbox)

    def unseen_count(self, mailbox: int) -> int:
        """How many messages lack \\Seen; costs the same at any size."""
        count = self._transaction.get(NUMBER.pack(mailbox), db=self._tables.unseen)
        return 0 if count is None else int.from_bytes(count, "big")

    def count_from(self, mailbox: int, uid: int) -> int:
        """How many messages have a UID from `uid` up; costs O(answer), and nothing for all."""
        first = next(self._list_from(self._tables.messages, mailbox, b""), None)
        if first is None or _uid_ahead(first)[0] >= uid:
            return self.message_count(mailbox)
        return sum(1 for _ in self._list_from(self._tables.messages, mailbox, NUMBER.pack(uid)))

    def message(self, mailbox: int, uid: int) -> MessageRow | None:
        """One message; None when it isn't there (any more)."""
        record = self._record(self._tables.messages, mailbox, uid)
        return None if record is None else MessageRow(*RECORD.unpack(record))

    def messages(self, mailbox: int, uids: Iterable[int]) -> list[MessageRow]:
        """Those of `uids` that are there, in the order asked for."""
        records = self._records(self._tables.messages, mailbox, uids)
        return [MessageRow(*RECORD.unpack(record)) for record in records]

    def changed_since(self, mailbox: int, modseq: int) -> list[MessageRow]:
        """The messages whose MODSEQ is above `modseq`, by (modseq, uid); costs O(answer)."""
        changes = self._list_from(self._tables.changes, mailbox, NUMBER.pack(modseq + 1))
        return [MessageRow(uid, since, mask) for since, uid, mask in map(RECORD.unpack, changes)]

    def changed_backwards(self, mailbox: int) -> Iterator[MessageRow]:
        """The messages by (modseq, uid), the last one first; costs what is taken."""
        for record in self._list_back(self._tables.changes, mailbox):
            modseq, uid, mask = RECORD.unpack(record)
            yield MessageRow(uid, modseq, mask)

    def gone_since(self, mailbox: int, modseq: int) -> list[Tombstone]:
        """The tombstones whose MODSEQ is above `modseq`, by (modseq, uid); costs O(answer).

        Complete only from the mailbox's `pruned_modseq` on.
        """
        tombstones = self._list_from(self._tables.gone, mailbox, NUMBER.pack(modseq + 1))
        return [Tombstone(uid, since) for since, uid in map(TOMBSTONE.unpack, tombstones)]

    def gone_backwards(self, mailbox: int) -> Iterator[Tombstone]:
        """The tombstones by (modseq, uid), the last one first; costs what is taken."""
        for record in self._list_back(self._tables.gone, mailbox):
            modseq, uid = TOMBSTONE.unpack(record)
            yield Tombstone(uid, modseq)

    def tombstone_count(self, mailbox: int) -> int:
        """How many tombstones there are; costs the same at any size."""
        return self._count(self._tables.gone, mailbox)

    def name(self, mailbox: int, uid: int) -> bytes | None:
        """b"cur/" or b"new/" and the file name that a message was last seen under."""
        record = self._record(self._tables.files, mailbox, uid)
        return None if record is None else record[FILE_HEAD.size :]

    def names(self, mailbox: int) -> Iterator[tuple[int, bytes]]:
        """Every (uid, name), by uid; in a batch, read them all before writing."""
        for record in self._list_from(self._tables.files, mailbox, b""):
            yield _uid_ahead(record)[0], record[FILE_HEAD.size :]

    def names_of(self, mailbox: int, uids: Iterable[int]) -> dict[int, bytes]:
        """The names of those of `uids` that are there, as `name` gives them, in the same order."""
        records = self._records(self._tables.files, mailbox, uids)
        return {_uid_ahead(record)[0]: record[FILE_HEAD.size :] for record in records}

    def all_names(self, mailbox: int) -> set[bytes]:
        """The names alone; quicker than `names`."""
        files = self._list_from(self._tables.files, mailbox, b"")
        return {record[FILE_HEAD.size :] for record in files}

    def uid_of(self, mailbox: int, base: bytes) -> int | None:
        """The living message of that base name."""
        record = self._first_with(self._tables.bases, mailbox, base + BASE_END)
        return (
            None if record is None else int.from_bytes(record[len(base) + len(BASE_END) :], "big")
        )

    def facts(self, mailbox: int, uid: int) -> Facts | None:
        """What was computed from a message's content; None when it hasn't been yet, or is lost."""
        record = self._record(self._tables.sizes, mailbox, uid)
        if record is None:
            return None
        keys = [FACT_KEY.pack(mailbox, kind, uid) for kind in FactKind]
        values = [self._transaction.get(key, db=self._tables.facts) for key in keys]
        known = [value for value in values if value is not None]
        return unpack_facts(uid, record, known) if len(known) == len(keys) else None

    def facts_of_kind(
        self, mailbox: int, kind: FactKind, uids: Sequence[int], most: int = FACTS_AT_ONCE
    ) -> list[bytes]:
        """One kind of facts of the first of `uids`, which rise; empty where it isn't known.

        It speaks of all of them, unless that is more than `most` octets. Takes some 0.3 us for
        each where most of them lie beside each other.
        """
        cursor = self._transaction.cursor(self._tables.facts)
        walk: Iterator[tuple[bytes, bytes]] = iter(())
        values: list[bytes] = []
        octets = 0
        found, value = b"", b""
        for key in map(FACT_KEY.pack, repeat(mailbox), repeat(kind), uids):
            if found < key:
                found, value = next(walk, (b"", b""))
                if found < key:
                    walk = cursor.iternext() if cursor.set_range(key) else iter(())
                    found, value = next(walk, _NO_MORE)
            values.append(value if found == key else b"")
            octets += len(values[-1])
            if octets > most:
                break
        return sound_facts(values, uids[: len(values)])

    def sizes_of(self, mailbox: int, uids: Iterable[int]) -> list[tuple[int, int] | None]:
        """(size, internaldate) of each of `uids`, which rise; None where it isn't known."""
        cursor = self._transaction.cursor(self._tables.sizes)
        key = LIST_KEY.pack(mailbox)
        walk: Iterator[bytes] = iter(())
        records: list[bytes] = []
        found = b""
        for uid in map(NUMBER.pack, uids):
            if found < uid:
                found = next(walk, b"")
                if found < uid:
                    there = cursor.set_range_dup(key, uid)
                    walk = cursor.iternext_dup() if there else iter(())
                    found = next(walk, _NO_MORE[0])
            records.append(found if found.startswith(uid) else b"")
        return sound_sizes(records)

    def facts_count(self, mailbox: int) -> int:
        """How many messages' facts are known; costs the same at any size."""
        return self._count(self._tables.sizes, mailbox)

    def sizes(self, mailbox: int) -> Sizes:
        """Sizes and dates of all messages whose facts are known, read as quickly as `columns`."""
        return Sizes(*self._columns(self._tables.sizes, mailbox, "QQq", SIZE.size))

    def keys(self, table: str) -> Iterator[bytes]:
        """The keys of a table of the schema, each once; for `check`."""
        cursor = self._transaction.cursor(getattr(self._tables, table))
        return cursor.iternext_nodup(keys=True, values=False)

    def changes(self, mailbox: int) -> tuple["array[int]", "array[int]", "array[int]"]:
        """MODSEQs, UIDs and masks in columns, as `changes` has them; for `check`."""
        modseqs, uids, masks = self._columns(self._tables.changes, mailbox, "QQQ", RECORD.size)
        return modseqs, uids, masks

    def raw_facts(self) -> Iterator[tuple[bytes, bytes]]:
        """All keys and values of `facts`; for `check`."""
        return self._transaction.cursor(self._tables.facts).iternext()

    def records(self, table: str, mailbox: int) -> Iterator[bytes]:
        """What a table of the schema has under a mailbox's id, as it lies there; for `check`."""
        return self._list_from(getattr(self._tables, table), mailbox, b"")

    def _columns(
        self, table: "lmdb._Database", mailbox: int, typecodes: str, size: int
    ) -> list["array[int]"]:
        """The columns of all records of a mailbox, each of so many octets."""
        records = self._transaction.cursor(table).getmulti(
            (LIST_KEY.pack(mailbox),), dupdata=True, dupfixed_bytes=size, keyfixed=True
        )
        return columns(records, typecodes, size)

    def _list_from(self, table: "lmdb._Database", mailbox: int, start: bytes) -> Iterator[bytes]:
        """The duplicates of a mailbox that don't sort below `start`."""
        cursor = self._transaction.cursor(table)
        key = LIST_KEY.pack(mailbox)
        there = cursor.set_range_dup(key, start) if start else cursor.set_key(key)
        return cursor.iternext_dup() if there else iter(())

    def _list_back(self, table: "lmdb._Database", mailbox: int) -> Iterator[bytes]:
        """The duplicates of a mailbox, the last one first."""
        cursor = self._transaction.cursor(table)
        if not cursor.set_key(LIST_KEY.pack(mailbox)):
            return iter(())
        cursor.last_dup()
        return cursor.iterprev_dup()

    def _first_with(self, table: "lmdb._Database", mailbox: int, prefix: bytes) -> bytes | None:
        """The first duplicate of a mailbox that begins with `prefix`."""
        cursor = self._transaction.cursor(table)
        if not cursor.set_range_dup(LIST_KEY.pack(mailbox), prefix):
            return None
        found = cursor.value()
        return found if found.startswith(prefix) else None

    def _record(self, table: "lmdb._Database", mailbox: int, uid: int) -> bytes | None:
        return self._first_with(table, mailbox, NUMBER.pack(uid))

    def _records(
        self, table: "lmdb._Database", mailbox: int, uids: Iterable[int]
    ) -> Iterator[bytes]:
        """The records that begin with these UIDs, of those that there are."""
        key, cursor = LIST_KEY.pack(mailbox), self._transaction.cursor(table)
        for packed in map(NUMBER.pack, uids):
            if cursor.set_range_dup(key, packed):
                record = cursor.value()
                if record.startswith(packed):
                    yield record

    def _count(self, table: "lmdb._Database", mailbox: int) -> int:
        cursor = self._transaction.cursor(table)
        return cursor.count() if cursor.set_key(LIST_KEY.pack(mailbox)) else 0
