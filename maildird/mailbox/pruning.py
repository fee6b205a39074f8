"""Pruning: how many tombstones a mailbox keeps (RFC 7162 section 5.3).

Theory of operation. A tombstone costs some 20 octets of the index, and nobody says when the last
client that needs it has come. But a client that comes from before the oldest one is not lost: it is
told all UIDs that are missing, as ranges, and between and beside the messages of a mailbox there
are at most messages + 1 of those. So more tombstones than messages tell hardly more than that list
says; `FEW` are kept in any case, as they cost next to nothing.

A mailbox that exceeds the bound loses its oldest tombstones until three quarters of the bound are
left, so that the next pruning is a quarter of the bound away and costs a small part of what the
expunges cost that led to it. All tombstones of one MODSEQ go together, be it all that there are:
the row's `pruned_modseq` has to say what is complete. Nobody is waited for: a session whose view is
older than that finds out for itself what is gone (`view`).
"""

from typing import Final

from maildird.mailbox.turn import Turn

FEW: Final = 50_000
"""So many tombstones, one megabyte, are kept of the smallest mailbox."""


def prune(turn: Turn) -> None:
    """Forget what tombstones are too many in the mailboxes that this turn changed.

    Costs the same at any size where there is nothing to prune.
    """
    batch = turn.batch
    for mailbox in turn.modseqs:
        bound = max(FEW, batch.message_count(mailbox))
        if batch.tombstone_count(mailbox) > bound:
            batch.prune(mailbox, keep=bound * 3 // 4)
