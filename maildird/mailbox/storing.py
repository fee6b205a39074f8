"""STORE: flags of messages change, on disk by a rename, then in the index.

The file name carries system flags and the keywords that have a letter; keywords beyond those change
in the index alone. A rename that finds no file means that another program was quicker: the folder
is looked at once more and the change is made on top of what the other one did.
"""

from dataclasses import dataclass

from maildird.index.rows import MailboxRow, MessageRow
from maildird.mailbox.keywords import named_letters, numbers_of
from maildird.mailbox.observing import look_again
from maildird.mailbox.requests import Store
from maildird.mailbox.results import FlagChangeHow, Stored
from maildird.mailbox.turn import Stamp, Turn
from maildird.maildir.folders import change_flags
from maildird.terms.flags import LETTER_MASK, SYSTEM_MASK


@dataclass(slots=True)
class _Tally:
    changed: list[int]
    failed: list[int]
    gone: list[int]


def store(turn: Turn, request: Store) -> Stored:
    """Carry out `request`; Refused (LIMIT) when it names a keyword too many, OSError on disk."""
    row, wanted = numbers_of(turn, turn.row(request.mailbox), request.flags)
    tally = _Tally([], [], [])
    with turn.disk.own_changes(row.id, turn.folder(row)), turn.stamping(row) as stamp:
        for uid in request.uids:
            _store_one(turn, row, request, uid, wanted, stamp, tally)
        modseq = stamp.modseq if stamp.used else None
    return Stored(modseq, tuple(tally.changed), tuple(tally.failed), tuple(tally.gone))


def _store_one(
    turn: Turn,
    row: MailboxRow,
    request: Store,
    uid: int,
    wanted: int,
    stamp: Stamp,
    tally: _Tally,
) -> None:
    for attempt in (1, 2):
        message = turn.batch.message(row.id, uid)
        if message is None:
            tally.gone.append(uid)
            return
        mask = changed_mask(message.mask, request.how, wanted)
        if mask == message.mask:
            return
        if request.unchanged_since is not None and message.modseq > request.unchanged_since:
            tally.failed.append(uid)
            return
        try:
            rename_to_mask(turn, row, message, mask)
        except FileNotFoundError:
            if attempt == 2:
                tally.gone.append(uid)
                return
            look_again(turn, row, stamp)
        else:
            turn.batch.set_mask(row.id, uid, stamp.modseq, mask)
            tally.changed.append(uid)
            return


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
