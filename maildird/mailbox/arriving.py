"""APPEND, COPY and MOVE: messages come into being, all of a command or none.

Files appear first, then the directory is synced, then the UIDs are allotted and committed. When
anything fails on the way, the files that appeared are taken away again: they are ours alone, no
other program can have told anybody of them yet but as news.
"""

import os
from collections.abc import Callable

from maildird.index.rows import MailboxRow, NewMessage
from maildird.mailbox.expunging import remove_message
from maildird.mailbox.identity import need_folder
from maildird.mailbox.keywords import named_letters, numbers_of
from maildird.mailbox.observing import (
    ATTEMPTS,
    look_again,
    look_for,
    look_now,
    uidlist_changed,
)
from maildird.mailbox.reconcile import base_of
from maildird.mailbox.requests import CopyTo, Deliver
from maildird.mailbox.results import Appended, Copied
from maildird.mailbox.turn import Turn
from maildird.maildir.folders import copy_into, publish
from maildird.terms.flags import flag_names


def deliver(turn: Turn, request: Deliver) -> Appended:
    """Publish staged messages; Refused (LIMIT) for a keyword too many, OSError on disk."""
    row = need_folder(turn, turn.row(request.mailbox))
    folder = turn.folder(row)
    arrivals = []
    with turn.disk.own_changes(row.id, folder):
        for delivery in request.deliveries:
            row, mask = numbers_of(turn, row, delivery.flags)
            name = publish(delivery.staged, folder, mask, named_letters(row))
            turn.on_failure(_remover(folder, name))
            arrivals.append((name, mask))
        turn.sync_later(os.path.join(folder, b"cur"))
        uids, modseq = add_arrivals(turn, row, arrivals)
    return Appended(row.uidvalidity, uids, modseq)


def copy_to(turn: Turn, request: CopyTo) -> Copied:
    """Copy or move messages; those that are gone are left out, as RFC 3501 section 6.4.7 lets us.

    For a move the copies are on disk for good before the first original goes, and from then on
    nothing takes them away again.
    """
    source = need_folder(turn, turn.row(request.source))
    target = need_folder(turn, turn.row(request.target))
    folder = turn.folder(target)
    copied: list[int] = []
    arrivals: list[tuple[bytes, int]] = []
    with turn.disk.own_changes(target.id, folder):
        for uid in request.uids:
            found = _copy_one(turn, source, target, uid, arrivals)
            if found is None:
                continue
            target, name, mask = found
            turn.on_failure(_remover(folder, name))
            copied.append(uid)
            arrivals.append((name, mask))
        if arrivals:
            turn.sync_now(os.path.join(folder, b"cur"))
            uids, _modseq = add_arrivals(turn, target, arrivals)
        else:
            uids = ()
    for uid, new in zip(copied, uids, strict=True):
        facts = turn.batch.facts(source.id, uid)
        if facts is not None:
            turn.batch.put_facts(target.id, new, facts)
    if request.move:
        turn.pass_point_of_no_return()
        _remove_originals(turn, source.id, copied)
    return Copied(target.uidvalidity, tuple(copied), uids)


def add_arrivals(
    turn: Turn, row: MailboxRow, arrivals: list[tuple[bytes, int]]
) -> tuple[tuple[int, ...], int]:
    """Give messages (name, mask) that are on disk their UIDs, in order, and one new MODSEQ."""
    row = turn.row(row.id)
    with turn.stamping(row) as stamp:
        if uidlist_changed(turn, row):
            look_now(turn, row, stamp, frozenset(base_of(name) for name, _mask in arrivals))
        first = turn.row(row.id).uidnext
        turn.batch.add_many(
            row.id,
            [
                NewMessage(first + at, stamp.modseq, mask, name, base_of(name))
                for at, (name, mask) in enumerate(arrivals)
            ],
        )
        turn.update(row.id, uidnext=first + len(arrivals))
        modseq = stamp.modseq
    uids = tuple(range(first, first + len(arrivals)))
    turn.unlisted.setdefault(row.id, []).extend(
        (uid, name) for uid, (name, _mask) in zip(uids, arrivals, strict=True)
    )
    return uids, modseq


def _copy_one(
    turn: Turn,
    source: MailboxRow,
    target: MailboxRow,
    uid: int,
    arrivals: list[tuple[bytes, int]],
) -> tuple[MailboxRow, bytes, int] | None:
    """Copy one message; `arrivals` is what came before it, and not in the index yet."""
    for attempt in range(ATTEMPTS):
        message = turn.batch.message(source.id, uid)
        name = turn.batch.name(source.id, uid)
        if message is None or name is None:
            return None
        target, mask = numbers_of(turn, target, flag_names(message.mask, source.keywords))
        try:
            copied = copy_into(
                turn.folder(source), name, turn.folder(target), mask, named_letters(target)
            )
        except FileNotFoundError:
            same = source.id == target.id
            pending = frozenset(base_of(name) for name, _mask in arrivals if same)
            with turn.stamping(turn.row(source.id)) as stamp:
                if attempt == 0:
                    look_again(turn, source, stamp, pending)
                else:
                    look_for(turn, source, uid, stamp)
        else:
            return target, copied, mask
    return None


def _remove_originals(turn: Turn, mailbox: int, uids: list[int]) -> None:
    row = turn.row(mailbox)
    with turn.disk.own_changes(row.id, turn.folder(row)), turn.stamping(row) as stamp:
        for uid in uids:
            remove_message(turn, row, uid, stamp)


def _remover(folder: bytes, name: bytes) -> Callable[[], None]:
    return lambda: os.unlink(os.path.join(folder, name))
