"""Is this still the same tree? An unmounted disk must not look like an empty mailbox.

Theory of operation. A directory is known by (st_dev, st_ino). When that changes, either the mail
was moved to another disk (then the folder still shows what it was: its files carry our GUID, or
none, and its messages are the ones we know), or another directory stands in its place. Of the
latter nothing is believed and nothing written there: the tree is unavailable until it is back. One
case is told apart: a folder below a root that is the same as ever was removed and made anew by
another program on the same disk, and is a new mailbox.

The number of a disk may be another one after a reboot. When the root has a new one, and shows that
it is the tree that it was, all folders that were on its disk are taken to be on the new one.
"""

import errno
import logging
import os
from typing import Final

from maildird.index.rows import MailboxRow
from maildird.mailbox.namespace import INBOX
from maildird.mailbox.reconcile import base_of
from maildird.mailbox.turn import Turn
from maildird.mailbox.witness import read_witness
from maildird.maildir.folders import SUBDIRS, folder_identity, list_folder, unreadable
from maildird.maildir.uidlists import has_uidlist
from maildird.terms.codes import Code
from maildird.terms.errors import Refused

logger = logging.getLogger(__name__)

_ROOT: Final = "root-identity"
_ALL_ACCESS: Final = os.R_OK | os.W_OK | os.X_OK


def check_root(turn: Turn) -> None:
    """Refused (UNAVAILABLE) unless the account's root is the tree that the index knows."""
    try:
        _check_root(turn)
    except Refused:
        turn.disk.root_is_lost = True
        raise
    if turn.disk.root_is_lost:
        logger.info("%s is back", os.fsdecode(turn.layout.root))
        turn.disk.root_is_lost = False
        turn.disk.all_out_of_step()
        turn.tree_changed = True


def check_folder(turn: Turn, row: MailboxRow) -> MailboxRow | None:
    """The row with the identity that its folder has now; None when the folder is a new mailbox.

    Refused (UNAVAILABLE) when the folder is not the one that the index knows.
    """
    folder = turn.folder(row)
    identity = folder_identity(folder)
    if identity == row.identity:
        return row
    if _is_the_same(turn, row, folder):
        turn.tree_changed = True
        return turn.update(row.id, identity=identity)
    check_root(turn)
    if row.parts == INBOX or identity[0] != row.identity[0]:
        raise _unavailable(folder, "is another directory than before")
    return None


def need_folder(turn: Turn, row: MailboxRow) -> MailboxRow:
    """The row, for whoever is about to change something in its folder.

    Refused (UNAVAILABLE, NOPERM) unless the folder is the one that the index knows.
    """
    try:
        checked = check_folder(turn, row)
    except OSError as error:
        raise unreadable(turn.folder(row), error) from error
    if checked is None:
        raise _unavailable(turn.folder(row), "is another directory than before")
    return checked


def need_access(folder: bytes) -> None:
    """Refused (NOPERM) unless the server may do whatever it likes in a folder."""
    for path in (folder, *(os.path.join(folder, subdir) for subdir in SUBDIRS)):
        if os.path.lexists(path) and not os.access(path, _ALL_ACCESS, effective_ids=True):
            raise unreadable(path, PermissionError(errno.EACCES, os.strerror(errno.EACCES)))


def is_gone(row: MailboxRow, folder: bytes) -> bool:
    """Whether it is certain that a mailbox has no folder any more.

    What can't be read may be one. So may a link that leads nowhere, a directory that is another
    one than before, and what is not there where another disk was: they wait for a disk.
    """
    try:
        identity = folder_identity(folder)
    except FileNotFoundError:
        return not os.path.islink(folder) and _disk_above(folder) == row.identity[0]
    except OSError:
        return False
    return identity == row.identity and _is_missing(folder, b"cur") and _is_missing(folder, b"new")


def _is_missing(folder: bytes, subdir: bytes) -> bool:
    try:
        os.lstat(os.path.join(folder, subdir))
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return False


def _disk_above(path: bytes) -> int | None:
    """The disk of the directory that a path without anything at its end leads to."""
    try:
        return os.stat(os.path.dirname(path)).st_dev
    except FileNotFoundError:
        return _disk_above(os.path.dirname(path))
    except OSError:
        return None


def _check_root(turn: Turn) -> None:
    root = turn.layout.root
    try:
        identity = folder_identity(root)
    except OSError as error:
        raise _unavailable(root, f"can't be read ({error.strerror})") from None
    packed = b"%d %d" % identity
    known = turn.batch.meta(_ROOT)
    if known == packed:
        return
    if known is not None:
        if not _shows_itself(turn):
            raise _unavailable(root, "is another directory than before")
        _follow_to_disk(turn, int(known.split()[0]), identity[0])
    turn.batch.put_meta(_ROOT, packed)


def _follow_to_disk(turn: Turn, old: int, new: int) -> None:
    """The root's disk has another number: so have the folders on it."""
    for row in turn.batch.mailboxes():
        if row.identity[0] == old:
            turn.update(row.id, identity=(new, row.identity[1]))


def _shows_itself(turn: Turn) -> bool:
    """Whether some folder of the tree is one that the index knows."""
    rows = turn.batch.mailboxes()
    folders = turn.layout.folders()
    return not any(turn.batch.message_count(row.id) for row in rows) or any(
        _is_the_same(turn, row, folders[row.parts]) for row in rows if row.parts in folders
    )


def _is_the_same(turn: Turn, row: MailboxRow, folder: bytes) -> bool:
    shown = read_witness(folder).is_of(row.guid)
    if shown is not None:
        return shown
    if not turn.batch.message_count(row.id):
        return not has_uidlist(folder)
    return any(
        turn.batch.uid_of(row.id, base_of(name)) is not None for name in list_folder(folder).names
    )


def _unavailable(directory: bytes, what: str) -> Refused:
    return Refused(
        Code.UNAVAILABLE,
        f"{os.fsdecode(directory)} {what}: is its disk mounted? Nothing is changed until the tree"
        " is back; if the mail was replaced on purpose, remove the account's state directory",
    )
