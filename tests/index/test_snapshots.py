"""What reads answer."""

from collections.abc import Sequence

import pytest

from maildird.index.environment import Index
from maildird.index.rows import FactKind, MessageRow, NewMessage, Tombstone
from maildird.terms.flags import FLAGGED, SEEN
from tests.index.building import FACTS, message, put


@pytest.fixture
def mailbox(index: Index) -> int:
    """Five messages, the second and fourth expunged, the first flagged last."""
    mailbox = put(index)
    index.write(lambda batch: batch.add_many(mailbox, [message(n, 10 + n) for n in range(1, 6)]))
    index.write(lambda batch: batch.expunge(mailbox, 2, 20))
    index.write(lambda batch: batch.expunge(mailbox, 4, 21))
    index.write(lambda batch: batch.set_mask(mailbox, 1, 22, FLAGGED | SEEN))
    return mailbox


def test_columns(index: Index, mailbox: int) -> None:
    with index.snapshot() as snapshot:
        columns = snapshot.columns(mailbox)
    assert columns.uids.tolist() == [1, 3, 5]
    assert columns.modseqs.tolist() == [22, 13, 15]
    assert columns.masks.tolist() == [FLAGGED | SEEN, 0, 0]
    assert columns.uids.typecode == columns.modseqs.typecode == columns.masks.typecode == "Q"


def test_single_messages(index: Index, mailbox: int) -> None:
    with index.snapshot() as snapshot:
        assert snapshot.message(mailbox, 3) == MessageRow(3, 13, 0)
        assert snapshot.message(mailbox, 2) is None
        assert snapshot.message(mailbox, 6) is None
        assert snapshot.messages(mailbox, [5, 4, 3]) == [MessageRow(5, 15, 0), MessageRow(3, 13, 0)]
        assert [snapshot.count_from(mailbox, uid) for uid in (1, 2, 5, 6)] == [3, 2, 1, 0]
        assert snapshot.count_from(mailbox + 1, 1) == 0


@pytest.mark.parametrize(
    ("modseq", "uids"),
    [(0, [3, 5, 1]), (12, [3, 5, 1]), (13, [5, 1]), (15, [1]), (21, [1]), (22, []), (999, [])],
)
def test_changed_since_goes_by_modseq(
    index: Index, mailbox: int, modseq: int, uids: list[int]
) -> None:
    with index.snapshot() as snapshot:
        assert [row.uid for row in snapshot.changed_since(mailbox, modseq)] == uids


@pytest.mark.parametrize(
    ("modseq", "tombstones"),
    [(0, [(2, 20), (4, 21)]), (19, [(2, 20), (4, 21)]), (20, [(4, 21)]), (21, [])],
)
def test_gone_since(
    index: Index, mailbox: int, modseq: int, tombstones: list[tuple[int, int]]
) -> None:
    with index.snapshot() as snapshot:
        assert snapshot.gone_since(mailbox, modseq) == [Tombstone(*pair) for pair in tombstones]


def test_backwards_it_is_the_same(index: Index, mailbox: int) -> None:
    with index.snapshot() as snapshot:
        changed, gone = snapshot.changed_since(mailbox, 0), snapshot.gone_since(mailbox, 0)
        assert list(snapshot.changed_backwards(mailbox)) == changed[::-1]
        assert list(snapshot.gone_backwards(mailbox)) == gone[::-1]
        assert len(changed) + len(gone) == 5


def test_names(index: Index, mailbox: int) -> None:
    index.write(lambda batch: batch.set_name(mailbox, 3, b"new/3.M1P2.host"))
    names = {1: b"cur/1.M1P2.host:2,", 3: b"new/3.M1P2.host", 5: b"cur/5.M1P2.host:2,"}
    with index.snapshot() as snapshot:
        assert snapshot.name(mailbox, 3) == names[3]
        assert snapshot.name(mailbox, 2) is None
        assert dict(snapshot.names(mailbox)) == names


def test_a_base_name_is_not_its_beginning(index: Index) -> None:
    mailbox = put(index)
    bases = [b"a", b"a.b", b"a.b:2,S", b"a!", b"b" * 250]
    messages = [message(uid, base=base) for uid, base in enumerate(bases, 1)]
    index.write(lambda batch: batch.add_many(mailbox, messages))
    with index.snapshot() as snapshot:
        assert [snapshot.uid_of(mailbox, base) for base in bases] == [1, 2, 3, 4, 5]
        assert snapshot.uid_of(mailbox, b"a.") is None
        assert snapshot.uid_of(mailbox, b"c") is None


def test_counts(index: Index, mailbox: int) -> None:
    with index.snapshot() as snapshot:
        assert snapshot.message_count(mailbox) == 3
        assert snapshot.unseen_count(mailbox) == 2


def test_facts_and_sizes(index: Index, mailbox: int) -> None:
    index.write(lambda batch: batch.put_facts(mailbox, 3, FACTS))
    index.write(lambda batch: batch.put_facts(mailbox, 2, FACTS))
    with index.snapshot() as snapshot:
        assert snapshot.facts(mailbox, 3) == FACTS
        assert snapshot.facts(mailbox, 2) is None
        assert snapshot.facts(mailbox, 1) is None
        assert snapshot.sizes_of(mailbox, [1, 2, 3, 5]) == [None, None, (77, -5), None]
        sizes = snapshot.sizes(mailbox)
    assert sizes.uids.tolist() == [3]
    assert sizes.sizes.tolist() == [77]
    assert sizes.internaldates.tolist() == [-5]


