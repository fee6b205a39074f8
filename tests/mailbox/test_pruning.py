"""How many tombstones a mailbox keeps once a turn has ended."""

from dataclasses import replace
from pathlib import Path

import pytest

from maildird.index.batches import Batch
from maildird.index.environment import Index
from maildird.index.rows import NewMessage
from maildird.mailbox.disk import Disk
from maildird.mailbox.namespace import INBOX
from maildird.mailbox.opening import layout_of
from maildird.mailbox.pruning import FEW
from maildird.mailbox.requests import Adopt, Expunge
from maildird.mailbox.results import Expunged
from maildird.mailbox.turns import Turns
from tests.mailbox.world import Beside, settings_for

MANY = FEW + 4_000


@pytest.mark.parametrize(
    ("messages", "tombstones", "left"),
    [
        (0, FEW - 1, FEW),
        (0, FEW, FEW * 3 // 4),
        (MANY, MANY - 1, MANY),
        (MANY, MANY, MANY * 3 // 4),
    ],
)
def test_tombstones_that_are_left_by_one_more_expunge(
    tmp_path: Path, messages: int, tombstones: int, left: int
) -> None:
    settings = settings_for(tmp_path)
    beside = Beside(tmp_path / "Maildir")
    beside.reflag(beside.deliver("INBOX", b"Subject: one\n\n"), "T")
    index = Index.open(settings.state_directory)
    turns = Turns(index, layout_of(settings)[0], Disk())
    turns.run([Adopt(INBOX)])
    index.write(lambda batch: fill(batch, messages, tombstones))
    (outcome,) = turns.run([Expunge(1, uidnext=2, uids=(1,))]).outcomes
    assert isinstance(outcome.answer, Expunged)
    assert outcome.answer.uids == (1,)
    with index.snapshot() as snapshot:
        assert snapshot.message_count(1) == messages
        assert snapshot.tombstone_count(1) == left
        assert snapshot.gone_since(1, 0)[-1].uid == 1
    index.close()


def fill(batch: Batch, messages: int, tombstones: int) -> None:
    """Have the index know so many messages more, and so many that went one by one."""
    row = batch.mailbox(1)
    assert row is not None
    first = row.highestmodseq + 1
    uids = range(row.uidnext, row.uidnext + messages + tombstones)
    bases = (b"1.M%d.elsewhere" % uid for uid in uids)
    batch.add_many(
        row.id,
        [
            NewMessage(uid, first, 0, b"cur/" + base, base)
            for uid, base in zip(uids, bases, strict=True)
        ],
    )
    for modseq, uid in enumerate(uids[:tombstones], first):
        batch.expunge(row.id, uid, modseq)
    batch.put_mailbox(replace(row, uidnext=uids[-1] + 1, highestmodseq=first + tombstones))
