"""Observation: what other programs changed in a mailbox's directories comes into the index.

Theory of operation. Arrivals and flag changes are believed at once, whether an event named them or
a listing found them. A removal is believed only on two agreeing *stable* listings: directory times
unchanged over the listing and older than the clock's tick, else a rename that went on meanwhile can
hide a living file. Until then the mailbox is not *settled* and is looked at again.

Names that were heard of put the mailbox in step again without a listing where `disk` says that this
is sound. What an event says is gone, and no other name of the same batch accounts for, is a
suspect: only a listing clears it up.

All that one look finds gets one MODSEQ. While somebody has the mailbox selected read-write, new
mail is moved from new/ to cur/ as it is seen.
"""

import logging
import os

from maildird.index.rows import MailboxRow, NewMessage
from maildird.mailbox.adopting import mask_in
from maildird.mailbox.identity import check_folder, need_folder
from maildird.mailbox.keyword_file import take_over_keywords
from maildird.mailbox.letterless import unsay_gone
from maildird.mailbox.reconcile import (
    Difference,
    Doubled,
    Renamed,
    base_of,
    difference,
    in_delivery_order,
)
from maildird.mailbox.requests import Observe, Observed, TakeNew
from maildird.mailbox.strange import say_left_alone, say_strange
from maildird.mailbox.turn import Stamp, Turn, forget
from maildird.maildir.folders import (
    Listing,
    all_before,
    exists_in,
    folder_identity,
    folder_mtimes,
    list_folder,
    list_new,
    resolve_double,
    stirs,
    take_new,
    taken_name,
)
from maildird.maildir.locating import locate
from maildird.maildir.uidlists import UidList, read_uidlist, read_uidlist_header, uidlist_stamp
from maildird.terms.flags import LETTER_MASK, SYSTEM_MASK

logger = logging.getLogger(__name__)

MOST_LOOKS = 5
"""How often one request lists folders for files that it misses."""

ATTEMPTS = 5
"""How often a request tries to get hold of one file that others rename meanwhile."""

MOST_SEARCHES = 50
"""How often one request looks for single files, what it listed before included."""


def observe(turn: Turn, request: Observe) -> Observed:
    """Take over what changed; Refused (UNAVAILABLE) when the folder can't be read."""
    known = turn.row(request.mailbox)
    try:
        row = check_folder(turn, known)
        if row is None:
            forget(turn, turn.row(request.mailbox))
            return Observed(settled=True, suspects=False)
        if row.identity != known.identity:
            turn.disk.settle(row.id, None)
        with turn.stamping(row) as stamp:
            if request.hints is None or not _hints_suffice(turn, row, request.hints, request.heard):
                return _observe_all(turn, row, stamp)
            return _observe_hinted(turn, row, request.hints, request.heard, stamp)
    except BaseException:
        turn.disk.settle(request.mailbox, None)  # its hints are spent
        raise


def uidlist_changed(turn: Turn, row: MailboxRow) -> bool:
    """Whether another server may have given UIDs in this mailbox since we last looked."""
    stamp = uidlist_stamp(turn.folder(row))
    return stamp is not None and stamp != turn.disk.of(row.id).uidlist


def look_again(
    turn: Turn, row: MailboxRow, stamp: Stamp, pending: frozenset[bytes] = frozenset()
) -> None:
    """List a folder in which a file was not where the index says, within a request's own stamp.

    `pending` are base names of files that the request itself made and will add to the index. A
    request looks so often only (`MOST_LOOKS`), however many files it misses: what it misses still
    is left to the watcher.
    """
    if turn.looks < MOST_LOOKS:
        turn.looks += 1
        look_now(turn, row, stamp, pending)


def look_for(turn: Turn, row: MailboxRow, uid: int, stamp: Stamp) -> None:
    """Take over the name that one message has now, which others may change again soon.

    Quicker than `look_again`, so that it finds what is renamed all the time; bounded likewise.
    """
    name = turn.batch.name(row.id, uid)
    if name is None or turn.looks >= MOST_SEARCHES:
        return
    turn.looks += 1
    there = locate(turn.folder(row), base_of(name))
    if there is not None and there != name:
        _apply_rename(turn, row, Renamed(uid, there), stamp)


def look_now(
    turn: Turn, row: MailboxRow, stamp: Stamp, pending: frozenset[bytes] = frozenset()
) -> None:
    """As `look_again`, for what can't go on without."""
    _observe_all(turn, need_folder(turn, row), stamp, pending)


def take_all_new(turn: Turn, request: TakeNew) -> None:
    """Move all messages of a mailbox that lie in new/ to cur/."""
    row = turn.row(request.mailbox)
    folder = turn.folder(row)
    with turn.disk.own_changes(row.id, folder) as own:
        for name in list_new(folder):
            uid = turn.batch.uid_of(row.id, base_of(name))
            if uid is not None:
                own.expect(come=[taken_name(name)], go=[name])
                if not _take(turn, row, uid, name):
                    own.forget(come=[taken_name(name)], go=[name])


