"""EXPUNGE: files go, then a tombstone for each."""

from collections.abc import Callable, Sequence
from typing import Final

from maildird.index.rows import MailboxRow
from maildird.mailbox.disk import OwnChanges
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
    removed: list[int] = []
    with (
        turn.disk.own_changes(row.id, turn.folder(row)) as own,
        turn.stamping(row) as stamp,
    ):

        def note(uids: Sequence[int]) -> None:
            turn.batch.expunge_all(row.id, uids, stamp.modseq)
            removed.extend(uids)

        take_files(turn, row, doomed, stamp, own, remove, note)
        return Expunged(stamp.modseq if stamp.used else None, tuple(sorted(removed)))


def take_files(
    turn: Turn,
    row: MailboxRow,
    uids: Sequence[int],
    stamp: Stamp,
    own: OwnChanges,
    take: Callable[[bytes, bytes], None],
    note: Callable[[Sequence[int]], None],
    pending: frozenset[bytes] = frozenset(),
) -> None:
    """Have messages' files removed by `take` (folder, name); `note` hears of those that were.

    A file that isn't where the index says was renamed by others: it is looked for again, lest an
    expunged message should come back. One that can't be found while others rename stays in the
    index, until a look that settles proves that it is gone. `pending` as in `look_again`.
    """
    missed = uids
    for attempt in range(ATTEMPTS):
        missed = _take_files(turn, row, missed, own, take, note)
        if not missed:
            break
        if attempt == 0:
            look_again(turn, row, stamp, pending)
        else:
            for uid in missed:
                look_for(turn, row, uid, stamp)


def _take_files(
    turn: Turn,
    row: MailboxRow,
    uids: Sequence[int],
    own: OwnChanges,
    take: Callable[[bytes, bytes], None],
    note: Callable[[Sequence[int]], None],
) -> list[int]:
    """Once; gives the UIDs of those whose file was not where the index says."""
    left = turn.batch.names_of(row.id, uids)
    own.expect(go=left.values())
    taken: list[int] = []
    try:
        for uid, name in list(left.items()):
            try:
                take(own.folder, name)
            except FileNotFoundError:
                continue
            taken.append(uid)
            del left[uid]
    finally:
        own.forget(go=left.values())
        if taken:
            note(taken)
    return list(left)


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