@pytest.mark.parametrize(
    "asked", [[1], [2], [9], [1, 2, 3], [2, 4, 6, 8], [3, 8, 9], [5, 6, 7, 8, 9], range(1, 10)]
)
def test_facts_of_one_kind(index: Index, mailbox: int, asked: Sequence[int]) -> None:
    known = {uid: FACTS._replace(envelope=b"%d" % uid, size=uid) for uid in (1, 3, 7, 8)}
    index.write(lambda batch: batch.add_many(mailbox, [message(n, 30) for n in range(6, 10)]))
    index.write(lambda batch: batch.put_many_facts(mailbox, known))
    with index.snapshot() as snapshot:
        envelopes = snapshot.facts_of_kind(mailbox, FactKind.ENVELOPE, asked)
        assert envelopes == [b"%d" % uid if uid in known else b"" for uid in asked]
        sizes = snapshot.sizes_of(mailbox, asked)
        assert sizes == [(uid, -5) if uid in known else None for uid in asked]


def test_facts_of_one_kind_are_read_within_a_measure(index: Index, mailbox: int) -> None:
    index.write(lambda batch: batch.put_many_facts(mailbox, dict.fromkeys((1, 3, 5), FACTS)))
    with index.snapshot() as snapshot:
        envelope = FACTS.envelope
        few = snapshot.facts_of_kind(mailbox, FactKind.ENVELOPE, [1, 3, 5], most=10)
        assert few == [envelope, envelope]
        one = snapshot.facts_of_kind(mailbox, FactKind.ENVELOPE, [1, 3, 5], most=0)
        assert one == [envelope]


def test_an_unknown_mailbox_has_nothing(index: Index, mailbox: int) -> None:
    unknown = mailbox + 1
    with index.snapshot() as snapshot:
        assert snapshot.mailbox(unknown) is None
        assert snapshot.mailbox_named(("Sent",)) is None
        assert len(snapshot.columns(unknown).uids) == 0
        assert len(snapshot.sizes(unknown).uids) == 0
        assert snapshot.message_count(unknown) == snapshot.unseen_count(unknown) == 0
        assert snapshot.message(unknown, 1) is None
        assert snapshot.changed_since(unknown, 0) == []
        assert snapshot.gone_since(unknown, 0) == []
        assert list(snapshot.changed_backwards(unknown)) == []
        assert list(snapshot.gone_backwards(unknown)) == []
        assert list(snapshot.names(unknown)) == []
        assert snapshot.uid_of(unknown, b"1.M1P2.host") is None


def test_mailboxes_beside_each_other_are_apart(index: Index, mailbox: int) -> None:
    other = put(index, parts=("Sent",))
    index.write(lambda batch: batch.add_many(other, [message(3, 50, SEEN), message(9, 60)]))
    index.write(lambda batch: batch.expunge(other, 3, 70))
    with index.snapshot() as snapshot:
        assert snapshot.columns(mailbox).uids.tolist() == [1, 3, 5]
        assert snapshot.changed_since(mailbox, 22) == []
        assert snapshot.gone_since(mailbox, 21) == []
        assert snapshot.columns(other).uids.tolist() == [9]
        assert snapshot.unseen_count(other) == 1


def test_whole_range_of_numbers(index: Index) -> None:
    uid, modseq, mask = (1 << 32) - 1, (1 << 63) - 1, (((1 << 26) - 1) << 8) | 0b11111
    mailbox = put(index, uidnext=1 << 32, highestmodseq=modseq)
    index.write(lambda batch: batch.add(mailbox, uid, modseq, mask, b"new/x", b"x"))
    with index.snapshot() as snapshot:
        assert snapshot.changed_since(mailbox, modseq - 1) == [MessageRow(uid, modseq, mask)]
        assert snapshot.changed_since(mailbox, modseq) == []


def test_a_mailbox_of_thousands(index: Index) -> None:
    mailbox = put(index)
    messages = [
        NewMessage(n, 1 + n % 7, SEEN * (n % 2), b"new/%d" % n, b"%d" % n) for n in range(1, 5_001)
    ]
    index.write(lambda batch: batch.add_many(mailbox, messages))
    with index.snapshot() as snapshot:
        assert snapshot.columns(mailbox).uids.tolist() == list(range(1, 5_001))
        assert snapshot.message_count(mailbox) == 5_000
        assert snapshot.unseen_count(mailbox) == 2_500
        assert len(snapshot.changed_since(mailbox, 6)) == 5_000 // 7
        assert dict(snapshot.names(mailbox)) == {m.uid: m.name for m in messages}


def test_meta(index: Index) -> None:
    index.write(lambda batch: batch.put_meta("uidvalidity", b"5"))
    with index.snapshot() as snapshot:
        assert snapshot.meta("uidvalidity") == b"5"
        assert snapshot.meta("something else") is None
