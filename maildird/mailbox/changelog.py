"""The latest changes of a mailbox, as the index has them.

Theory of operation. The index keeps each message under the MODSEQ of its last change, and each
removal under its own; what a message went through before is not there. Nor does it say whether the
last change was the arrival. The server that made the change knows (`history`). Without it the other
messages may tell: UIDs rise with time, so a message whose MODSEQ is above that of one with a higher
UID was there before that one came, and so has changed since it arrived.
"""

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, takewhile
from typing import Literal

from maildird.index.rows import MailboxRow, MessageRow, Tombstone
from maildird.index.snapshots import Snapshot
from maildird.mailbox.history import Made
from maildird.terms.flags import flag_names

Kind = Literal["arrival", "flags", "removal", "change"]
"""`change` is an arrival or a change of flags, where nobody can tell."""


@dataclass(frozen=True, slots=True)
class Entry:
    """The last change of one message.

    `flags` are those that it has now, `name` is its subdirectory and file name, `header` the common
    header fields; all three are empty when it is gone, and the header when it isn't known. `made`
    says how it came about, None where the server doesn't know (any more).
    """

    modseq: int
    uid: int
    kind: Kind
    flags: tuple[str, ...] = ()
    name: bytes = b""
    header: bytes = b""
    made: Made | None = None


def latest_changes(
    snapshot: Snapshot, row: MailboxRow, since: int, most: int | None
) -> Sequence[MessageRow | Tombstone]:
    """What changed after the MODSEQ `since`, the `most` last of it; MODSEQs rise."""
    changed: Iterable[MessageRow | Tombstone] = heapq.merge(
        snapshot.changed_backwards(row.id),
        snapshot.gone_backwards(row.id),
        key=lambda change: change.modseq,
        reverse=True,
    )
    latest = islice(takewhile(lambda change: change.modseq > since, changed), most)
    return sorted(latest, key=lambda change: (change.modseq, change.uid))


def entries(
    snapshot: Snapshot,
    row: MailboxRow,
    changes: Sequence[MessageRow | Tombstone],
    history: Iterable[Made],
) -> Sequence[Entry]:
    """What can be said of changes, which `latest_changes` gave in the same snapshot."""
    made = {each.modseq: each for each in history}
    unknown = [change.uid for change in changes if change.modseq not in made]
    known_later = _earliest_above(snapshot, row, min(unknown)) if unknown else {}
    return [_entry(snapshot, row, change, made, known_later) for change in changes]


def _entry(
    snapshot: Snapshot,
    row: MailboxRow,
    change: MessageRow | Tombstone,
    made: Mapping[int, Made],
    earliest_above: Mapping[int, int],
) -> Entry:
    known = made.get(change.modseq)
    if isinstance(change, Tombstone):
        return Entry(change.modseq, change.uid, "removal", made=known)
    kind: Kind = "change"
    if known is not None:
        kind = "arrival" if change.uid >= known.first_new else "flags"
    elif earliest_above[change.uid] < change.modseq:
        kind = "flags"
    facts = snapshot.facts(row.id, change.uid)
    return Entry(
        change.modseq,
        change.uid,
        kind,
        flag_names(change.mask, row.keywords),
        snapshot.name(row.id, change.uid) or b"",
        b"" if facts is None else facts.header,
        known,
    )


def _earliest_above(snapshot: Snapshot, row: MailboxRow, lowest: int) -> Mapping[int, int]:
    """For each UID from `lowest` on: the lowest MODSEQ that a message above it is known to have.

    Those that are gone count, too: they came before they went.
    """
    columns = snapshot.columns(row.id)
    modseqs = dict(zip(columns.uids, columns.modseqs, strict=True))
    modseqs |= {gone.uid: gone.modseq for gone in snapshot.gone_since(row.id, 0)}
    earliest, least = {}, row.highestmodseq + 1
    for uid in sorted((uid for uid in modseqs if uid >= lowest), reverse=True):
        earliest[uid] = least
        least = min(least, modseqs[uid])
    return earliest
