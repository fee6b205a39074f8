"""STORE: flags of messages change, on disk by a rename, then in the index.

Theory of operation. The file name carries system flags and the keywords that have a letter; of
keywords beyond those the folder says how they are about to change before anything does
(`letterless`). All messages are gone through together: what each is to become is planned from the
index, then the files are renamed, then the index learns of those that were. A rename that finds no
file means that another program was quicker: the folder is looked at once more and the change is
made on top of what the other one did, if the condition of a conditional STORE is still met then.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from maildird.index.rows import MailboxRow, MessageRow
from maildird.mailbox.conditions import passes
from maildird.mailbox.disk import OwnChanges
from maildird.mailbox.identity import need_folder
from maildird.mailbox.keywords import named_letters, numbers_of
from maildird.mailbox.letterless import doubt, say_letterless
from maildird.mailbox.observing import ATTEMPTS, look_again, look_for
from maildird.mailbox.reconcile import base_of
from maildird.mailbox.requests import Store
from maildird.mailbox.results import FlagChangeHow, Stored
from maildird.mailbox.turn import Stamp, Turn
from maildird.maildir.folders import flagged_name, rename_message
from maildird.terms.flags import LETTER_KEYWORDS, LETTER_MASK, LETTERLESS_MASK, SYSTEM_MASK


class _Change(NamedTuple):
    """What one message is to become; its name stays as it is where the file says nothing of it."""

    uid: int
    before: int
    mask: int
    name: bytes
    renamed: bytes


@dataclass(slots=True)
class _Work:
    """A STORE on its way: `row` and `wanted` go by the keywords that the mailbox has now.

    `letterless` are the letterless keywords, as masks, of the messages of which they changed.
    """

    turn: Turn
    request: Store
    own: OwnChanges
    stamp: Stamp
    row: MailboxRow
    wanted: int
    changed: list[int] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)
    letterless: dict[int, int] = field(default_factory=dict)


def store(turn: Turn, request: Store) -> Stored:
    """Carry out `request`; Refused (LIMIT) when it names a keyword too many, OSError on disk."""
    row = need_folder(turn, turn.row(request.mailbox))
    row, wanted = numbers_of(turn, row, request.flags)
    said = _say_first(turn, row, request, wanted)
    folder = turn.folder(row)
    with turn.disk.own_changes(row.id, folder) as own, turn.stamping(row) as stamp:
        work = _Work(turn, request, own, stamp, row, wanted)
        try:
            _store_all(work)
        finally:
            if work.letterless != said:
                doubt(turn, row)
        modseq = stamp.modseq if stamp.used else None
    return Stored(modseq, *(tuple(sorted(uids)) for uids in (work.changed, work.failed, work.gone)))


def _say_first(turn: Turn, row: MailboxRow, request: Store, wanted: int) -> dict[int, int]:
    """Say in the folder how letterless keywords change; gives the masks of those, by UID."""
    replaces = request.how is FlagChangeHow.REPLACE and any(row.keywords[LETTER_KEYWORDS:])
    if not (replaces or wanted & LETTERLESS_MASK):
        return {}
    condition, said = request.condition, {}
    for message in turn.batch.messages(row.id, request.uids):
        mask = changed_mask(message.mask, request.how, wanted)
        if (mask ^ message.mask) & LETTERLESS_MASK and (
            condition is None or passes(condition, request.how, wanted, message, row.keywords)
        ):
            said[message.uid] = mask & LETTERLESS_MASK
    names = turn.batch.names_of(row.id, said)
    say_letterless(turn, row, {base_of(name): said[uid] for uid, name in names.items()})
    return said


def _store_all(work: _Work) -> None:
    missed: Sequence[int] = work.request.uids
    for attempt in range(ATTEMPTS):
        missed = _store(work, missed)
        if not missed:
            break
        if attempt == 0:
            _look_again(work)
        else:
            for uid in missed:
                look_for(work.turn, work.row, uid, work.stamp)
    work.gone.extend(missed)


def _store(work: _Work, uids: Iterable[int]) -> list[int]:
    """Change messages, and give the UIDs of those whose file was not where the index says."""
    plan = _plan(work, uids)
    renames = {change.name: change.renamed for change in plan if change.renamed != change.name}
    work.own.expect(come=renames.values(), go=renames)
    done: list[_Change] = []
    missed: list[int] = []
    try:
        for change in plan:
            try:
                rename_message(work.own.folder, change.name, change.renamed)
            except FileNotFoundError:
                missed.append(change.uid)
            else:
                done.append(change)
    finally:
        for change in done:
            renames.pop(change.name, None)
        work.own.forget(come=renames.values(), go=renames)
        _note(work, done)
    return missed


def _plan(work: _Work, uids: Iterable[int]) -> list[_Change]:
    """What is to be changed; messages that are gone, or fail the condition, are noted as such."""
    batch, condition, how = work.turn.batch, work.request.condition, work.request.how
    messages = {message.uid: message for message in batch.messages(work.row.id, uids)}
    names = batch.names_of(work.row.id, messages)
    named = named_letters(work.row)
    work.gone.extend(uid for uid in uids if uid not in messages)
    plan = []
    for uid, message in messages.items():
        mask = changed_mask(message.mask, how, work.wanted)
        if condition is not None and not passes(
            condition, how, work.wanted, message, work.row.keywords
        ):
            work.failed.append(uid)
        elif mask != message.mask:
            renamed = _renamed(names[uid], message, mask, named)
            plan.append(_Change(uid, message.mask, mask, names[uid], renamed))
    return plan


def _renamed(name: bytes, message: MessageRow, mask: int, named: int) -> bytes:
    """The name that a message gets with `mask`."""
    if not (mask ^ message.mask) & (SYSTEM_MASK | LETTER_MASK):
        return name
    return flagged_name(name, mask, named)


def _note(work: _Work, done: Sequence[_Change]) -> None:
    """Have the index know what was done."""
    if done:
        batch, mailbox = work.turn.batch, work.row.id
        batch.set_names(mailbox, {c.uid: c.renamed for c in done if c.renamed != c.name})
        batch.set_masks(mailbox, work.stamp.modseq, {c.uid: c.mask for c in done})
        work.changed.extend(change.uid for change in done)
        changed = (change for change in done if (change.mask ^ change.before) & LETTERLESS_MASK)
        work.letterless.update({change.uid: change.mask & LETTERLESS_MASK for change in changed})


def _look_again(work: _Work) -> None:
    """Take over what others changed, be it the numbers of the keywords."""
    look_again(work.turn, work.row, work.stamp)
    row = work.turn.row(work.row.id)
    work.row, work.wanted = numbers_of(work.turn, row, work.request.flags)


def changed_mask(mask: int, how: FlagChangeHow, wanted: int) -> int:
    """`mask` after a change by the flags in `wanted` (RFC 3501 section 6.4.6)."""
    match how:
        case FlagChangeHow.REPLACE:
            return wanted
        case FlagChangeHow.ADD:
            return mask | wanted
        case FlagChangeHow.REMOVE:
            return mask & ~wanted
