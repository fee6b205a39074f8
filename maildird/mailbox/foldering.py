"""CREATE, DELETE and RENAME, and what other programs did to the folders themselves."""

import logging
import os
from functools import partial

from maildird.mailbox.adopting import found
from maildird.mailbox.copying import copy_to
from maildird.mailbox.identity import check_root, is_gone, need_access, need_folder
from maildird.mailbox.namespace import INBOX, Parts
from maildird.mailbox.requests import CopyTo, Create, Delete, ObserveTree, Rename
from maildird.mailbox.turn import Turn, forget
from maildird.mailbox.witness import Witness
from maildird.maildir.directories import Relocation, put_back, relocate, remove_trash
from maildird.maildir.folders import folder_identity
from maildird.maildir.intents import needs_room
from maildird.maildir.making import Making, unmake
from maildird.terms.codes import Code
from maildird.terms.errors import Refused

logger = logging.getLogger(__name__)


def create(turn: Turn, request: Create) -> int:
    """Make a mailbox; gives its id. Refused (ALREADYEXISTS, CANNOT, USEATTR, UNAVAILABLE)."""
    check_root(turn)
    if request.parts in _present(turn):
        raise Refused(Code.ALREADYEXISTS, "the mailbox exists already")
    for row in turn.batch.mailboxes():
        if row.parts == request.parts:
            forget(turn, row)
        elif set(row.use) & set(request.use):
            taken = " and ".join(sorted(set(row.use) & set(request.use)))
            raise Refused(Code.USEATTR, f"another mailbox is {taken} already")
    if not os.path.lexists(turn.layout.directory(request.parts)):
        making = Making(turn.layout.directory(request.parts))
        turn.on_failure(partial(unmake, making))
    folder = turn.layout.create(request.parts)
    turn.tree_changed = True
    row = found(turn, request.parts, Witness(folder, None, None))
    row = turn.update(row.id, use=request.use)
    turn.relist.add(row.id)
    return row.id


def delete(turn: Turn, request: Delete) -> None:
    """Delete a mailbox; Refused (CANNOT, HASCHILDREN, NONEXISTENT, NOPERM, UNAVAILABLE)."""
    if request.parts == INBOX:
        raise Refused(Code.CANNOT, "INBOX can't be deleted")
    check_root(turn)
    folders = turn.layout.folders()
    row = turn.batch.mailbox_named(request.parts)
    if row is not None and not is_gone(row, turn.folder(row)):
        need_folder(turn, row)
        need_access(turn.folder(row))
    elif request.parts not in folders:
        if any(_is_below(parts, request.parts) for parts in folders):
            raise Refused(
                Code.HASCHILDREN, "the name exists only by its children; delete them instead"
            )
        raise Refused(Code.NONEXISTENT, "there is no such mailbox")
    trash = _relocate(turn, turn.layout.deletion(request.parts)).trash
    assert trash is not None
    turn.after_commit(partial(remove_trash, trash))
    if row is not None:
        forget(turn, row)


def rename(turn: Turn, request: Rename) -> None:
    """Rename a mailbox with its children.

    Refused (ALREADYEXISTS, CANNOT, NONEXISTENT, UNAVAILABLE).
    """
    check_root(turn)
    present = _present(turn)
    if request.target in present or any(_is_below(p, request.target) for p in present):
        raise Refused(Code.ALREADYEXISTS, "a mailbox of the new name exists already")
    if request.source == INBOX:
        _empty_inbox_into(turn, request.target)
        return
    moved = [p for p in present if p == request.source or _is_below(p, request.source)]
    if not moved:
        raise Refused(Code.NONEXISTENT, "there is no such mailbox")
    if _is_below(request.target, request.source):
        raise Refused(Code.CANNOT, "a mailbox can't be moved below itself")
    for row in turn.batch.mailboxes():
        if row.parts in moved:
            need_folder(turn, row)
            need_access(turn.folder(row))
        elif row.parts == request.target or _is_below(row.parts, request.target):
            forget(turn, row)
    _relocate(turn, turn.layout.renaming(request.source, request.target))
    for row in turn.batch.mailboxes():
        if row.parts == request.source or _is_below(row.parts, request.source):
            parts = request.target + row.parts[len(request.source) :]
            turn.update(row.id, parts=parts)


def observe_tree(turn: Turn, request: ObserveTree) -> None:
    """Find the mailboxes whose folder went away or moved, by its directory's identity.

    Refused (UNAVAILABLE) when the root itself can't be read: then nothing is believed. A folder
    that can't be read, or whose own disk is not mounted, is no lost one.
    """
    check_root(turn)
    folders = turn.layout.folders()
    rows = turn.batch.mailboxes()
    known = {row.parts for row in rows}
    lost = [row for row in rows if row.parts not in folders and is_gone(row, turn.folder(row))]
    if not lost and folders.keys() <= known:
        return
    check_root(turn)
    turn.tree_changed = True
    strange = {
        folder_identity(directory): parts
        for parts, directory in folders.items()
        if parts not in known
    }
    for row in lost:
        moved = strange.pop(row.identity, None)
        if moved is not None:
            logger.info("mailbox %s was renamed to %s", _shown(row.parts), _shown(moved))
            turn.update(row.id, parts=moved)
        elif row.parts != INBOX:
            logger.info("mailbox %s was removed by another program", _shown(row.parts))
            forget(turn, row)


def _present(turn: Turn) -> set[Parts]:
    """The mailboxes that there are, also those whose folder can't be read now."""
    folders = turn.layout.folders()
    rows = turn.batch.mailboxes()
    return {
        *folders,
        *(r.parts for r in rows if r.parts not in folders and not is_gone(r, turn.folder(r))),
    }


def _empty_inbox_into(turn: Turn, target: Parts) -> None:
    """RENAME of INBOX moves its messages and leaves it empty (RFC 3501 section 6.3.5).

    The folder that is made for them has an intent of its own: without it a client that tries again
    would hear that it exists.
    """
    inbox = turn.batch.mailbox_named(INBOX)
    assert inbox is not None
    making = Making(turn.layout.directory(target))
    turn.intend(turn.layout.root, making, partial(unmake, making), lasts=True)
    made = create(turn, Create(target))
    uids = tuple(turn.batch.columns(inbox.id).uids)
    try:
        copy_to(turn, CopyTo(inbox.id, uids, made, move=True))
    except (Refused, OSError):
        forget(turn, turn.row(made))
        raise


def _relocate(turn: Turn, relocation: Relocation) -> Relocation:
    """Carry out a relocation, and put all back should the request or the commit fail.

    A deletion makes room where there is none for an intent. If it is a single rename it goes on
    without one: should the server die before the commit, then the mailbox is deleted all the same.
    """
    undo = partial(put_back, relocation)
    try:
        turn.intend(turn.layout.root, relocation, undo, lasts=True)
    except OSError as error:
        if relocation.trash is None or len(relocation.moves) > 1 or not needs_room(error):
            raise
        turn.on_failure(undo)
    relocate(turn.layout.root, relocation)
    turn.tree_changed = True
    return relocation


def _is_below(parts: Parts, parent: Parts) -> bool:
    return len(parts) > len(parent) and parts[: len(parent)] == parent


def _shown(parts: Parts) -> str:
    return "/".join(parts)
