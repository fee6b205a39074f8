"""What writes do, and what they refuse."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from maildird.index.batches import Batch
from maildird.index.check import check
from maildird.index.environment import Index
from maildird.index.rows import Columns, Tombstone
from maildird.terms.flags import SEEN
from tests.index.building import FACTS, INBOX, message, put


def test_a_batch_sees_what_it_wrote(index: Index) -> None:
    def work(batch: Batch) -> Columns:
        mailbox = batch.put_mailbox(INBOX).id
        batch.add_many(mailbox, [message(1), message(2)])
        batch.set_mask(mailbox, 2, 5, SEEN)
        batch.expunge(mailbox, 1, 6)
        assert batch.unseen_count(mailbox) == 0
        return batch.columns(mailbox)

    columns = index.write(work)
    assert (columns.uids.tolist(), columns.modseqs.tolist()) == ([2], [5])


def test_all_messages_get_one_modseq(index: Index) -> None:
    row = replace(INBOX, uidnext=4, highestmodseq=9)

    def work(batch: Batch) -> int:
        mailbox = batch.put_mailbox(row).id
        batch.add_many(mailbox, [message(1), message(2), message(3)])
        batch.set_mask(mailbox, 2, 5, SEEN)
        batch.set_all_modseqs(mailbox, 9)
        batch.set_all_modseqs(batch.put_mailbox(replace(row, parts=("empty",))).id, 9)
        return mailbox

    mailbox = index.write(work)
    with index.snapshot() as snapshot:
        columns = snapshot.columns(mailbox)
        assert columns.modseqs.tolist() == [9, 9, 9]
        assert [bool(mask & SEEN) for mask in columns.masks] == [False, True, False]
        assert len(snapshot.changed_since(mailbox, 8)) == 3
        assert not check(snapshot)


def test_nothing_is_kept_of_a_batch_that_raises(index: Index) -> None:
    mailbox = put(index)

    def work(batch: Batch) -> None:
        batch.add_many(mailbox, [message(1)])
        batch.put_meta("k", b"v")
        raise LookupError("stop")

    with pytest.raises(LookupError, match="stop"):
        index.write(work)
    with index.snapshot() as snapshot:
        assert snapshot.message_count(mailbox) == 0
        assert snapshot.meta("k") is None


def test_ids_are_never_used_again(index: Index) -> None:
    first = put(index)
    index.write(lambda batch: batch.drop_mailbox(first))
    assert put(index) > first


def test_rename_keeps_everything_but_the_name(index: Index) -> None:
    mailbox = put(index, parts=("old",))
    index.write(lambda batch: batch.add_many(mailbox, [message(1)]))
    row = replace(INBOX, id=mailbox, parts=("new", "name"))
    assert index.write(lambda batch: batch.put_mailbox(row)) == row
    with index.snapshot() as snapshot:
        assert snapshot.mailbox_named(("old",)) is None
        assert snapshot.mailbox_named(("new", "name")) == row
        assert snapshot.mailboxes() == [row]
        assert snapshot.message_count(mailbox) == 1


def test_names_of_any_length(index: Index) -> None:
    parts = tuple("ü" * 80 for _ in range(100))
    mailbox = put(index, parts=parts)
    with index.snapshot() as snapshot:
        row = snapshot.mailbox_named(parts)
    assert row is not None
    assert row.id == mailbox


def test_dropping_leaves_nothing_and_spares_the_others(index: Index) -> None:
    dropped, spared = put(index), put(index, parts=("Sent",))

    def fill(batch: Batch) -> None:
        for mailbox in (dropped, spared):
            batch.add_many(mailbox, [message(n) for n in range(1, 2_000)])
            batch.put_facts(mailbox, 7, FACTS)
            batch.expunge(mailbox, 8, 9)

    index.write(fill)
    index.write(lambda batch: batch.drop_mailbox(dropped))
    with index.snapshot() as snapshot:
        assert [row.id for row in snapshot.mailboxes()] == [spared]
        assert snapshot.message_count(dropped) == 0
        assert snapshot.gone_since(dropped, 0) == []
        assert snapshot.facts(dropped, 7) is None
        assert snapshot.message_count(spared) == 1_998
        assert snapshot.facts(spared, 7) == FACTS


def test_messages_are_added_between_and_after_others(index: Index) -> None:
    mailbox = put(index)

    def add(batch: Batch) -> None:
        for uids in ([5, 7], [1, 6, 9], [], [2], [10, 11]):
            batch.add_many(mailbox, [message(uid) for uid in uids])

    index.write(add)
    with index.snapshot() as snapshot:
        assert snapshot.columns(mailbox).uids.tolist() == [1, 2, 5, 6, 7, 9, 10, 11]


def test_expunge_takes_the_facts_along(index: Index) -> None:
    mailbox = put(index)
    index.write(lambda batch: batch.add_many(mailbox, [message(1)]))
    index.write(lambda batch: batch.put_facts(mailbox, 1, FACTS))
    index.write(lambda batch: batch.put_facts(mailbox, 1, FACTS._replace(size=78)))
    index.write(lambda batch: batch.expunge(mailbox, 1, 2))
    with index.snapshot() as snapshot:
        assert snapshot.facts(mailbox, 1) is None
        assert len(snapshot.sizes(mailbox).uids) == 0


def test_copies_are_known_as_their_originals_are(index: Index) -> None:
    source, target = put(index), put(index, parts=("Other",))
    other = FACTS._replace(size=78, envelope=b"(another)")

    def work(batch: Batch) -> None:
        batch.add_many(source, [message(uid) for uid in (1, 2, 3)])
        batch.put_many_facts(source, {1: FACTS, 3: other})
        batch.add_many(target, [message(uid) for uid in (7, 8, 9)])
        batch.copy_facts(source, target, {1: 9, 2: 8, 3: 7})

    index.write(work)
    with index.snapshot() as snapshot:
        known = [snapshot.facts(target, uid) for uid in (7, 8, 9)]
        assert known == [other, None, FACTS]
        assert list(check(snapshot)) == []


@pytest.mark.parametrize(
    ("keep", "left", "pruned"),
    [
        (9, [4, 1, 2, 5, 3], 0),
        (5, [4, 1, 2, 5, 3], 0),
        (4, [1, 2, 5, 3], 10),
        (3, [3], 20),
        (2, [3], 20),
        (1, [3], 20),
        (0, [], 30),
    ],
)
def test_pruning_takes_the_oldest_and_remembers_the_highest_of_them(
    index: Index, keep: int, left: list[int], pruned: int
) -> None:
    mailbox, other = put(index), put(index, parts=("Other",))

    def expunge(batch: Batch) -> None:
        for each in (mailbox, other):
            batch.add_many(each, [message(uid) for uid in range(1, 8)])
            for uid, modseq in ((4, 10), (1, 20), (2, 20), (5, 20), (3, 30)):
                batch.expunge(each, uid, modseq)
        batch.prune(mailbox, keep)

    index.write(expunge)
    with index.snapshot() as snapshot:
        row = snapshot.mailbox(mailbox)
        assert [tombstone.uid for tombstone in snapshot.gone_since(mailbox, 0)] == left
        assert snapshot.tombstone_count(mailbox) == len(left)
        assert snapshot.tombstone_count(other) == 5
    assert row is not None
    assert row.pruned_modseq == pruned


def test_pruning_again_goes_on_from_where_it_was(index: Index) -> None:
    mailbox = put(index)
    index.write(lambda batch: batch.add_many(mailbox, [message(uid) for uid in range(1, 7)]))
    for uid in range(1, 7):
        index.write(partial(Batch.expunge, mailbox=mailbox, uid=uid, modseq=10 * uid))
        index.write(lambda batch: batch.prune(mailbox, 2))
    with index.snapshot() as snapshot:
        row = snapshot.mailbox(mailbox)
        assert snapshot.gone_since(mailbox, 0) == [Tombstone(5, 50), Tombstone(6, 60)]
    assert row is not None
    assert row.pruned_modseq == 40


def test_a_row_read_before_pruning_does_not_undo_it(index: Index) -> None:
    mailbox = put(index)
    index.write(lambda batch: batch.add_many(mailbox, [message(1)]))
    index.write(lambda batch: batch.expunge(mailbox, 1, 10))
    index.write(lambda batch: batch.prune(mailbox, 0))
    kept = index.write(lambda batch: batch.put_mailbox(replace(INBOX, id=mailbox)))
    assert kept.pruned_modseq == 10


@pytest.mark.parametrize(
    ("mistake", "error", "reason"),
    [
        (lambda b, m: b.add_many(m, [message(1, base=b"x")]), ValueError, "UID 1 is in use"),
        (lambda b, m: b.add_many(m, [message(2, base=b"1.M1P2.host")]), ValueError, "already"),
        (lambda b, m: b.add_many(m, [message(3), message(2)]), ValueError, "must rise"),
        (lambda b, m: b.add_many(m, [message(3), message(3)]), ValueError, "must rise"),
        (
            lambda b, m: b.add_many(m, [message(3, base=b"x"), message(4, base=b"x")]),
            ValueError,
            "given twice",
        ),
        (lambda b, m: b.add(m, 2, 1, 0, b"cur/a:2,", b"b"), ValueError, "begin with its base"),
        (lambda b, m: b.add_many(m + 1, [message(1)]), KeyError, "no mailbox"),
        (lambda b, m: b.set_mask(m, 2, 5, 0), KeyError, "no UID 2"),
        (lambda b, m: b.set_name(m, 2, b"cur/2.M1P2.host:2,S"), KeyError, "no UID 2"),
        (lambda b, m: b.set_name(m, 1, b"cur/other:2,S"), ValueError, "not a name of"),
        (lambda b, m: b.expunge(m, 2, 5), KeyError, "no UID 2"),
        (lambda b, m: b.prune(m + 1, 5), KeyError, "no mailbox"),
        (lambda b, m: b.drop_mailbox(m + 1), KeyError, "no mailbox"),
        (lambda b, m: b.put_mailbox(INBOX), ValueError, "another mailbox is named"),
        (lambda b, m: b.put_mailbox(replace(INBOX, id=m + 1)), KeyError, "no mailbox"),
        (
            lambda b, m: b.put_mailbox(replace(INBOX, id=m, highestmodseq=999)),
            ValueError,
            "HIGHESTMODSEQ",
        ),
        (lambda b, m: b.put_mailbox(replace(INBOX, id=m, uidnext=9)), ValueError, "UIDNEXT"),
    ],
)
def test_mistakes_are_refused(
    index: Index, mistake: Callable[[Batch, int], object], error: type[Exception], reason: str
) -> None:
    mailbox = put(index)
    index.write(lambda batch: batch.add_many(mailbox, [message(1)]))
    with pytest.raises(error, match=reason):
        index.write(lambda batch: mistake(batch, mailbox))
    with index.snapshot() as snapshot:
        assert snapshot.columns(mailbox).uids.tolist() == [1]


def test_uidnext_starts_anew_with_another_uidvalidity(index: Index) -> None:
    mailbox = put(index)
    row = replace(INBOX, id=mailbox, uidvalidity=INBOX.uidvalidity + 1, uidnext=1)
    assert index.write(lambda batch: batch.put_mailbox(row)) == row


def test_all_messages_are_changed_in_any_order(index: Index) -> None:
    def work(batch: Batch) -> int:
        mailbox = batch.put_mailbox(replace(INBOX, uidnext=4, highestmodseq=9)).id
        batch.add_many(mailbox, [message(1), message(2), message(3)])
        batch.set_names(mailbox, {uid: b"new/" + message(uid).base for uid in (3, 1, 2)})
        batch.expunge_all(mailbox, (3, 1), 9)
        return mailbox

    mailbox = index.write(work)
    with index.snapshot() as snapshot:
        assert list(snapshot.names(mailbox)) == [(2, b"new/" + message(2).base)]
        assert snapshot.gone_since(mailbox, 8) == [Tombstone(1, 9), Tombstone(3, 9)]
        assert not check(snapshot)
