"""At the start: what a killed server had begun is taken back or finished, as its intents say.

Theory of operation. The commit decides: with all the rest it keeps the names of the intents that it
settles. An intent says in turn which index it is of (each has a name of its own), what the index
said of settled intents before, and how many commits it had. So there are three cases.

- The index names the intent: its commit came. What was taken out of sight goes. So does what a
  power cut brought back of a move's originals, where the copy is there, and alone in the index.
- The index says the same as before, and has no commit less: that commit never came. Everything is
  taken back, but messages that the index knows by now. A folder that was made for messages goes
  after those.
- Else nobody can tell: the index was lost, or restored from a backup, or it is another one. Then
  nothing is removed. What is out of sight, and what was renamed, is put back, which loses nothing;
  but folders stay if the index knows mailboxes at their new places.

All this goes on before anything is observed, so that nobody ever hears of what is taken back. Yet
other programs may have been at work meanwhile, for hours perhaps. A message that they renamed is
known by its base name, the folder that copies came from by its inode. A message to which another
server gave a UID, as the uidlist shows, is not ours alone any more and stays. A copy is taken away
only while its original is there, and what was delivered only while it has the very name that it
got. A power cut may bring an intent back that was settled: then nothing is found that could be
taken back.

Of what is hidden the folder from which it is to leave knows nothing: the intent lies where it was
to go, and that folder may be lost, or on a disk that is not mounted. So whatever is hidden and
nobody's at the end, as no intent tells of it, is brought back, too.

An intent that can't be settled now, as its folder can't be written, say, is left for the next
start; if it was committed, the index goes on naming it. So is one of another server that may be
alive. While such a one is at the root, nothing that is out of sight there is removed.
"""

import enum
import logging
import os
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from maildird.index.environment import Index
from maildird.index.rows import MailboxRow
from maildird.index.snapshots import Snapshot
from maildird.mailbox.reconcile import base_of
from maildird.mailbox.turn import INDEX_NAME, SETTLED
from maildird.maildir.arrivals import (
    Arrivals,
    Copies,
    Deliveries,
    bases_of,
    take_away,
    take_back,
)
from maildird.maildir.directories import Relocation, put_back, remove_deleted
from maildird.maildir.folders import folder_identity, fsync_directory, quick_look
from maildird.maildir.hiding import bring_back, drop_hidden, find_hidings
from maildird.maildir.intents import (
    Intent,
    find_intents,
    maker_may_return,
    read_intent,
    remove_intent,
)
from maildird.maildir.layouts import Layout
from maildird.maildir.leftovers import remove_leftovers
from maildird.maildir.making import Making, unmake
from maildird.maildir.uidlists import read_uidlist
from maildird.terms.errors import Refused

logger = logging.getLogger(__name__)

_NAME_OCTETS: Final = 16


class _Case(enum.Enum):
    """What became of the commit that an intent waits for."""

    CAME = "was committed"
    NEVER_CAME = "was never committed"
    UNKNOWN = "may have been committed"


@dataclass(frozen=True, slots=True)
class _Known:
    """What the index says, as it was left; `rows` are its mailboxes by directory.

    `unmade` is a folder that it doesn't know, as it was made for a commit that never came.
    """

    snapshot: Snapshot
    layout: Layout
    rows: dict[bytes, MailboxRow]
    unmade: bytes | None = None


def recover(index: Index, layout: Layout) -> set[bytes]:
    """Settle all intents of a tree, and give the index a name if it has none; OSError.

    Gives the names of those that were committed and can't be settled now. Whatever else is out of
    sight at the root is removed. An index that can't be written now gets its name another time;
    until then nothing can be taken back.
    """
    with index.snapshot() as snapshot:
        rows = {layout.directory(row.parts): row for row in snapshot.mailboxes()}
        known = _Known(snapshot, layout, rows)
        left = _settle_all(known, layout.root, layout.root)
        folders = layout.folders().values()
        for folder in folders:
            left += _settle_all(known, folder, os.path.join(folder, b"tmp"))
        _show_hidden(layout.root, folders, left)
        unsettled = _settled(snapshot).intersection(map(os.path.basename, left))
        is_new = snapshot.meta(INDEX_NAME) is None
    if is_new:
        name = os.urandom(_NAME_OCTETS).hex().encode("ascii")
        with suppress(Refused):
            index.write(lambda batch: batch.put_meta(INDEX_NAME, name))
    if not find_intents(layout.root):
        remove_deleted(layout.root)
    return unsettled


def _settle_all(known: _Known, folder: bytes, directory: bytes) -> list[bytes]:
    """Settle the intents that lie in a directory; `folder` is the folder that it belongs to.

    Gives the paths of those that are left. One that can't be settled doesn't keep the others from
    it.
    """
    try:
        paths = find_intents(directory)
    except OSError as error:
        logger.warning("what was begun in %s can't be found: %s", os.fsdecode(folder), error)
        return []
    for path in paths:
        try:
            _settle(known, folder, path)
        except OSError as error:
            logger.warning("what was begun in %s can't be settled: %s", os.fsdecode(folder), error)
    return list(filter(os.path.lexists, paths))


def _settle(known: _Known, folder: bytes, path: bytes) -> None:
    intent = read_intent(known.layout.root, path)
    is_ours = intent is not None and _is_of(known.snapshot, intent)
    if not is_ours and maker_may_return(known.layout.root, path):
        return
    if intent is not None:
        case = _case_of(known.snapshot, path, intent)
        logger.info("what %s says %s", os.fsdecode(path), case.value)
        match intent.what:
            case Relocation():
                _settle_relocation(known, intent.what, case)
            case Making():
                _settle_making(known, intent.what, case)
            case Copies() | Deliveries():
                _settle_arrivals(known, folder, intent.what, case)
    remove_intent(path)


