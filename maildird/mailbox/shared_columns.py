"""The columns of mailboxes as they are now, which the views of all sessions share.

Theory of operation. A view of 100,000 messages is 2.4 MB, and reading it from the index takes some
two milliseconds. Most sessions know the same: what the index has now. So columns are never changed
but replaced, and the newest of each mailbox are kept here. Who opens a mailbox takes them, brought
forward by what changed since, and who pulls takes those that another session has made already: a
change is worked in once, however many sessions hear of it, and costs a copy of the columns, which
is 0.2 ms for 100,000 messages. A view that withholds expunges goes by itself meanwhile.

What is kept is bounded by `MOST_ROWS`; the mailboxes that were asked for longest ago go first.
"""

from array import array
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Final

from maildird.index.rows import Columns, MailboxRow, MessageRow
from maildird.index.snapshots import Snapshot

MOST_ROWS: Final = 500_000
"""Messages whose columns are kept, 24 octets each: 12 MB."""


class SharedColumns:
    """The newest columns of each mailbox, by its id, with the HIGHESTMODSEQ they go with."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, tuple[int, Columns]] = OrderedDict()

    def at(self, mailbox: int, highestmodseq: int) -> Columns | None:
        """The columns at just this HIGHESTMODSEQ, if they are known."""
        modseq, columns = self._kept.get(mailbox, (0, None))
        if modseq != highestmodseq:
            return None
        self._kept.move_to_end(mailbox)
        return columns

    def keep(self, mailbox: int, highestmodseq: int, columns: Columns) -> None:
        """These are the columns at this HIGHESTMODSEQ; older ones are never asked for again."""
        if self._kept.get(mailbox, (0, None))[0] >= highestmodseq:
            return
        self._kept[mailbox] = highestmodseq, columns
        self._kept.move_to_end(mailbox)
        rows = sum(len(columns.uids) for _modseq, columns in self._kept.values())
        while rows > MOST_ROWS:
            _mailbox, (_modseq, dropped) = self._kept.popitem(last=False)
            rows -= len(dropped.uids)

    def read(self, snapshot: Snapshot, row: MailboxRow) -> Columns:
        """The columns as `snapshot` has them; costs what changed since they were last asked for."""
        modseq, known = self._kept.get(row.id, (0, None))
        if known is None or not row.pruned_modseq <= modseq <= row.highestmodseq:
            known = snapshot.columns(row.id)
        elif modseq < row.highestmodseq:
            gone = (tombstone.uid for tombstone in snapshot.gone_since(row.id, modseq))
            changed = snapshot.changed_since(row.id, modseq)
            known = revised(known, positions_of(known, gone), changed)
        self.keep(row.id, row.highestmodseq, known)
        return known


def positions_of(columns: Columns, uids: Iterable[int]) -> list[int]:
    """Where those of `uids` stand that there are; rising."""
    places = ((bisect_left(columns.uids, uid), uid) for uid in uids)
    count = len(columns.uids)
    return sorted(at for at, uid in places if at < count and columns.uids[at] == uid)


def revised(columns: Columns, positions: Sequence[int], changed: Iterable[MessageRow]) -> Columns:
    """The columns without the rows at the rising `positions`, and with `changed` worked in.

    What is in `changed` with a UID above all others is new, and comes last.
    """
    uids, modseqs, masks = (
        _without(column, positions) for column in (columns.uids, columns.modseqs, columns.masks)
    )
    last = uids[-1] if uids else 0
    for message in sorted(changed):
        if message.uid > last:
            uids.append(message.uid)
            modseqs.append(message.modseq)
            masks.append(message.mask)
        else:
            at = bisect_left(uids, message.uid)
            modseqs[at] = message.modseq
            masks[at] = message.mask
    return Columns(uids, modseqs, masks)


def _without(column: "array[int]", positions: Sequence[int]) -> "array[int]":
    """A copy of `column` without the rising `positions`, made in one pass."""
    if not positions:
        return column[:]
    kept = column[: positions[0]]
    for at, following in zip(positions, [*positions[1:], len(column)], strict=True):
        kept.extend(column[at + 1 : following])
    return kept
