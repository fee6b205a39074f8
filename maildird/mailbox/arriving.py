"""Messages come into being, all of a command or none: APPEND, and what COPY and MOVE need for it.

Theory of operation. Files appear first, then the directory is synced, then the UIDs are allotted
and committed. When anything fails on the way, the files that appeared are taken away again: they
are ours alone, no other program can have told anybody of them yet but as news.

An intent goes before all that, but where a single file appears: that is there or not, by itself.
"""

import os
from collections.abc import Iterable, Sequence
from functools import partial

from maildird.index.rows import MailboxRow, NewMessage
from maildird.mailbox.identity import need_folder
from maildird.mailbox.keywords import named_letters, numbers_of
from maildird.mailbox.letterless import say_letterless
from maildird.mailbox.observing import look_now, uidlist_changed
from maildird.mailbox.reconcile import base_of
from maildird.mailbox.requests import Deliver
from maildird.mailbox.results import Appended, Incoming
from maildird.mailbox.turn import Turn
from maildird.maildir.arrivals import Arrivals, Copies, Deliveries, bases_of, take_back
from maildird.maildir.folders import Staged, discard, publish, published_name, stage
from maildird.terms.flags import LETTERLESS_MASK

Arrived = tuple[bytes, int]
"""A message that has appeared: its name, and its flags as a mask."""


def deliver(turn: Turn, request: Deliver) -> Appended:
    """Publish messages; Refused (LIMIT) for a keyword too many, OSError on disk."""
    row = need_folder(turn, turn.row(request.mailbox))
    folder = turn.folder(row)
    masks = []
    for delivery in request.deliveries:
        row, mask = numbers_of(turn, row, delivery.flags)
        masks.append(mask)
    named = named_letters(row)
    staged = [_staged(turn, folder, delivery.message) for delivery in request.deliveries]
    names = tuple(
        published_name(each, mask, named) for each, mask in zip(staged, masks, strict=True)
    )
    arrivals = list(zip(names, masks, strict=True))
    say_letterless(turn, row, letterless_in(arrivals))
    intend_arrivals(turn, folder, Deliveries(names))
    with turn.disk.own_changes(row.id, folder) as own:
        own.expect(come=names)
        for each, mask in zip(staged, masks, strict=True):
            publish(each, folder, mask, named)
        turn.sync_later(os.path.join(folder, b"cur"))
        uids, modseq = add_arrivals(turn, row, arrivals)
    return Appended(row.uidvalidity, uids, modseq)


def letterless_in(arrivals: Iterable[Arrived]) -> dict[bytes, int]:
    """The masks of those arrivals that have letterless keywords, by base name."""
    return {base_of(name): mask for name, mask in arrivals if mask & LETTERLESS_MASK}


def _staged(turn: Turn, folder: bytes, message: Staged | Incoming) -> Staged:
    """The message in the folder's tmp/."""
    if isinstance(message, Staged):
        return message
    staged = stage(folder, message.content, message.internaldate)
    turn.on_failure(partial(discard, staged))
    return staged


def add_arrivals(
    turn: Turn, row: MailboxRow, arrivals: Sequence[Arrived]
) -> tuple[tuple[int, ...], int]:
    """Give messages that are on disk their UIDs, in order, and one new MODSEQ."""
    row = turn.row(row.id)
    with turn.stamping(row) as stamp:
        if uidlist_changed(turn, row):
            look_now(turn, row, stamp, frozenset(base_of(name) for name, _mask in arrivals))
        first = turn.row(row.id).uidnext
        turn.update(row.id, uidnext=first + len(arrivals))
        turn.batch.add_many(
            row.id,
            [
                NewMessage(first + at, stamp.modseq, mask, name, base_of(name))
                for at, (name, mask) in enumerate(arrivals)
            ],
        )
        modseq = stamp.modseq
    uids = tuple(range(first, first + len(arrivals)))
    turn.unlisted.setdefault(row.id, []).extend(
        (uid, name) for uid, (name, _mask) in zip(uids, arrivals, strict=True)
    )
    return uids, modseq


def intend_arrivals(turn: Turn, folder: bytes, arrivals: Arrivals) -> None:
    """Have what is about to arrive in a folder taken away should the request fail.

    For a single message that moves the intent is not synced, which would cost more than all the
    rest: a power cut may leave it in both mailboxes, but never in none.
    """
    undo = partial(take_back, folder, arrivals)
    several = len(bases_of(arrivals)) > 1
    if several or (isinstance(arrivals, Copies) and arrivals.hiding):
        turn.intend(os.path.join(folder, b"tmp"), arrivals, undo, lasts=several)
    else:
        turn.on_failure(undo)
