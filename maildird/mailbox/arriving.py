"""APPEND, COPY and MOVE: messages come into being, all of a command or none.

Theory of operation. Files appear first, then the directory is synced, then the UIDs are allotted
and committed. When anything fails on the way, the files that appeared are taken away again: they
are ours alone, no other program can have told anybody of them yet but as news. The originals of a
move are hidden when the copies are on disk for good, and go after the commit: until then all of it
can be taken back.

An intent goes before all that, but where one file appears and nothing goes: that is done or not by
itself. For a single message that moves it is not synced, which would cost more than all the rest;
a power cut may leave such a message in both mailboxes, never in none.
"""

import os
from functools import partial

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
from maildird.maildir.arrivals import Arrivals, drop_hidden, hide, take_back
from maildird.maildir.folders import complete, copy_into, publish
from maildird.maildir.names import unique_base
from maildird.terms.flags import flag_names


def deliver(turn: Turn, request: Deliver) -> Appended:
    """Publish staged messages; Refused (LIMIT) for a keyword too many, OSError on disk."""
    row = need_folder(turn, turn.row(request.mailbox))
    folder = turn.folder(row)
    arrivals = []
    _intend(turn, folder, Arrivals(tuple(each.staged.base for each in request.deliveries)))
    with turn.disk.own_changes(row.id, folder):
        for delivery in request.deliveries:
            row, mask = numbers_of(turn, row, delivery.flags)
            name = publish(delivery.staged, folder, mask, named_letters(row))
            arrivals.append((name, mask))
        turn.sync_later(os.path.join(folder, b"cur"))
        uids, modseq = add_arrivals(turn, row, arrivals)
    return Appended(row.uidvalidity, uids, modseq)


def copy_to(turn: Turn, request: CopyTo) -> Copied:
    """Copy or move messages; those that are gone are left out (RFC 3501 section 6.4.7)."""
    source = need_folder(turn, turn.row(request.source))
    target = need_folder(turn, turn.row(request.target))
    folder = turn.folder(target)
    names = {uid: turn.batch.name(source.id, uid) for uid in request.uids}
    originals = {uid: name for uid, name in names.items() if name is not None}
    bases = {uid: unique_base() for uid in originals}
    arriving = Arrivals(
        tuple(bases.values()), turn.folder(source), tuple(originals.values()), request.move
    )
    _intend(turn, folder, arriving)
    copied: list[int] = []
    arrivals: list[tuple[bytes, int]] = []
    with turn.disk.own_changes(target.id, folder):
        for uid, base in bases.items():
            found = _copy_one(turn, source, target, uid, base, arrivals)
            if found is None:
                continue
            target, name, mask = found
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
        turn.after_commit(partial(drop_hidden, arriving))
        _hide_originals(turn, source.id, {uid: bases[uid] for uid in copied})
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
    base: bytes,
    arrivals: list[tuple[bytes, int]],
) -> tuple[MailboxRow, bytes, int] | None:
    """Copy one message as `base`; `arrivals` is what came before it, and not in the index yet."""
    for attempt in range(ATTEMPTS):
        message = turn.batch.message(source.id, uid)
        name = turn.batch.name(source.id, uid)
        if message is None or name is None:
            return None
        target, mask = numbers_of(turn, target, flag_names(message.mask, source.keywords))
        try:
            copied = copy_into(
                turn.folder(source), name, turn.folder(target), base, mask, named_letters(target)
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


def _hide_originals(turn: Turn, mailbox: int, bases: dict[int, bytes]) -> None:
    """Take the originals of a move out of sight; `bases` are those of their copies, by UID."""
    row = turn.row(mailbox)
    folder = turn.folder(row)
    complete(folder)
    with turn.disk.own_changes(row.id, folder), turn.stamping(row) as stamp:
        for uid, base in bases.items():
            remove_message(turn, row, uid, stamp, partial(hide, base=base))


def _intend(turn: Turn, folder: bytes, arrivals: Arrivals) -> None:
    """Have what is about to arrive in a folder taken away should the request fail."""
    undo = partial(take_back, folder, arrivals)
    several = len(arrivals.bases) > 1
    if several or arrivals.leave:
        turn.intend(os.path.join(folder, b"tmp"), arrivals, undo, lasts=several)
    else:
        turn.on_failure(undo)