def _observe_all(
    turn: Turn, row: MailboxRow, stamp: Stamp, pending: frozenset[bytes] = frozenset()
) -> Observed:
    folder = turn.folder(row)
    row = take_over_keywords(turn, row, stamp)
    listing = list_folder(folder)
    say_strange(turn.disk, folder, listing)
    listed = set(listing.names)
    if pending:
        listed = {name for name in listed if base_of(name) not in pending}
    found = difference(
        turn.batch.all_names(row.id),
        listed,
        lambda name: _uid_of_name(turn, row, name),
        lambda base: _name_of_base(turn, row, base),
    )
    believed = _believed_removals(turn, row, found, listing)
    _apply(turn, row, found, stamp)
    unsay_gone(turn, turn.row(row.id), believed)
    for uid in believed:
        turn.batch.expunge(row.id, uid, stamp.modseq)
    _heed_uidlist(turn, row)
    suspects = len(believed) < len(found.missing)
    if found.doubled or pending:
        turn.disk.settle(row.id, None)
    elif suspects or not listing.stable:
        turn.disk.doubt(row.id, missing=suspects, listed=True)
    else:
        turn.disk.settle(row.id, listing.mtimes)
    return Observed(turn.disk.of(row.id).in_step is not None, suspects)


def _believed_removals(
    turn: Turn, row: MailboxRow, found: Difference, listing: Listing
) -> tuple[int, ...]:
    """Of the messages that a listing lacks those that are truly gone."""
    if not found.missing or not listing.stable:
        return ()
    again = list_folder(turn.folder(row))
    if not again.stable or again.mtimes != listing.mtimes or again.names != listing.names:
        return ()
    if folder_identity(turn.folder(row)) != row.identity:
        return ()  # its disk was unmounted while we looked
    return found.missing


def _hints_suffice(turn: Turn, row: MailboxRow, hints: frozenset[bytes], heard: int | None) -> bool:
    """Whether a look at names will do. Where the mailbox shall be in step afterwards, it has to be
    so before, and there have to be names where something changed. But while others go on changing
    the folder, a listing would not clear up doubts, and costs more.
    """
    if heard is None:
        return True
    state = turn.disk.of(row.id)
    mtimes = folder_mtimes(turn.folder(row))
    if state.in_step is None:
        return state.in_doubt and stirs(mtimes)
    unheard = mtimes != state.in_step and not hints and not state.stirred
    return not (unheard and all_before(mtimes, heard))


def _observe_hinted(
    turn: Turn, row: MailboxRow, hints: frozenset[bytes], heard: int | None, stamp: Stamp
) -> Observed:
    """Look only at names that events spoke of.

    What they say is gone waits for a listing, and so do two files of one base name.
    """
    state = turn.disk.of(row.id)
    mtimes = folder_mtimes(turn.folder(row))
    row = take_over_keywords(turn, row, stamp)
    found, suspects = _look_up(turn, row, hints)
    _apply(turn, row, found, stamp)
    if heard is not None:
        _heed_uidlist(turn, row)
    state.stirred = state.stirred or bool(hints)
    suspects = suspects or state.missing
    if suspects:
        turn.disk.doubt(row.id, missing=True, listed=False)
    elif heard is not None and not state.in_doubt and all_before(mtimes, heard):
        turn.disk.settle(row.id, mtimes)
    return Observed(settled=not (suspects or state.in_doubt), suspects=suspects)


def _look_up(turn: Turn, row: MailboxRow, hints: frozenset[bytes]) -> tuple[Difference, bool]:
    """What became of names; and whether some message's fate needs a listing."""
    folder = turn.folder(row)
    renamed: dict[int, Renamed] = {}
    arrived: dict[bytes, bytes] = {}
    missing: set[int] = set()
    doubled = False
    for name in sorted(hints):
        uid = turn.batch.uid_of(row.id, base_of(name))
        known = None if uid is None else turn.batch.name(row.id, uid)
        there = exists_in(folder, name)
        if uid is None or known is None:
            if there:
                doubled = doubled or base_of(name) in arrived
                arrived[base_of(name)] = name
        elif known == name and not there:
            missing.add(uid)
        elif known != name and there and (uid in renamed or exists_in(folder, known)):
            doubled = True
        elif known != name and there:
            renamed[uid] = Renamed(uid, name)
    found = Difference(tuple(renamed.values()), in_delivery_order(arrived.values()))
    return found, doubled or not missing <= renamed.keys()


