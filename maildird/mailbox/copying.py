"""COPY and MOVE: messages of one mailbox come into another, all or none.

Theory of operation. Copies arrive as all messages do (`arriving`). The originals of a move are
hidden once the copies are on disk for good, before the index hears of anything, and unlinked after
the commit: until then all of it can be taken back.

A move may be what makes room on a full disk (the target lies on another one, or is emptied next).
Where neither an intent nor a place to hide can be made, the originals are removed at once, each
after its copy is on disk for good. If such a move is cut short, some messages have moved, with new
UIDs, and the others stay, perhaps beside their copies; none is lost.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from maildird.index.rows import MailboxRow, MessageRow
from maildird.mailbox.arriving import Arrived, add_arrivals, intend_arrivals, letterless_in
from maildird.mailbox.disk import OwnChanges
from maildird.mailbox.expunging import take_files
from maildird.mailbox.identity import need_folder
from maildird.mailbox.keywords import named_letters, numbers_of
from maildird.mailbox.letterless import say_letterless
from maildird.mailbox.observing import ATTEMPTS, look_again, look_for
from maildird.mailbox.reconcile import base_of
from maildird.mailbox.requests import CopyTo
from maildird.mailbox.results import Copied
from maildird.mailbox.turn import Turn
from maildird.maildir.arrivals import Copies, take_back
from maildird.maildir.folders import complete, copied_name, copy_into, remove
from maildird.maildir.hiding import drop_hidden, hide, make_hiding, new_hiding
from maildird.maildir.intents import needs_room
from maildird.maildir.names import unique_bases
from maildird.terms.flags import flag_names


def copy_to(turn: Turn, request: CopyTo) -> Copied:
    """Copy or move messages; those that are gone are left out (RFC 3501 section 6.4.7)."""
    source = need_folder(turn, turn.row(request.source))
    target = need_folder(turn, turn.row(request.target))
    folder = turn.folder(target)
    complete(folder)
    bases, hiding = _intend(turn, source, folder, request)
    hidden: list[int] = []
    with turn.disk.own_changes(target.id, folder) as own:
        target, copied = _copy_all(turn, source, target, bases, own)
        say_letterless(turn, target, letterless_in(copied.values()))
        if copied:
            turn.sync_now(os.path.join(folder, b"cur"))
        if request.move:
            take = remove if hiding is None else partial(hide, hiding=hiding)
            hidden = _take_all(turn, source, target, copied, take)
        uids = add_arrivals(turn, target, list(copied.values()))[0] if copied else ()
    turn.batch.copy_facts(source.id, target.id, dict(zip(copied, uids, strict=True)))
    with turn.stamping(turn.row(source.id)) as stamp:
        there = turn.batch.names_of(source.id, sorted(hidden))
        if there:
            turn.batch.expunge_all(source.id, there, stamp.modseq)
    return Copied(target.uidvalidity, tuple(copied), uids)


def _intend(
    turn: Turn, source: MailboxRow, folder: bytes, request: CopyTo
) -> tuple[dict[int, bytes], bytes | None]:
    """Leave an intent.

    Gives the base names that the copies get, by UID, and where the originals of a move hide, None
    when there is no room for that.
    """
    names = turn.batch.names_of(source.id, request.uids)
    originals = {uid: base_of(name) for uid, name in names.items()}
    bases = dict(zip(originals, unique_bases(len(originals)), strict=True))
    origin = turn.folder(source)
    hiding = new_hiding() if request.move and bases else None
    pairs = tuple(zip(bases.values(), originals.values(), strict=True))
    try:
        intend_arrivals(turn, folder, Copies(origin, pairs, hiding))
        if hiding is not None:
            complete(origin)
            make_hiding(origin, hiding)
            turn.after_commit(partial(drop_hidden, origin, hiding))
    except OSError as error:
        if hiding is None or not needs_room(error):
            raise
        turn.on_failure(partial(take_back, folder, Copies(origin, pairs)))
        hiding = None
    return bases, hiding


def _copy_all(
    turn: Turn,
    source: MailboxRow,
    target: MailboxRow,
    bases: Mapping[int, bytes],
    own: OwnChanges,
) -> tuple[MailboxRow, dict[int, Arrived]]:
    """Copy messages, under those base names; gives the target's row, and the copies by UID."""
    copied: dict[int, Arrived] = {}
    missed: Iterable[int] = bases
    for attempt in range(ATTEMPTS):
        messages = turn.batch.messages(source.id, missed)
        target, masks = _masks_in(turn, source, target, messages)
        missed = _copy(turn, source, target, {uid: bases[uid] for uid in masks}, masks, own, copied)
        if not missed:
            break
        with turn.stamping(turn.row(source.id)) as stamp:
            if attempt == 0:
                look_again(turn, source, stamp, _pending(source, target, copied))
            else:
                for uid in missed:
                    look_for(turn, source, uid, stamp)
    return target, dict(sorted(copied.items()))


def _masks_in(
    turn: Turn, source: MailboxRow, target: MailboxRow, messages: Iterable[MessageRow]
) -> tuple[MailboxRow, dict[int, int]]:
    """The flags that messages of `source` get in `target`, by UID; and the target's row then."""
    there: dict[int, int] = {}
    masks: dict[int, int] = {}
    for message in messages:
        if message.mask not in there:
            flags = flag_names(message.mask, source.keywords)
            target, there[message.mask] = numbers_of(turn, target, flags)
        masks[message.uid] = there[message.mask]
    return target, masks


def _copy(
    turn: Turn,
    source: MailboxRow,
    target: MailboxRow,
    bases: Mapping[int, bytes],
    masks: Mapping[int, int],
    own: OwnChanges,
    copied: dict[int, Arrived],
) -> list[int]:
    """Copy messages, and add them to `copied`, which the index doesn't have yet.

    Gives the UIDs of those whose file was not where the index says.
    """
    named, folder = named_letters(target), turn.folder(source)
    names = turn.batch.names_of(source.id, bases)
    copies = {uid: copied_name(name, bases[uid], masks[uid], named) for uid, name in names.items()}
    own.expect(come=copies.values())
    missed: list[int] = []
    for uid, name in names.items():
        try:
            copy_into(folder, name, own.folder, copies[uid])
        except FileNotFoundError:
            missed.append(uid)
        else:
            copied[uid] = copies[uid], masks[uid]
    return missed


def _take_all(
    turn: Turn,
    source: MailboxRow,
    target: MailboxRow,
    copied: dict[int, Arrived],
    take: Callable[[bytes, bytes], None],
) -> list[int]:
    """Have `take` (folder, name) the originals of a move; gives the UIDs of those it found."""
    taken: list[int] = []
    pending = _pending(source, target, copied)
    with (
        turn.disk.own_changes(source.id, turn.folder(source)) as own,
        turn.stamping(turn.row(source.id)) as stamp,
    ):
        take_files(turn, source, tuple(copied), stamp, own, take, taken.extend, pending)
    return taken


def _pending(
    source: MailboxRow, target: MailboxRow, copied: dict[int, Arrived]
) -> frozenset[bytes]:
    """Base names that are in the source and not in the index yet."""
    if source.id != target.id:
        return frozenset()
    return frozenset(base_of(name) for name, _mask in copied.values())
