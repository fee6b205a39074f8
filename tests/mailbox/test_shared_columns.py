"""Columns that sessions share: brought forward, never changed, and not without bound."""

import os
from array import array
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maildird.index.environment import Index
from maildird.index.rows import Columns, MessageRow
from maildird.mailbox import shared_columns
from maildird.mailbox.opening import open_account
from maildird.mailbox.results import FlagChangeHow
from maildird.mailbox.shared_columns import SharedColumns, positions_of, revised
from tests.index.building import message, put
from tests.mailbox.world import Beside, assert_sound, describe, settings_for

rows = st.dictionaries(st.integers(1, 30), st.integers(0, 9), max_size=15)


def columns_of(living: dict[int, int]) -> Columns:
    uids = sorted(living)
    return Columns(array("Q", uids), array("Q", uids), array("Q", [living[uid] for uid in uids]))


def as_rows(columns: Columns) -> list[MessageRow]:
    return list(map(MessageRow, columns.uids, columns.modseqs, columns.masks))


@given(rows, st.sets(st.integers(1, 30)), st.dictionaries(st.integers(31, 40), st.integers(0, 9)))
def test_revised(living: dict[int, int], gone: set[int], new: dict[int, int]) -> None:
    before = columns_of(living)
    reflagged = {uid: MessageRow(uid, 99, 7) for uid in living if uid % 3 == 0 and uid not in gone}
    changed = [*reflagged.values(), *(MessageRow(uid, 99, mask) for uid, mask in new.items())]
    expected = {row.uid: row for row in as_rows(before) if row.uid not in gone}
    expected |= {row.uid: row for row in changed}
    after = revised(before, positions_of(before, gone), changed)
    assert as_rows(after) == [expected[uid] for uid in sorted(expected)]
    assert as_rows(before) == as_rows(columns_of(living))


def test_what_is_kept_is_brought_forward(tmp_path: Path) -> None:
    index = Index.open(os.fsencode(tmp_path / "index"))
    mailbox = put(index, highestmodseq=5, uidnext=4)
    index.write(lambda batch: batch.add_many(mailbox, [message(uid, 5) for uid in (1, 2, 3)]))
    shared = SharedColumns()
    with index.snapshot() as snapshot:
        row = snapshot.mailbox(mailbox)
        assert row is not None
        first = shared.read(snapshot, row)
        assert shared.read(snapshot, row) is first
    row = replace(row, highestmodseq=7, uidnext=5)
    index.write(lambda batch: batch.expunge(mailbox, 2, 6))
    index.write(lambda batch: batch.add_many(mailbox, [message(4, 7, 1)]))
    index.write(lambda batch: batch.put_mailbox(row))
    with index.snapshot() as snapshot:
        second = shared.read(snapshot, row)
        assert as_rows(second) == as_rows(snapshot.columns(mailbox))
    assert as_rows(first) == [MessageRow(uid, 5, 0) for uid in (1, 2, 3)]
    assert shared.at(mailbox, 7) is second
    assert shared.at(mailbox, 5) is None
    index.close()


def test_what_was_asked_for_longest_ago_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_columns, "MOST_ROWS", 5)
    shared = SharedColumns()
    for mailbox in (1, 2):
        shared.keep(mailbox, 1, columns_of({1: 0, 2: 0}))
    assert shared.at(1, 1) is not None
    shared.keep(3, 1, columns_of({1: 0, 2: 0}))
    assert shared.at(2, 1) is None
    assert shared.at(1, 1) is not None
    assert shared.at(3, 1) is not None


async def test_sessions_that_know_the_same_share_it(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    beside = Beside(tmp_path / "Maildir")
    for subject in (b"one", b"two"):
        beside.deliver("INBOX", b"Subject: %s\n\n" % subject)
    async with open_account(settings, describe) as account:
        one, other = [await account.open("INBOX", read_only=True) for _ in range(2)]
        writer = await account.open("INBOX", read_only=False)
        known = one.view.columns
        assert other.view.columns is known
        await writer.store(known.uids, FlagChangeHow.ADD, ("\\Deleted",))
        one.pull(may_expunge=True)
        other.pull(may_expunge=True)
        assert one.view.columns is other.view.columns is not known
        await writer.expunge(known.uids[:1])
        one.pull(may_expunge=False)
        other.pull(may_expunge=True)
        assert (len(one.view), len(other.view)) == (2, 1)
        one.pull(may_expunge=True)
        assert one.view.columns is other.view.columns
    assert_sound(settings)
