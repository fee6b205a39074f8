"""Batches against a model in plain Python, over many turns, undone turns and reopenings."""

import os
import shutil
import tempfile
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from maildird.index.batches import Batch
from maildird.index.check import check
from maildird.index.environment import Index
from maildird.index.pages import walk
from maildird.index.rows import Facts, MailboxRow, MessageRow, NewMessage, Tombstone
from maildird.index.snapshots import Snapshot
from maildird.terms.flags import FLAGGED, SEEN, keyword_bit
from tests.index.building import INBOX

MASKS = st.sampled_from([0, SEEN, FLAGGED, SEEN | FLAGGED, keyword_bit(25), keyword_bit(40)])
NAMES = st.sampled_from(["INBOX", "Sent", "Sent Items", "Ärger"])
TEXTS = st.text("abc", max_size=9).map(str.encode)
FACTS = st.builds(Facts, st.integers(-9, 9), st.integers(0, 9), *[TEXTS] * 4)
KEYWORDS = tuple(f"keyword{n}" for n in range(50))


@dataclass
class Mailbox:
    """A mailbox of the model; messages are (modseq, mask), each table is by UID."""

    row: MailboxRow
    messages: dict[int, tuple[int, int]] = field(default_factory=dict)
    names: dict[int, bytes] = field(default_factory=dict)
    bases: dict[int, bytes] = field(default_factory=dict)
    facts: dict[int, Facts] = field(default_factory=dict)
    gone: dict[int, int] = field(default_factory=dict)


Model = dict[int, Mailbox]


class Undone(Exception):
    """Raised at the end of a turn that is not to be kept."""


def next_modseq(batch: Batch, mailbox: Mailbox, new_uids: int = 0) -> int:
    """A mod-sequence for the mailbox's next change, told in its row."""
    row = mailbox.row
    mailbox.row = batch.put_mailbox(
        replace(row, uidnext=row.uidnext + new_uids, highestmodseq=row.highestmodseq + 1)
    )
    return mailbox.row.highestmodseq


def create(batch: Batch, model: Model, data: st.DataObject) -> None:
    parts = (data.draw(NAMES), data.draw(NAMES))
    if all(mailbox.row.parts != parts for mailbox in model.values()):
        row = replace(INBOX, parts=parts, uidnext=1, highestmodseq=1, keywords=KEYWORDS)
        row = batch.put_mailbox(row)
        assert row.id not in model
        model[row.id] = Mailbox(row)


def rename(batch: Batch, model: Model, data: st.DataObject) -> None:
    mailbox, parts = a_mailbox(model, data), (data.draw(NAMES),)
    if all(other.row.parts != parts for other in model.values()):
        mailbox.row = batch.put_mailbox(replace(mailbox.row, parts=parts))


def drop(batch: Batch, model: Model, data: st.DataObject) -> None:
    mailbox = a_mailbox(model, data)
    batch.drop_mailbox(mailbox.row.id)
    del model[mailbox.row.id]


def add(batch: Batch, model: Model, data: st.DataObject) -> None:
    mailbox = a_mailbox(model, data)
    first, count = mailbox.row.uidnext, data.draw(st.sampled_from([1, 2, 40, 300]))
    modseq, mask = next_modseq(batch, mailbox, count), data.draw(MASKS)
    new = []
    for uid in range(first, first + count):
        base = b"%d.host" % (uid * 7919 % 1_000_003)
        new.append(NewMessage(uid, modseq, mask, b"new/" + base, base))
        mailbox.messages[uid], mailbox.names[uid] = (modseq, mask), b"new/" + base
        mailbox.bases[uid] = base
    batch.add_many(mailbox.row.id, new)


def set_mask(batch: Batch, model: Model, data: st.DataObject) -> None:
    mailbox = a_mailbox(model, data)
    modseq, mask = next_modseq(batch, mailbox), data.draw(MASKS)
    for uid in some_uids(mailbox, data):
        batch.set_mask(mailbox.row.id, uid, modseq, mask)
        mailbox.messages[uid] = modseq, mask


def set_name(batch: Batch, model: Model, data: st.DataObject) -> None:
    mailbox = a_mailbox(model, data)
    letters = data.draw(st.sampled_from([b"", b":2,", b":2,FS"]))
    for uid in some_uids(mailbox, data):
        name = b"cur/" + mailbox.bases[uid] + letters
        batch.set_name(mailbox.row.id, uid, name)
        mailbox.names[uid] = name


def put_facts(batch: Batch, model: Model, data: st.DataObject) -> None:
    mailbox, facts = a_mailbox(model, data), data.draw(FACTS)
    for uid in some_uids(mailbox, data):
        batch.put_facts(mailbox.row.id, uid, facts)
        mailbox.facts[uid] = facts


