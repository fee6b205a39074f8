"""The view against the simplest client there is: a list that believes what it is told."""

from array import array
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maildird.index.rows import Columns, MailboxRow, MessageRow, Tombstone
from maildird.mailbox.results import Changes, Removal
from maildird.mailbox.view import View
from maildird.terms.flags import FLAGGED, SEEN

ROW = MailboxRow(
    id=1,
    parts=("INBOX",),
    uidvalidity=1,
    uidnext=1,
    highestmodseq=1,
    pruned_modseq=1,
    first_recent=1,
    guid=b"g" * 16,
    identity=(1, 1),
    mtimes=(0, 0),
    keywords=(),
    use=(),
)


@dataclass
class Mailbox:
    """The mailbox itself, as an index would tell of it; `expunged` forgets nothing."""

    row: MailboxRow = ROW
    living: dict[int, MessageRow] = field(default_factory=dict)
    gone: list[Tombstone] = field(default_factory=list)
    expunged: dict[int, int] = field(default_factory=dict)

    def _step(self) -> int:
        self.row = replace(self.row, highestmodseq=self.row.highestmodseq + 1)
        return self.row.highestmodseq

    def arrive(self) -> None:
        uid = self.row.uidnext
        self.living[uid] = MessageRow(uid, self._step(), 0)
        self.row = replace(self.row, uidnext=uid + 1)

    def reflag(self, uid: int, mask: int) -> None:
        self.living[uid] = MessageRow(uid, self._step(), mask)

    def remove(self, uid: int) -> None:
        del self.living[uid]
        self.expunged[uid] = self._step()
        self.gone.append(Tombstone(uid, self.expunged[uid]))

    def prune(self, keep: int) -> None:
        cut = max(0, len(self.gone) - keep)
        if cut:
            self.row = replace(self.row, pruned_modseq=self.gone[cut - 1].modseq)
            del self.gone[:cut]

    def view(self) -> View:
        rows = [self.living[uid] for uid in sorted(self.living)]
        columns = Columns(
            *(array("Q", column) for column in ([r[i] for r in rows] for i in (0, 1, 2)))
        )
        return View(self.row, columns, first_recent=1)

    def pull(self, view: View, *, may_expunge: bool, latest: bool = False) -> Changes:
        gone = [t for t in self.gone if t.modseq > view.pulled]
        if view.pulled < self.row.pruned_modseq:
            gone += view.stand_ins(self.living)
        changed = [m for m in self.living.values() if m.modseq > view.pulled]
        known = self.view().columns if latest else None
        return view.advance(self.row, changed, gone, may_expunge=may_expunge, latest=known)


class Client:
    """Knows (uid, mask) by sequence number; uid and mask of a new message it has to ask for."""

    def __init__(self, view: View) -> None:
        self.messages = list(zip(view.uids, view.masks, strict=True))

    def hear(self, changes: Changes, view: View) -> None:
        for removal in changes.removals:
            uid, _mask = self.messages.pop(removal.seq - 1)
            assert uid == removal.uid
        if changes.exists is not None:
            assert changes.exists > len(self.messages)
            for seq in range(len(self.messages) + 1, changes.exists + 1):
                self.messages.append((view.uids[seq - 1], view.masks[seq - 1]))
        for change in changes.flags:
            assert self.messages[change.seq - 1][0] == change.uid
            self.messages[change.seq - 1] = (change.uid, change.mask)


steps = st.lists(
    st.tuples(
        st.sampled_from(["arrive", "reflag", "remove", "prune", "pull", "pull", "hold"]),
        st.integers(0, 63),
    ),
    max_size=60,
)


