"""Each invariant, broken behind the index's back, is found."""

from collections.abc import Callable
from dataclasses import replace

import lmdb
import pytest

from maildird.index.check import Finding, check
from maildird.index.environment import Index
from maildird.index.rows import FactKind
from maildird.index.schema import (
    FACT_KEY,
    FILE_HEAD,
    LAST_ID_KEY,
    NUMBER,
    RECORD,
    TOMBSTONE,
    Tables,
    folder_key,
    pack_facts,
    pack_mailbox,
    pack_size,
)
from maildird.terms.flags import SEEN, keyword_bit
from tests.index.building import FACTS, INBOX, behind_its_back, message, put

Change = Callable[["lmdb.Transaction[bytes]", Tables], object]

MAILBOX = 1
KEY = NUMBER.pack(MAILBOX)
ROW = replace(INBOX, id=MAILBOX)
SIZE_2 = pack_size(2, FACTS.size, FACTS.internaldate)
ENVELOPE = dict(pack_facts(2, FACTS))[FactKind.ENVELOPE]


def make(directory: bytes) -> None:
    """Mailbox 1: UIDs 1 (seen, with facts) and 2 are there, 3 is expunged at 30."""
    index = Index.open(directory)
    assert put(index) == MAILBOX
    messages = [message(1, 10, SEEN), message(2, 20, keyword_bit(25)), message(3, 25)]
    index.write(lambda batch: batch.add_many(MAILBOX, messages))
    index.write(lambda batch: batch.put_facts(MAILBOX, 1, FACTS))
    index.write(lambda batch: batch.expunge(MAILBOX, 3, 30))
    index.close()


def found(directory: bytes) -> list[Finding]:
    """The findings of `check`."""
    index = Index.open(directory)
    with index.snapshot() as snapshot:
        findings = check(snapshot)
    index.close()
    return findings


def row(**fields: object) -> Change:
    """Another row for mailbox 1."""
    value = pack_mailbox(replace(ROW, **fields))  # type: ignore[arg-type]
    return lambda txn, tables: txn.put(KEY, value, db=tables.mailboxes)


def put_in(table: str, value: bytes, key: bytes = KEY) -> Change:
    """One record more (or another one where keys have one value)."""
    return lambda txn, tables: txn.put(key, value, db=getattr(tables, table))


def delete_from(table: str, value: bytes = b"", key: bytes = KEY) -> Change:
    """One record less; all of the key's when no value is given."""
    return lambda txn, tables: txn.delete(key, value, db=getattr(tables, table))


def both(uid: int, modseq: int, mask: int) -> Change:
    """A message with everything that belongs to it."""

    def change(txn: "lmdb.Transaction[bytes]", tables: Tables) -> None:
        base = b"%d" % uid
        txn.put(KEY, RECORD.pack(uid, modseq, mask | SEEN), db=tables.messages)
        txn.put(KEY, RECORD.pack(modseq, uid, mask | SEEN), db=tables.changes)
        txn.put(KEY, FILE_HEAD.pack(uid, len(base)) + b"cur/" + base, db=tables.files)
        txn.put(KEY, base + b"/" + NUMBER.pack(uid), db=tables.bases)

    return change