def expunge(batch: Batch, model: Model, data: st.DataObject) -> None:
    mailbox = a_mailbox(model, data)
    modseq = next_modseq(batch, mailbox)
    for uid in some_uids(mailbox, data):
        batch.expunge(mailbox.row.id, uid, modseq)
        mailbox.gone[uid] = modseq
        del mailbox.messages[uid], mailbox.names[uid], mailbox.bases[uid]
        mailbox.facts.pop(uid, None)


def prune(batch: Batch, model: Model, data: st.DataObject) -> None:
    mailbox = a_mailbox(model, data)
    keep = data.draw(st.integers(0, len(mailbox.gone) + 1))
    batch.prune(mailbox.row.id, keep)
    pruned = sorted(mailbox.gone.values())[: max(0, len(mailbox.gone) - keep)]
    highest = max([mailbox.row.pruned_modseq, *pruned])
    mailbox.row = replace(mailbox.row, pruned_modseq=highest)
    mailbox.gone = {uid: since for uid, since in mailbox.gone.items() if since > highest}


Step = Callable[[Batch, Model, st.DataObject], None]
STEPS: list[Step] = [add, set_mask, set_name, put_facts, expunge, prune, rename, drop]


def a_mailbox(model: Model, data: st.DataObject) -> Mailbox:
    return model[data.draw(st.sampled_from(sorted(model)))]


def some_uids(mailbox: Mailbox, data: st.DataObject) -> list[int]:
    """Those of one residue class: few or many, in one place or all over."""
    step = data.draw(st.sampled_from([1, 2, 7, 100]))
    first = data.draw(st.integers(0, step - 1))
    return sorted(mailbox.messages)[first::step]


def assert_agrees(snapshot: Snapshot, model: Model) -> None:
    """The index answers as the model does."""
    assert snapshot.mailboxes() == [model[id].row for id in sorted(model)]
    for id, mailbox in model.items():
        assert snapshot.mailbox_named(mailbox.row.parts) == mailbox.row
        assert_messages_agree(snapshot, id, mailbox)
        assert dict(snapshot.names(id)) == mailbox.names
        assert all(snapshot.uid_of(id, base) == uid for uid, base in mailbox.bases.items())
        assert snapshot.sizes(id).uids.tolist() == sorted(mailbox.facts)
        assert all(snapshot.facts(id, uid) == facts for uid, facts in mailbox.facts.items())


def assert_messages_agree(snapshot: Snapshot, id: int, mailbox: Mailbox) -> None:
    rows = [MessageRow(uid, *mailbox.messages[uid]) for uid in sorted(mailbox.messages)]
    columns = snapshot.columns(id)
    assert list(zip(columns.uids, columns.modseqs, columns.masks, strict=True)) == rows
    assert snapshot.message_count(id) == len(rows)
    assert snapshot.unseen_count(id) == sum(not row.mask & SEEN for row in rows)
    tombstones = [Tombstone(uid, modseq) for uid, modseq in mailbox.gone.items()]
    for modseq in (0, mailbox.row.highestmodseq // 2, mailbox.row.highestmodseq - 1):
        changed = [row for row in rows if row.modseq > modseq]
        gone = [tombstone for tombstone in tombstones if tombstone.modseq > modseq]
        assert sorted(snapshot.changed_since(id, modseq)) == changed
        assert sorted(snapshot.gone_since(id, modseq)) == sorted(gone)


class Turns(RuleBasedStateMachine):
    """An index and its model."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = os.fsencode(tempfile.mkdtemp())
        self.model: Model = {}
        self.open()

    def open(self) -> None:
        self.index = Index.open(self.directory, map_size=1 << 20)

    @rule(data=st.data(), steps=st.integers(1, 5), kept=st.integers(0, 4))
    def turn(self, data: st.DataObject, steps: int, kept: int) -> None:
        model = deepcopy(self.model)

        def work(batch: Batch) -> None:
            for _ in range(steps):
                step = data.draw(st.sampled_from([create, *(STEPS if model else ())]))
                step(batch, model, data)
            assert_agrees(batch, model)
            if not kept:
                raise Undone

        try:
            self.index.write(work)
        except Undone:
            return
        self.model = model

    @rule()
    def reopen(self) -> None:
        self.index.close()
        self.open()

    @invariant()
    def agrees(self) -> None:
        with self.index.snapshot() as snapshot:
            assert_agrees(snapshot, self.model)

    def teardown(self) -> None:
        with self.index.snapshot() as snapshot:
            findings = check(snapshot)
        self.index.close()
        octets = Path(os.fsdecode(self.directory), "data.mdb").read_bytes()
        shutil.rmtree(self.directory)
        assert findings == []
        walk(octets)


TestTurns = Turns.TestCase
TestTurns.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)
