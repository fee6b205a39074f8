"""STORE: flags of messages change, on disk by a rename, then in the index.

The file name carries system flags and the keywords that have a letter; of keywords beyond those the
folder says how they are about to change before anything does (`letterless`). A rename that finds no
file means that another program was quicker: the folder is looked at once more and the change is
made on top of what the other one did, if the condition of a conditional STORE is still met then.
"""

from dataclasses import dataclass, field

from maildird.index.rows import MailboxRow, MessageRow
from maildird.mailbox.conditions import passes
from maildird.mailbox.identity import need_folder
from maildird.mailbox.keywords import named_letters, numbers_of
from maildird.mailbox.letterless import doubt, say_letterless
from maildird.mailbox.observing import ATTEMPTS, look_again, look_for
from maildird.mailbox.reconcile import base_of
from maildird.mailbox.requests import Store
from maildird.mailbox.results import FlagChangeHow, Stored
from maildird.mailbox.turn import Stamp, Turn
from maildird.maildir.folders import change_flags
from maildird.terms.flags import LETTER_KEYWORDS, LETTER_MASK, LETTERLESS_MASK, SYSTEM_MASK


@dataclass(slots=True)
class _Work:
    """A STORE on its way: `row` and `wanted` go by the keywords that the mailbox has now.

    `letterless` are the letterless keywords, as masks, of the messages of which they changed.
    """

    turn: Turn
    request: Store
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
    with turn.disk.own_changes(row.id, turn.folder(row)), turn.stamping(row) as stamp:
        work = _Work(turn, request, stamp, row, wanted)
        try:
            for uid in request.uids:
                _store_one(work, uid)
        finally:
            if work.letterless != said:
                doubt(turn, row)
        modseq = stamp.modseq if stamp.used else None
    return Stored(modseq, tuple(work.changed), tuple(work.failed), tuple(work.gone))


def _say_first(turn: Turn, row: MailboxRow, request: Store, wanted: int) -> dict[int, int]:
    """Say in the folder how letterless keywords change; gives the masks of those, by UID."""
    replaces = request.how is FlagChangeHow.REPLACE and any(row.keywords[LETTER_KEYWORDS:])
    if not (replaces or wanted & LETTERLESS_MASK):
        return {}
    condition, said, masks = request.condition, {}, {}
    for message in turn.batch.messages(row.id, request.uids):
        mask = changed_mask(message.mask, request.how, wanted)
        if (mask ^ message.mask) & LETTERLESS_MASK and (
            condition is None or passes(condition, request.how, wanted, message, row.keywords)
        ):
            name = turn.batch.name(row.id, message.uid)
            assert name is not None
            said[message.uid] = masks[base_of(name)] = mask & LETTERLESS_MASK
    say_letterless(turn, row, masks)
    return said


def _store_one(work: _Work, uid: int) -> None:
    batch, condition, how = work.turn.batch, work.request.condition, work.request.how
    for attempt in range(ATTEMPTS):
        message = batch.message(work.row.id, uid)
        if message is None:
            break
        if condition is not None and not passes(
            condition, how, work.wanted, message, work.row.keywords
        ):
            work.failed.append(uid)
            return
        mask = changed_mask(message.mask, how, work.wanted)
        if mask == message.mask:
            return
        try:
            rename_to_mask(work.turn, work.row, message, mask)
        except FileNotFoundError:
            if attempt == 0:
                _look_again(work)
            else:
                look_for(work.turn, work.row, uid, work.stamp)
        else:
            batch.set_mask(work.row.id, uid, work.stamp.modseq, mask)
            if (mask ^ message.mask) & LETTERLESS_MASK:
                work.letterless[uid] = mask & LETTERLESS_MASK
            work.changed.append(uid)
            return
    work.gone.append(uid)


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


def rename_to_mask(turn: Turn, row: MailboxRow, message: MessageRow, mask: int) -> None:
    """Give the message's file the letters of `mask`; FileNotFoundError when it isn't there."""
    if not (mask ^ message.mask) & (SYSTEM_MASK | LETTER_MASK):
        return
    name = turn.batch.name(row.id, message.uid)
    assert name is not None
    renamed = change_flags(turn.folder(row), name, mask, named_letters(row))
    if renamed != name:
        turn.batch.set_name(row.id, message.uid, renamed)
