"""EXPUNGE: files go, then a tombstone for each."""

from collections.abc import Callable
from typing import Final

from maildird.index.rows import MailboxRow
from maildird.mailbox.observing import ATTEMPTS, look_again, look_for
from maildird.mailbox.requests import Expunge
from maildird.mailbox.results import Expunged
from maildird.mailbox.turn import Stamp, Turn
from maildird.maildir.folders import remove
from maildird.terms.flags import DELETED

FEW: Final = 1000
"""So many messages are quicker looked up than found in the columns of a large mailbox."""


def expunge(turn: Turn, request: Expunge) -> Expunged:
    """Remove the messages that have \\Deleted; OSError when the directory forbids it."""
    row = turn.row(request.mailbox)
    doomed = _doomed(turn, row, request)
    with turn.disk.own_changes(row.id, turn.folder(row)), turn.stamping(row) as stamp:
        removed = tuple(uid for uid in doomed if remove_message(turn, row, uid, stamp))
        return Expunged(stamp.modseq if stamp.used else None, removed)


def remove_message(turn: Turn, row: MailboxRow, uid: int, stamp: Stamp) -> bool:
    """Remove one message, whatever its flags are; False when it was gone already."""
    if not take_file(turn, row, uid, stamp, remove):
        return False
    turn.batch.expunge(row.id, uid, stamp.modseq)
    return True


def take_file(
    turn: Turn,
    row: MailboxRow,
    uid: int,
    stamp: Stamp,
    take: Callable[[bytes, bytes], None],
    pending: frozenset[bytes] = frozenset(),
) -> bool:
    """Have a message's file removed by `take` (folder, name); False when it is not there.

    A file that isn't where the index says was renamed by others: it is looked for again, lest an
    expunged message should come back. One that can't be found while others rename stays in the
    index, until a look that settles proves that it is gone. `pending` as in `look_again`.
    """
    for attempt in range(ATTEMPTS):
        name = turn.batch.name(row.id, uid)
        if name is None:
            return False
        try:
            take(turn.folder(row), name)
        except FileNotFoundError:
            if attempt == 0:
                look_again(turn, row, stamp, pending)
            else:
                look_for(turn, row, uid, stamp)
        else:
            return True
    return False


def _doomed(turn: Turn, row: MailboxRow, request: Expunge) -> list[int]:
    """The messages that have \\Deleted; a few that are named are looked up one by one."""
    uids = request.uids
    if uids is not None and len(uids) < FEW:
        return [m.uid for m in turn.batch.messages(row.id, uids) if m.mask & DELETED]
    columns = turn.batch.columns(row.id)
    asked = None if uids is None else frozenset(uids)
    return [
        uid
        for uid, mask in zip(columns.uids, columns.masks, strict=True)
        if mask & DELETED and uid < request.uidnext and (asked is None or uid in asked)
    ]