def test_a_sound_index_has_no_findings(directory: bytes) -> None:
    make(directory)
    assert found(directory) == []
    behind_its_back(directory, both(4, 40, 0))
    assert found(directory) == []


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (row(parts=("other",)), "don't name the same parts"),
        (row(id=7), "kept under another id"),
        (row(uidvalidity=0), "UIDVALIDITY 0"),
        (row(uidvalidity=1 << 32), "UIDVALIDITY 4294967296"),
        (row(uidnext=2), "UID 2 is not from 1 to below UIDNEXT 2"),
        (row(uidnext=3), "UID 3 is not from 1 to below UIDNEXT 3"),
        (row(highestmodseq=0), "HIGHESTMODSEQ 0 is not"),
        (row(highestmodseq=19), "MODSEQ 20 of UID 2 is not"),
        (row(highestmodseq=29), "MODSEQ 30 of UID 3 is not"),
        (row(pruned_modseq=30), "UID 3 at 30 should have been pruned"),
        (row(pruned_modseq=1_001), "pruned up to 1001"),
        (row(first_recent=10_001), "first recent UID 10001"),
        (row(guid=b"short"), "not 5"),
        (row(keywords=tuple(f"k{n}" for n in range(57))), "57 keywords"),
        (row(keywords=("Work", "work")), "keyword 'work' is there 2 times"),
        (both(4, 0, 0), "MODSEQ 0 of UID 4"),
        (both(0, 40, 0), "UID 0 is not"),
        (both(4, 40, keyword_bit(26)), "UID 4 has flags without a name: 0x400000000"),
        (both(4, 40, 1 << 5), "UID 4 has flags without a name: 0x20"),
        (both(3, 40, 0), "UID 3 is both there and expunged"),
        (put_in("messages", RECORD.pack(2, 21, SEEN)), "UID 2 is there 2 times"),
        (put_in("messages", RECORD.pack(4, 40, SEEN)), "UID 4 with MODSEQ 40 is not the same"),
        (put_in("changes", RECORD.pack(40, 2, 0)), "UID 2 with MODSEQ 40 is not the same"),
        (delete_from("changes", RECORD.pack(10, 1, SEEN)), "UID 1 with MODSEQ 10"),
        (delete_from("files"), "UID 1: 1 in messages, 0 in files"),
        (delete_from("bases"), "1 in files, 0 in bases"),
        (put_in("files", FILE_HEAD.pack(2, 1) + b"cur/x"), "UID 2: 1 in messages, 2 in files"),
        (put_in("files", FILE_HEAD.pack(4, 1) + b"tmp/x"), "b'tmp/x' for a name"),
        (put_in("bases", b"1.M1P2.host/" + NUMBER.pack(2)), "b'1.M1P2.host' is there 2 times"),
        (put_in("gone", TOMBSTONE.pack(31, 3)), "tombstone of UID 3 is there 2 times"),
        (put_in("gone", TOMBSTONE.pack(31, 1)), "UID 1 is both"),
        (put_in("sizes", SIZE_2), "UID 2 in mailbox 1"),
        (put_in("sizes", pack_size(1, 5, FACTS.internaldate)), "size of UID 1 is there 2 times"),
        (put_in("sizes", pack_size(3, FACTS.size, FACTS.internaldate)), "size of UID 3 is known"),
        (
            put_in("sizes", SIZE_2[:-1] + b"?"),
            "the size of UID 2 in mailbox 1 is not",
        ),
        (put_in("facts", ENVELOPE, FACT_KEY.pack(1, 1, 2)), "UID 2 in mailbox 1"),
        (put_in("facts", ENVELOPE, FACT_KEY.pack(1, 2, 1)), "UID 1 in mailbox 1 is not what"),
        (put_in("facts", ENVELOPE, FACT_KEY.pack(1, 4, 1)), "facts of kind 4"),
        (put_in("facts", ENVELOPE, FACT_KEY.pack(5, 1, 2)), "facts has records of mailbox 5"),
        (put_in("gone", TOMBSTONE.pack(1, 1), NUMBER.pack(5)), "gone has records of mailbox 5"),
        (put_in("unseen", NUMBER.pack(9)), "1 messages are unseen, not 9"),
        (put_in("folders", KEY, folder_key(("x",))), "don't name the same parts"),
        (put_in("folders", NUMBER.pack(2), folder_key(("INBOX",))), "doesn't lead to mailbox 1"),
        (put_in("meta", NUMBER.pack(0), LAST_ID_KEY), "allotted again"),
    ],
)
def test_a_broken_invariant_is_found(directory: bytes, change: Change, what: str) -> None:
    make(directory)
    behind_its_back(directory, change)
    assert any(what in finding.what for finding in found(directory)), found(directory)


def test_findings_name_the_mailbox(directory: bytes) -> None:
    make(directory)
    behind_its_back(directory, put_in("unseen", NUMBER.pack(9)))
    assert [finding.mailbox for finding in found(directory)] == [MAILBOX]