@given(st.integers(0, 6), steps)
def test_a_client_that_believes_ends_with_the_mailbox(
    size: int, steps: list[tuple[str, int]]
) -> None:
    mailbox = Mailbox()
    for _ in range(size):
        mailbox.arrive()
    view = mailbox.view()
    client = Client(view)
    for verb, number in [*steps, ("pull", 0)]:
        living = sorted(mailbox.living)
        if verb == "arrive":
            mailbox.arrive()
        elif verb == "reflag" and living:
            mailbox.reflag(living[number % len(living)], number)
        elif verb == "remove" and living:
            mailbox.remove(living[number % len(living)])
        elif verb == "prune":
            mailbox.prune(number % 4)
        elif verb in ("pull", "hold"):
            may_expunge, latest = verb == "pull", bool(number % 2)
            changes = mailbox.pull(view, may_expunge=may_expunge, latest=latest)
            assert verb == "pull" or not changes.removals
            client.hear(changes, view)
            held = {mailbox.expunged[uid] for uid in view.withheld}
            assert all(view.highestmodseq < modseq for modseq in held)
            assert held or view.highestmodseq == mailbox.row.highestmodseq
    assert client.messages == [(m.uid, m.mask) for _, m in sorted(mailbox.living.items())]
    assert view.highestmodseq == mailbox.row.highestmodseq
    assert list(view.modseqs) == [m.modseq for _, m in sorted(mailbox.living.items())]


def test_what_comes_and_goes_between_two_pulls_is_never_mentioned() -> None:
    mailbox = Mailbox()
    mailbox.arrive()
    view = mailbox.view()
    mailbox.arrive()
    mailbox.remove(2)
    assert not mailbox.pull(view, may_expunge=True)
    assert (view.uidnext, view.highestmodseq) == (3, mailbox.row.highestmodseq)


def test_a_removal_whose_tombstone_was_pruned_counts_from_what_was_pulled() -> None:
    mailbox = Mailbox()
    for _ in range(4):
        mailbox.arrive()
    view = mailbox.view()
    pulled = view.pulled
    mailbox.remove(3)
    mailbox.remove(1)
    mailbox.remove(4)
    mailbox.prune(keep=1)
    assert not mailbox.pull(view, may_expunge=False)
    assert (set(view.withheld), view.highestmodseq) == ({1, 3, 4}, pulled)
    told = mailbox.pull(view, may_expunge=True)
    assert told.removals == (Removal(1, 1), Removal(2, 3), Removal(2, 4))
    assert view.highestmodseq == mailbox.row.highestmodseq


def test_pruning_does_not_raise_the_modseq_of_what_is_withheld_already() -> None:
    mailbox = Mailbox()
    for _ in range(3):
        mailbox.arrive()
    view = mailbox.view()
    mailbox.remove(2)
    mailbox.pull(view, may_expunge=False)
    mailbox.reflag(1, 1)
    mailbox.pull(view, may_expunge=False)
    low = view.highestmodseq
    mailbox.remove(3)
    mailbox.prune(keep=0)
    mailbox.pull(view, may_expunge=False)
    assert view.withheld == {2, 3}
    assert view.highestmodseq == low < mailbox.expunged[2]


def test_numbers_and_uids() -> None:
    mailbox = Mailbox()
    for _ in range(4):
        mailbox.arrive()
    mailbox.remove(2)
    view = mailbox.view()
    assert [view.seq_of(uid) for uid in (1, 2, 3, 4, 5)] == [1, None, 2, 3, None]


def test_recent_counts_from_the_first_recent_uid() -> None:
    mailbox = Mailbox()
    for _ in range(3):
        mailbox.arrive()
    view = mailbox.view()
    view.first_recent = 3
    mailbox.arrive()
    assert mailbox.pull(view, may_expunge=True).recent == 2


@pytest.mark.parametrize(
    ("masks", "number"),
    [
        ([], None),
        ([SEEN, SEEN | FLAGGED, SEEN | 1 << 40], None),
        ([0], 1),
        ([SEEN, FLAGGED, 0], 2),
        ([SEEN, SEEN << 8 | SEEN << 56], 2),
    ],
)
def test_first_unseen(masks: list[int], number: int | None) -> None:
    count = len(masks)
    columns = Columns(array("Q", range(1, count + 1)), array("Q", [1] * count), array("Q", masks))
    assert View(ROW, columns, first_recent=1).first_unseen == number
