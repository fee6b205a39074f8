"""Writes: everything that one transaction does to the index.

A batch keeps the tables in step with each other (`check` says in what way); what the numbers mean
is the caller's business. So the caller allots UIDs and mod-sequences and puts the mailbox's row
with the new `uidnext` and `highestmodseq` in the same batch. Requests that would break the tables
are mistakes in the code and raise ValueError or KeyError, upon which the whole batch is undone.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import repeat
from operator import lt

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
    pack_facts,
    pack_mailbox,
    pack_size,
)
from maildird.index.snapshots import Snapshot
from maildird.terms.flags import SEEN


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
        base_ends = map(BASE_END.__add__, map(NUMBER.pack, uids))
        tables = self._tables
        self._put_all(tables.messages, mailbox, map(RECORD.pack, uids, modseqs, masks))
        self._put_all(tables.changes, mailbox, sorted(map(RECORD.pack, modseqs, uids, masks)))
        self._put_all(tables.files, mailbox, files)
        self._put_all(tables.bases, mailbox, sorted(map(bytes.__add__, bases, base_ends)))
        unseen = (count for mask, count in Counter(masks).items() if _unseen(mask))
        self._count_unseen(mailbox, sum(unseen))

    def set_mask(self, mailbox: int, uid: int, modseq: int, mask: int) -> None:
        """Give a message other flags and a new MODSEQ."""
        key, tables = LIST_KEY.pack(mailbox), self._tables
        old = self._take_message(mailbox, uid)
        self._transaction.put(key, RECORD.pack(uid, modseq, mask), db=tables.messages)
        self._transaction.put(key, RECORD.pack(modseq, uid, mask), db=tables.changes)
        self._count_unseen(mailbox, _unseen(mask) - _unseen(old.mask))

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
        key, table = LIST_KEY.pack(mailbox), self._tables.files
        old = self._expect_file(mailbox, uid)
        new = old[: FILE_HEAD.size] + name
        if base_of(new) != base_of(old):
            raise ValueError(f"{name!r} is not a name of the message {base_of(old)!r}")
        self._transaction.delete(key, old, db=table)
        self._transaction.put(key, new, db=table)

    def expunge(self, mailbox: int, uid: int, modseq: int) -> None:
        """Replace a message, and all that is known of it, by a tombstone."""
        key, tables = LIST_KEY.pack(mailbox), self._tables
        message = self._take_message(mailbox, uid)
        file = self._expect_file(mailbox, uid)
        self._transaction.delete(key, file, db=tables.files)
        self._transaction.delete(key, _base_record(base_of(file), uid), db=tables.bases)
        self._drop_facts(mailbox, uid)
        self._transaction.put(key, TOMBSTONE.pack(modseq, uid), db=tables.gone)
        self._count_unseen(mailbox, -_unseen(message.mask))

    def put_facts(self, mailbox: int, uid: int, facts: Facts) -> None:
        """Keep what was computed from a message's content; nothing happens if it has gone."""
        self.put_many_facts(mailbox, {uid: facts})

    def put_many_facts(self, mailbox: int, known: Mapping[int, Facts]) -> None:
        """As `put_facts`, by UID; quickest by the hundred."""
        uids = [uid for uid in sorted(known) if self.message(mailbox, uid) is not None]
        for uid in uids:
            self._drop_size(mailbox, uid)
        self._put_all(self._tables.sizes, mailbox, [pack_size(uid, known[uid]) for uid in uids])
        records = sorted(
            (FACT_KEY.pack(mailbox, kind, uid), value)
            for uid in uids
            for kind, value in pack_facts(uid, known[uid])
        )
        self._transaction.cursor(self._tables.facts).putmulti(records)

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
        for uid, base in zip(uids, bases, strict=True):
            if self.message(mailbox, uid) is not None:
                raise ValueError(f"UID {uid} is in use in mailbox {mailbox}")
            if self.uid_of(mailbox, base) is not None:
                raise ValueError(f"a message {base!r} is in mailbox {mailbox} already")

    def _put_all(self, table: "lmdb._Database", mailbox: int, records: Iterable[bytes]) -> None:
        """Put rising records; without `append`, which py-lmdb 1.4 can't do to duplicates."""
        self._transaction.cursor(table).putmulti(zip(repeat(LIST_KEY.pack(mailbox)), records))

    def _take_message(self, mailbox: int, uid: int) -> MessageRow:
        """Remove the records of a message; returns what it was."""
        message = self.message(mailbox, uid)
        if message is None:
            raise KeyError(f"no UID {uid} in mailbox {mailbox}")
        key, tables = LIST_KEY.pack(mailbox), self._tables
        _, modseq, mask = message
        self._transaction.delete(key, RECORD.pack(uid, modseq, mask), db=tables.messages)
        self._transaction.delete(key, RECORD.pack(modseq, uid, mask), db=tables.changes)
        return message

    def _expect_file(self, mailbox: int, uid: int) -> bytes:
        record = self._record(self._tables.files, mailbox, uid)
        if record is None:
            raise KeyError(f"no UID {uid} in mailbox {mailbox}")
        return record

    def _drop_facts(self, mailbox: int, uid: int) -> None:
        if self._drop_size(mailbox, uid):
            for kind in FactKind:
                key = FACT_KEY.pack(mailbox, kind, uid)
                self._transaction.delete(key, db=self._tables.facts)

    def _drop_size(self, mailbox: int, uid: int) -> bool:
        """Forget the size of a message; False where it isn't known."""
        record = self._record(self._tables.sizes, mailbox, uid)
        if record is not None:
            self._transaction.delete(LIST_KEY.pack(mailbox), record, db=self._tables.sizes)
        return record is not None

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
