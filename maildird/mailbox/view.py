"""A session's view of its mailbox: what the client has been told, column by column.

Theory of operation. A view is a snapshot of the mailbox's columns that moves forward only when its
session *pulls*. A pull asks the index for what changed and what went away after `pulled`, the
highest MODSEQ that the view has seen, and turns it into `Changes`, which the session tells at once
and in full. So a view is always exactly what its client believes.

Expunges may have to wait: none may be told during FETCH, STORE or SEARCH by number (RFC 3501
section 7.4.1). Such messages stay in the columns, so that sequence numbers hold, and are kept apart
as *withheld* with the MODSEQ of their tombstone. While there are any, the HIGHESTMODSEQ that the
client may hear of is below the lowest of them (RFC 7162 section 6): a client whose connection
breaks now will ask from there and hear of the removals then.

Tombstones may be pruned before a view has pulled them, for sessions sleep as long as they like.
Such a view compares UIDs instead, once: what it has and the index lacks is gone. When it went is
not known any more, so the removal counts as the earliest that it can be, `pulled` + 1. Where it has
to wait, HIGHESTMODSEQ stays at what was pulled before, and a client that comes back with that is
told all missing UIDs.

A message that arrived and went between two pulls was never told and is never mentioned.

Columns are never changed, only replaced: sessions that know the same share them (`shared_columns`).
"""

import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import Final

from maildird.index.rows import Columns, MailboxRow, MessageRow, Tombstone
from maildird.mailbox.results import Changes, FlagChange, Removal
from maildird.mailbox.shared_columns import revised
from maildird.terms.flags import SEEN

_LOWEST: Final = 0 if sys.byteorder == "little" else array("Q").itemsize - 1
"""Where in the octets of a mask the system flags are."""

_UNSEEN: Final = bytes(ord("s") if flags & SEEN else ord("u") for flags in range(256))


class View:
    """The columns of one selected mailbox as one client knows them; rows are in order of UID.

    `pulled` is the MODSEQ up to which everything was taken over; `uidnext` the one that goes with
    it. `first_recent` is the lowest UID that counts as \\Recent in this session.
    """

    def __init__(self, row: MailboxRow, columns: Columns, first_recent: int) -> None:
        self.columns = columns
        self.uidnext = row.uidnext
        self.pulled = row.highestmodseq
        self.first_recent = first_recent
        self._withheld: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self.uids)

    @property
    def uids(self) -> "array[int]":
        """The UIDs; they rise."""
        return self.columns.uids

    @property
    def modseqs(self) -> "array[int]":
        """The MODSEQ of each message."""
        return self.columns.modseqs

    @property
    def masks(self) -> "array[int]":
        """The flags of each message."""
        return self.columns.masks

    def seq_of(self, uid: int) -> int | None:
        """The sequence number of `uid`, None when the view doesn't have it."""
        uids = self.columns.uids
        at = bisect_left(uids, uid)
        return at + 1 if at < len(uids) and uids[at] == uid else None

    @property
    def withheld(self) -> frozenset[int]:
        """UIDs that are expunged but not yet told."""
        return frozenset(self._withheld)

    @property
    def recent(self) -> int:
        """How many messages are \\Recent in this session."""
        return len(self.uids) - bisect_left(self.uids, self.first_recent)

    @property
    def first_unseen(self) -> int | None:
        """The number of the first message that lacks \\Seen, None when none does."""
        lowest_bytes = self.masks.tobytes()[_LOWEST :: self.masks.itemsize]
        return lowest_bytes.translate(_UNSEEN).find(b"u") + 1 or None

    @property
    def highestmodseq(self) -> int:
        """The HIGHESTMODSEQ that the client may be told now (RFC 7162 section 6)."""
        if not self._withheld:
            return self.pulled
        return min(self.pulled, min(self._withheld.values()) - 1)

    def advance(
        self,
        row: MailboxRow,
        changed: Sequence[MessageRow],
        gone: Iterable[Tombstone],
        *,
        may_expunge: bool,
        keywords: bool = False,
        latest: Columns | None = None,
    ) -> Changes:
        """Take over what the index has after `pulled`, and say what the client has to be told.

        `changed` and `gone` are all living messages and all tombstones with a MODSEQ above
        `pulled`, from the same index snapshot as `row`; `keywords` says that new ones appeared.
        Where tombstones above `pulled` were pruned, their `stand_ins` follow those that are left.
        `latest` are all messages of that snapshot, if somebody knows them already.
        """
        for tombstone in gone:
            if self.seq_of(tombstone.uid) is not None:
                self._withheld.setdefault(tombstone.uid, tombstone.modseq)
        leaving = sorted(self._withheld) if may_expunge else []
        positions = [bisect_left(self.uids, uid) for uid in leaving]
        removals = tuple(Removal(at + 1 - told, self.uids[at]) for told, at in enumerate(positions))
        if may_expunge:
            self._withheld.clear()
        if latest is None or self._withheld:
            latest = revised(self.columns, positions, changed)
        self.columns = latest
        known_below, self.uidnext = self.uidnext, row.uidnext
        self.pulled = row.highestmodseq
        arrived = any(message.uid >= known_below for message in changed)
        flags = (self._flag_change(message) for message in changed if message.uid < known_below)
        return Changes(
            removals=removals,
            exists=len(self.uids) if arrived else None,
            recent=self.recent if arrived else None,
            flags=tuple(sorted(flags, key=lambda change: change.seq)),
            keywords=keywords,
        )

    def stand_ins(self, living: Iterable[int]) -> list[Tombstone]:
        """A tombstone for each UID that is not among `living`, the UIDs that the index has.

        They tell nothing of a removal that has a tombstone of its own or is withheld already:
        the first MODSEQ that the view hears of it counts. Costs O(mailbox).
        """
        return [Tombstone(uid, self.pulled + 1) for uid in set(self.uids).difference(living)]

    def _flag_change(self, message: MessageRow) -> FlagChange:
        at = bisect_left(self.uids, message.uid)
        return FlagChange(at + 1, message.uid, message.mask, message.modseq)
