"""Writes: everything that one transaction does to the index.

A batch keeps the tables in step with each other (`check` says in what way); what the numbers mean
is the caller's business. So the caller allots UIDs and mod-sequences and puts the mailbox's row
with the new `uidnext` and `highestmodseq` in the same batch. Requests that would break the tables
are mistakes in the code and raise ValueError or KeyError, upon which the whole batch is undone.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import repeat
from operator import lt
from typing import Final

import lmdb

from maildird.index.rows import FactKind, Facts, MailboxRow, MessageRow, NewMessage
from maildird.index.schema import (
    BASE_AT,
    BASE_END,
    FACT_KEY,
    FILE_HEAD,
    LAST_ID_KEY,
    LIST_KEY,
    NUMBER,
    RECORD,
    TOMBSTONE,
    base_of,
    folder_key,
    meta_key,
    pack_fact,
    pack_facts,
    pack_mailbox,
    pack_size,
)
from maildird.index.snapshots import Snapshot
from maildird.terms.flags import SEEN

_FACTS_COPIED_AT_ONCE: Final = 500
"""Messages whose facts are in memory together; they have a kilobyte each, and may have more."""


class Batch(Snapshot):
    """A write transaction; its reads see what it has written."""

    def put_meta(self, name: str, value: bytes) -> None:
        """Keep an account-level value."""
        self._transaction.put(meta_key(name), value, db=self._tables.meta)

    def drop_meta(self, name: str) -> None:
        """Forget an account-level value, if there is one."""
        self._transaction.delete(meta_key(name), db=self._tables.meta)

    def put_mailbox(self, row: MailboxRow) -> MailboxRow:
        """Keep a mailbox's row, as a new mailbox's if its id is 0; returns what is kept.

        Of two values of `pruned_modseq`, the row's and the one that was kept, the higher stays:
        `prune` may have moved it since the row was read.
        """
        if row.id:
            kept = self._expect_mailbox(row.id)
            _refuse_going_back(row, kept)
            row = replace(row, pruned_modseq=max(row.pruned_modseq, kept.pruned_modseq))
        else:
            kept = None
            row = replace(row, id=self._next_id())
        self._put_folder(row, kept)
        self._transaction.put(NUMBER.pack(row.id), pack_mailbox(row), db=self._tables.mailboxes)
        return row

    def drop_mailbox(self, mailbox: int) -> None:
        """Forget a mailbox and all that belongs to it, tombstones too."""
        row = self._expect_mailbox(mailbox)
        tables = self._tables
        self._drop_all_facts(mailbox)
        self._transaction.delete(folder_key(row.parts), db=tables.folders)
        self._transaction.delete(NUMBER.pack(mailbox), db=tables.mailboxes)
        self._transaction.delete(NUMBER.pack(mailbox), db=tables.unseen)
        for table in (
            tables.messages,
            tables.changes,
            tables.gone,
            tables.files,
            tables.bases,
            tables.sizes,
        ):
            self._transaction.delete(LIST_KEY.pack(mailbox), db=table)

    def add(self, mailbox: int, uid: int, modseq: int, mask: int, name: bytes, base: bytes) -> None:
        """Add a message; `name` and `base` as in NewMessage."""
        self.add_many(mailbox, (NewMessage(uid, modseq, mask, name, base),))

    def add_many(self, mailbox: int, messages: Sequence[NewMessage]) -> None:
        """Add messages whose UIDs rise."""
        self.add_columns(
            mailbox,
            [message.uid for message in messages],
            [message.modseq for message in messages],
            [message.mask for message in messages],
            [message.name for message in messages],
            [message.base for message in messages],
        )

    def add_columns(
        self,
        mailbox: int,
        uids: Sequence[int],
        modseqs: Sequence[int],
        masks: Sequence[int],
        names: Sequence[bytes],
        bases: Sequence[bytes],
    ) -> None:
        """As `add_many`; quickest by the thousand and into an empty mailbox.

        Each table is filled column by column and in its own order, so that every record lands
        beside the last.
        """
        self._expect_mailbox(mailbox)
        self._refuse_clashes(mailbox, uids, bases)
        files = list(map(bytes.__add__, map(FILE_HEAD.pack, uids, map(len, bases)), names))
        if not all(map(bytes.startswith, files, bases, repeat(BASE_AT))):
            raise ValueError(f"a name for mailbox {mailbox} doesn't begin with its base name")
        numbers = map(NUMBER.pack, uids)
        ended_bases = map(BASE_END.join, zip(bases, numbers, strict=True))
        tables = self._tables
        self._put_all(tables.messages, mailbox, map(RECORD.pack, uids, modseqs, masks))
        self._put_all(tables.changes, mailbox, map(RECORD.pack, modseqs, uids, masks))
        self._put_all(tables.files, mailbox, files)
        self._put_all(tables.bases, mailbox, ended_bases)
        unseen = (count for mask, count in Counter(masks).items() if _unseen(mask))
        self._count_unseen(mailbox, sum(unseen))

    def set_mask(self, mailbox: int, uid: int, modseq: int, mask: int) -> None:
        """Give a message other flags and a new MODSEQ."""
        self.set_masks(mailbox, modseq, {uid: mask})

    def set_masks(self, mailbox: int, modseq: int, masks: Mapping[int, int]) -> None:
        """Give messages other flags, by UID, and a new MODSEQ."""
        tables, new = self._tables, masks.values()
        old = self._take_messages(mailbox, masks)
        self._put_all(tables.messages, mailbox, map(RECORD.pack, masks, repeat(modseq), new))
        self._put_all(tables.changes, mailbox, map(RECORD.pack, repeat(modseq), masks, new))
        self._count_unseen(mailbox, sum(map(_unseen, new)) - sum(_unseen(m.mask) for m in old))

    def set_all_modseqs(self, mailbox: int, modseq: int) -> None:
        """Give every message of a mailbox the same new MODSEQ."""
        self._expect_mailbox(mailbox)
        key, tables, columns = LIST_KEY.pack(mailbox), self._tables, self.columns(mailbox)
        for table in (tables.messages, tables.changes):
            self._transaction.delete(key, db=table)
        uids, masks, same = columns.uids, columns.masks, repeat(modseq)
        self._put_all(tables.messages, mailbox, map(RECORD.pack, uids, same, masks))
        self._put_all(tables.changes, mailbox, map(RECORD.pack, same, uids, masks))

    def set_name(self, mailbox: int, uid: int, name: bytes) -> None:
        """Keep another name of a message; the base name in it must be the same."""
        self.set_names(mailbox, {uid: name})

    def set_names(self, mailbox: int, names: Mapping[int, bytes]) -> None:
        """Keep other names of messages, by UID; the base names in them must be the same."""
        files = self._take_records(self._tables.files, mailbox, names)
        renamed = [
            old[: FILE_HEAD.size] + name for old, name in zip(files, names.values(), strict=True)
        ]
        for old, new in zip(files, renamed, strict=True):
            if base_of(new) != base_of(old):
                raise ValueError(f"{new!r} is not a name of the message {base_of(old)!r}")
        self._put_all(self._tables.files, mailbox, renamed)

    def expunge(self, mailbox: int, uid: int, modseq: int) -> None:
        """Replace a message, and all that is known of it, by a tombstone."""
        self.expunge_all(mailbox, (uid,), modseq)

    def expunge_all(self, mailbox: int, uids: Collection[int], modseq: int) -> None:
        """Replace messages, and all that is known of them, by tombstones of one MODSEQ."""
        key, tables = LIST_KEY.pack(mailbox), self._tables
        messages = self._take_messages(mailbox, uids)
        files = self._take_records(tables.files, mailbox, uids)
        for base in sorted(map(_base_record, map(base_of, files), uids)):
            self._transaction.delete(key, base, db=tables.bases)
        self._drop_facts(mailbox, uids)
        self._put_all(tables.gone, mailbox, map(TOMBSTONE.pack, repeat(modseq), uids))
        self._count_unseen(mailbox, -sum(_unseen(message.mask) for message in messages))

    def put_facts(self, mailbox: int, uid: int, facts: Facts) -> None:
        """Keep what was computed from a message's content; nothing happens if it has gone."""
        self.put_many_facts(mailbox, {uid: facts})

    def put_many_facts(self, mailbox: int, known: Mapping[int, Facts]) -> None:
        """As `put_facts`, by UID; quickest by the hundred."""
        uids = [message.uid for message in self.messages(mailbox, sorted(known))]
        self._drop_sizes(mailbox, uids)
        sizes = [pack_size(uid, known[uid].size, known[uid].internaldate) for uid in uids]
        self._put_all(self._tables.sizes, mailbox, sizes)
        records = sorted(
            (FACT_KEY.pack(mailbox, kind, uid), value)
            for uid in uids
            for kind, value in pack_facts(uid, known[uid])
        )
        self._transaction.cursor(self._tables.facts).putmulti(records)

    def copy_facts(self, source: int, target: int, copies: Mapping[int, int]) -> None:
        """Keep of messages in `target` what is known of those in `source` whose copies they are.

        `copies` has the UID of each copy by that of its original.
        """
        originals = sorted(copies)
        for start in range(0, len(originals), _FACTS_COPIED_AT_ONCE):
            uids = originals[start : start + _FACTS_COPIED_AT_ONCE]
            self._copy_facts(source, target, uids, [copies[uid] for uid in uids])

    def _copy_facts(
        self, source: int, target: int, uids: Sequence[int], copies: Sequence[int]
    ) -> None:
        kinds = [self.facts_of_kind(source, kind, uids) for kind in FactKind]
        known = [
            (uid, size, facts)
            for uid, size, *facts in zip(copies, self.sizes_of(source, uids), *kinds, strict=False)
            if size is not None and all(facts)
        ]
        self._drop_sizes(target, [uid for uid, _size, _facts in known])
        sizes = [pack_size(uid, *size) for uid, size, _facts in known]
        self._put_all(self._tables.sizes, target, sizes)
        cursor = self._transaction.cursor(self._tables.facts)
        for at, kind in enumerate(FactKind):
            cursor.putmulti(
                (FACT_KEY.pack(target, kind, uid), pack_fact(uid, facts[at]))
                for uid, _size, facts in known
            )

    def prune(self, mailbox: int, keep: int) -> None:
        """Forget the oldest tombstones, so that at most `keep` are left.

        All of one MODSEQ go together; the row remembers the highest that went. Costs O(pruned),
        some 0.6 us for each.
        """
        row = self._expect_mailbox(mailbox)
        pruned = row.pruned_modseq
        too_many = self.tombstone_count(mailbox) - keep
        key, cursor = LIST_KEY.pack(mailbox), self._transaction.cursor(self._tables.gone)
        while cursor.set_key(key):
            modseq, _ = TOMBSTONE.unpack(cursor.value())
            if too_many <= 0 and modseq != pruned:
                break
            cursor.delete()
            too_many -= 1
            pruned = modseq
        if pruned != row.pruned_modseq:
            self.put_mailbox(replace(row, pruned_modseq=pruned))

    def _next_id(self) -> int:
        last = self._transaction.get(LAST_ID_KEY, NUMBER.pack(0), db=self._tables.meta)
        allotted = NUMBER.unpack(last)[0] + 1
        self._transaction.put(LAST_ID_KEY, NUMBER.pack(allotted), db=self._tables.meta)
        return int(allotted)

    def _expect_mailbox(self, mailbox: int) -> MailboxRow:
        row = self.mailbox(mailbox)
        if row is None:
            raise KeyError(f"no mailbox {mailbox} in the index")
        return row

    def _put_folder(self, row: MailboxRow, kept: MailboxRow | None) -> None:
        """Make `row.parts` lead to the row, and its former parts to nothing."""
        if kept is not None and kept.parts == row.parts:
            return
        key, table = folder_key(row.parts), self._tables.folders
        if not self._transaction.put(key, NUMBER.pack(row.id), overwrite=False, db=table):
            raise ValueError(f"another mailbox is named {row.parts!r}; drop or rename it first")
        if kept is not None:
            self._transaction.delete(folder_key(kept.parts), db=table)

    def _refuse_clashes(self, mailbox: int, uids: Sequence[int], bases: Sequence[bytes]) -> None:
        """Raise ValueError where a UID or a base name would stand for two messages."""
        if not all(map(lt, uids, uids[1:])):
            raise ValueError(f"UIDs to add to mailbox {mailbox} must rise")
        if len(set(bases)) < len(bases):
            raise ValueError(f"a base name is given twice for mailbox {mailbox}")
        if not self.message_count(mailbox):
            return
        for used in self.messages(mailbox, uids):
            raise ValueError(f"UID {used.uid} is in use in mailbox {mailbox}")
        for base in bases:
            if self.uid_of(mailbox, base) is not None:
                raise ValueError(f"a message {base!r} is in mailbox {mailbox} already")

    def _put_all(self, table: "lmdb._Database", mailbox: int, records: Iterable[bytes]) -> None:
        """Put records in their order; where there are none yet, so that they fill their pages."""
        key, cursor = LIST_KEY.pack(mailbox), self._transaction.cursor(table)
        rising = sorted(records)
        if cursor.set_key(key):
            cursor.putmulti(zip(repeat(key), rising))
            return
        always = repeat(True)  # py-lmdb 1.4 can append duplicates by `put` only
        if not all(map(cursor.put, repeat(key), rising, always, always, always)):
            raise ValueError(f"a record of mailbox {mailbox} is given twice")

    def _take_messages(self, mailbox: int, uids: Iterable[int]) -> list[MessageRow]:
        """Remove the records of messages; returns what they were."""
        key, tables = LIST_KEY.pack(mailbox), self._tables
        records = self._take_records(tables.messages, mailbox, uids)
        messages = [MessageRow(*RECORD.unpack(record)) for record in records]
        for change in sorted(RECORD.pack(modseq, uid, mask) for uid, modseq, mask in messages):
            self._transaction.delete(key, change, db=tables.changes)
        return messages

    def _take_records(
        self, table: "lmdb._Database", mailbox: int, uids: Iterable[int]
    ) -> list[bytes]:
        """Remove the records that begin with these UIDs; returns them, and lacks none."""
        key, cursor = LIST_KEY.pack(mailbox), self._transaction.cursor(table)
        taken = []
        for uid in uids:
            packed = NUMBER.pack(uid)
            record = cursor.value() if cursor.set_range_dup(key, packed) else b""
            if not record.startswith(packed):
                raise KeyError(f"no UID {uid} in mailbox {mailbox}")
            cursor.delete()
            taken.append(record)
        return taken

    def _drop_facts(self, mailbox: int, uids: Iterable[int]) -> None:
        for uid in self._drop_sizes(mailbox, uids):
            for kind in FactKind:
                key = FACT_KEY.pack(mailbox, kind, uid)
                self._transaction.delete(key, db=self._tables.facts)

    def _drop_sizes(self, mailbox: int, uids: Iterable[int]) -> list[int]:
        """Forget the sizes of messages; gives the UIDs of those of which they were known."""
        records = self._records(self._tables.sizes, mailbox, uids)
        known = [NUMBER.unpack_from(record)[0] for record in records]
        self._take_records(self._tables.sizes, mailbox, known)
        return known

    def _drop_all_facts(self, mailbox: int) -> None:
        prefix = NUMBER.pack(mailbox)
        cursor = self._transaction.cursor(self._tables.facts)
        while cursor.set_range(prefix) and cursor.key().startswith(prefix):
            cursor.delete()

    def _count_unseen(self, mailbox: int, change: int) -> None:
        if change:
            count = NUMBER.pack(self.unseen_count(mailbox) + change)
            self._transaction.put(NUMBER.pack(mailbox), count, db=self._tables.unseen)


def _refuse_going_back(row: MailboxRow, kept: MailboxRow) -> None:
    """Raise ValueError where numbers that were told to clients would be told again."""
    if row.highestmodseq < kept.highestmodseq:
        raise ValueError(f"HIGHESTMODSEQ of mailbox {row.id} would go down")
    if row.uidnext < kept.uidnext and row.uidvalidity == kept.uidvalidity:
        raise ValueError(f"UIDNEXT of mailbox {row.id} would go down")


def _unseen(mask: int) -> int:
    return 0 if mask & SEEN else 1


def _base_record(base: bytes, uid: int) -> bytes:
    return base + BASE_END + NUMBER.pack(uid)
