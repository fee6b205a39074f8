"""Is this still the same tree? An unmounted disk must not look like an empty mailbox.

Theory of operation. A directory is known by (st_dev, st_ino). When that changes, either the mail
was moved to another disk (then the folder still shows what it was: its uidlist carries our GUID, or
its messages are the ones we know), or another directory stands in its place. Of the latter nothing
is believed: the tree is unavailable until it is back. One case is told apart: a folder below a root
that is the same as ever was removed and made anew by another program on the same disk, and is a
new mailbox.
"""

import os

from maildird.index.rows import MailboxRow
from maildird.mailbox.namespace import INBOX
from maildird.mailbox.reconcile import base_of
from maildird.mailbox.turn import Turn
from maildird.maildir.folders import folder_identity, list_folder
from maildird.maildir.uidlists import read_uidlist
from maildird.terms.codes import Code
from maildird.terms.errors import Refused

_ROOT = "root-identity"


def check_root(turn: Turn) -> None:
    """Refused (UNAVAILABLE) unless the account's root is the tree that the index knows."""
    try:
        identity = folder_identity(turn.layout.root)
    except OSError as error:
        raise _unavailable(turn.layout.root, f"can't be read ({error.strerror})") from None
    packed = b"%d %d" % identity
    known = turn.batch.meta(_ROOT)
    if known == packed:
        return
    if known is not None and not _shows_itself(turn):
        raise _unavailable(turn.layout.root, "is another directory than before")
    turn.batch.put_meta(_ROOT, packed)


def check_folder(turn: Turn, row: MailboxRow) -> MailboxRow | None:
    """The row with the identity that its folder has now; None when the folder is a new mailbox.

    Refused (UNAVAILABLE) when the folder is not the one that the index knows.
    """
    folder = turn.folder(row)
    identity = folder_identity(folder)
    if identity == row.identity:
        return row
    if _is_the_same(turn, row, folder):
        return turn.update(row.id, identity=identity)
    check_root(turn)
    if row.parts == INBOX or identity[0] != row.identity[0]:
        raise _unavailable(folder, "is another directory than before")
    return None


def _shows_itself(turn: Turn) -> bool:
    """Whether some folder of the tree is one that the index knows."""
    rows = turn.batch.mailboxes()
    folders = turn.layout.folders()
    return not any(turn.batch.message_count(row.id) for row in rows) or any(
        _is_the_same(turn, row, folders[row.parts]) for row in rows if row.parts in folders
    )


def _is_the_same(turn: Turn, row: MailboxRow, folder: bytes) -> bool:
    uidlist = read_uidlist(folder)
    if uidlist is not None and uidlist.guid == row.guid:
        return True
    if not turn.batch.message_count(row.id):
        return uidlist is None
    return any(
        turn.batch.uid_of(row.id, base_of(name)) is not None for name in list_folder(folder).names
    )


def _unavailable(directory: bytes, what: str) -> Refused:
    return Refused(
        Code.UNAVAILABLE,
        f"{os.fsdecode(directory)} {what}: is its disk mounted? Nothing is changed until the tree"
        " is back; if the mail was replaced on purpose, remove the account's state directory",
    )