def _apply(turn: Turn, row: MailboxRow, found: Difference, stamp: Stamp) -> None:
    for renamed in found.renamed:
        _apply_rename(turn, row, renamed, stamp)
    arrived = list(found.arrived)
    for double in found.doubled:
        separate = _resolve(turn, turn.folder(row), double)
        if separate is not None:
            arrived.append(separate)
    if arrived:
        _apply_arrivals(turn, row, arrived, stamp)


def _resolve(turn: Turn, folder: bytes, double: Doubled) -> bytes | None:
    """Tell two files apart; None also where a listing showed both names of one being renamed.

    Where nothing may be changed the second one stays as it is, and is no message.
    """
    try:
        return resolve_double(folder, double.kept, double.extra)
    except FileNotFoundError:
        return None
    except OSError as error:
        path = os.path.join(folder, double.extra)
        why = f"has another message's name, and can't get its own ({error.strerror})"
        say_left_alone(turn.disk, path, why)
        return None


def _apply_rename(turn: Turn, row: MailboxRow, renamed: Renamed, stamp: Stamp) -> None:
    message = turn.batch.message(row.id, renamed.uid)
    assert message is not None
    mask = mask_in(row, renamed.name, message.mask & ~(SYSTEM_MASK | LETTER_MASK))
    turn.batch.set_name(row.id, renamed.uid, renamed.name)
    if mask != message.mask:
        turn.batch.set_mask(row.id, renamed.uid, stamp.modseq, mask)
    if renamed.name.startswith(b"new/") and turn.disk.of(row.id).takers:
        _take(turn, row, renamed.uid, renamed.name)


def _apply_arrivals(turn: Turn, row: MailboxRow, names: list[bytes], stamp: Stamp) -> None:
    row = turn.row(row.id)
    uids, uidnext = _uids_for(turn, row, names)
    messages = [
        NewMessage(uids[name], stamp.modseq, mask_in(row, name), name, base_of(name))
        for name in sorted(names, key=lambda name: uids[name])
    ]
    turn.update(row.id, uidnext=uidnext)
    turn.batch.add_many(row.id, messages)
    turn.unlisted.setdefault(row.id, []).extend((m.uid, m.name) for m in messages)
    if turn.disk.of(row.id).takers:
        for message in messages:
            if message.name.startswith(b"new/"):
                _take(turn, row, message.uid, message.name)


def _uids_for(turn: Turn, row: MailboxRow, names: list[bytes]) -> tuple[dict[bytes, int], int]:
    """UIDs for arrivals: those that another server gave them meanwhile, else the next ones.

    Gives the UIDNEXT that follows, too. What `dovecot-uidlist` says is adopted only above all UIDs
    that were ever given here, and UIDs below its next one may belong to messages that are gone.
    """
    adopted: dict[bytes, int] = {}
    following = row.uidnext
    uidlist = _read_changed_uidlist(turn, row)
    if uidlist is not None:
        adopted = {e.base: e.uid for e in uidlist.entries if e.uid >= row.uidnext}
        following = max(following, uidlist.next_uid)
    uids = {name: adopted[base_of(name)] for name in names if base_of(name) in adopted}
    for name in names:
        if name not in uids:
            uids[name] = following
            following += 1
    return uids, following


def _heed_uidlist(turn: Turn, row: MailboxRow) -> None:
    """Never give again what another server gave to messages that are gone already."""
    uidlist = _read_changed_uidlist(turn, row)
    if uidlist is not None and uidlist.next_uid > turn.row(row.id).uidnext:
        turn.update(row.id, uidnext=uidlist.next_uid)


def _read_changed_uidlist(turn: Turn, row: MailboxRow) -> UidList | None:
    """The folder's uidlist, if it is this mailbox's and changed since it was last read.

    Its entries are read only if it has come farther than the index.
    """
    if not uidlist_changed(turn, row):
        return None
    folder = turn.folder(row)
    turn.disk.of(row.id).uidlist = uidlist_stamp(folder)
    uidlist = read_uidlist_header(folder)
    if uidlist is not None and (uidlist.damaged or uidlist.next_uid > row.uidnext):
        uidlist = read_uidlist(folder)
    if uidlist is None or uidlist.uidvalidity != row.uidvalidity:
        return None
    return uidlist


def _take(turn: Turn, row: MailboxRow, uid: int, name: bytes) -> bool:
    """Move a message to cur/; False when it stayed or was not there."""
    try:
        taken = take_new(turn.folder(row), name)
    except FileNotFoundError:
        return False
    if taken != name:
        turn.batch.set_name(row.id, uid, taken)
    return taken != name


def _uid_of_name(turn: Turn, row: MailboxRow, name: bytes) -> int:
    """The UID of a message that the index has under this name."""
    uid = turn.batch.uid_of(row.id, base_of(name))
    assert uid is not None
    return uid


def _name_of_base(turn: Turn, row: MailboxRow, base: bytes) -> bytes | None:
    uid = turn.batch.uid_of(row.id, base)
    return None if uid is None else turn.batch.name(row.id, uid)