def _show_hidden(root: bytes, folders: Collection[bytes], intents: Sequence[bytes]) -> None:
    """Bring back what is hidden and of what no intent tells; what can't be now stays hidden.

    `intents` are the paths of those that are left.
    """
    awaited = frozenset(map(partial(_hiding_in, root), intents))
    for folder in folders:
        for hiding in _hidings(root, folder) - awaited:
            where = os.fsdecode(os.path.join(folder, b"tmp", hiding))
            logger.warning("nothing tells of the messages in %s, which are brought back", where)
            try:
                bring_back(folder, hiding)
            except OSError as error:
                logger.warning("what is in %s can't be brought back now: %s", where, error)


def _hidings(root: bytes, folder: bytes) -> frozenset[bytes]:
    with suppress(OSError):
        return frozenset(find_hidings(root, folder))
    return frozenset()


def _hiding_in(root: bytes, path: bytes) -> bytes | None:
    """Where messages hide by what an intent says."""
    with suppress(OSError):
        intent = read_intent(root, path)
        if intent is not None and isinstance(intent.what, Copies):
            return intent.what.hiding
    return None


def _is_of(snapshot: Snapshot, intent: Intent) -> bool:
    """Whether an intent is of this index, which no other process holds."""
    return os.fsencode(intent.index) == snapshot.meta(INDEX_NAME)


def _settled(snapshot: Snapshot) -> set[bytes]:
    """The names of the intents that the index settles."""
    return set((snapshot.meta(SETTLED) or b"").split(b"/"))


def _case_of(snapshot: Snapshot, path: bytes, intent: Intent) -> _Case:
    if os.path.basename(path) in _settled(snapshot):
        return _Case.CAME
    said = snapshot.meta(SETTLED) or b""
    unchanged = said == os.fsencode(intent.after) and snapshot.commit >= intent.commit - 1
    if unchanged and _is_of(snapshot, intent):
        return _Case.NEVER_CAME
    return _Case.UNKNOWN


def _settle_relocation(known: _Known, relocation: Relocation, case: _Case) -> None:
    at_new_places = any(_knows_below(known, move.new) for move in relocation.moves)
    if case is _Case.NEVER_CAME or (case is _Case.UNKNOWN and not at_new_places):
        put_back(relocation)


def _settle_making(known: _Known, making: Making, case: _Case) -> None:
    """Take back what came to the folder, and then the folder."""
    folder = making.folder
    if case is _Case.NEVER_CAME and folder not in known.rows:
        remove_leftovers(folder)
        _settle_all(replace(known, unmade=folder), folder, os.path.join(folder, b"tmp"))
        unmake(making)


def _knows_below(known: _Known, directory: bytes) -> bool:
    """Whether the index knows a mailbox that is in a directory, or somewhere below it, now."""
    for path, row in known.rows.items():
        if path == directory or path.startswith(directory + b"/"):
            try:
                if folder_identity(path) == row.identity:
                    return True
            except OSError:
                continue
    return False


def _settle_arrivals(known: _Known, folder: bytes, arrivals: Arrivals, case: _Case) -> None:
    if isinstance(arrivals, Copies):
        arrivals = replace(arrivals, origin=_where_now(known, arrivals.origin))
    if case is _Case.NEVER_CAME:
        take_back(folder, arrivals, but=_relied_on(known, folder, arrivals))
        fsync_directory(os.path.join(folder, b"cur"))
    elif isinstance(arrivals, Copies) and arrivals.hiding is not None:
        if case is _Case.CAME:
            drop_hidden(arrivals.origin, arrivals.hiding)
            _drop_originals(known, folder, arrivals)
        else:
            bring_back(arrivals.origin, arrivals.hiding)


def _where_now(known: _Known, folder: bytes) -> bytes:
    """Where a folder is now, which another program may have renamed; `folder` if nobody knows."""
    row = known.rows.get(folder)
    if row is not None:
        for path in (folder, *known.layout.folders().values()):
            with suppress(OSError):
                if folder_identity(path) == row.identity:
                    return path
    return folder


def _drop_originals(known: _Known, folder: bytes, copies: Copies) -> None:
    """Remove what a power cut brought back of the originals of a move that was committed."""
    if not {folder, copies.origin} <= known.rows.keys():
        return
    source, target = known.rows[copies.origin].id, known.rows[folder].id
    there = frozenset(map(base_of, quick_look(folder)))
    take_away(
        copies.origin,
        {
            original
            for copy, original in copies.pairs
            if copy in there
            and known.snapshot.uid_of(target, copy) is not None
            and known.snapshot.uid_of(source, original) is None
        },
    )


def _relied_on(known: _Known, folder: bytes, arrivals: Arrivals) -> frozenset[bytes]:
    """Base names of those arrivals to which somebody gave a UID."""
    uidlist, row = read_uidlist(folder), known.rows.get(folder)
    listed = {entry.base for entry in uidlist.entries} if uidlist else set()
    bases = bases_of(arrivals)
    if row is None:
        return bases & listed if folder == known.unmade else bases
    snapshot = known.snapshot
    return frozenset(
        base for base in bases if base in listed or snapshot.uid_of(row.id, base) is not None
    )
