"""An index that was restored from a backup: what its folders say was told since, it takes over.

Theory of operation. Each folder says whose it is and how far clients were told of it (`witness`).
In the first turn after the index was opened, before anybody hears anything, every row is compared
with that:

    the folder is             its UIDVALIDITY  more was told  then the mailbox
    another directory, and
      doesn't show its GUID   any              -              waits for its disk
    another mailbox, or its
      UIDs are used up        any              -              is forgotten
    this one, or doesn't say  higher           -              is forgotten
                              the same, lower  yes            catches up
                                               no             goes on

A mailbox that is forgotten is taken in anew: somebody made it anew under its name, or another
server began its uidlist anew. One that waits is asked again at each turn.

*Was more told?* Where a line of `maildird-told` holds, and is exact, its numbers say. Is it none,
an index that a server left knows the MODSEQ that was promised last. Should a kill have come between
a promise and the commit that knows of it, the index is taken for an older one, which costs clients
a look at all flags. So it is, too, where the uidlist has come farther than an index that was
killed: another server may have gone on from there just as well, and nobody can tell. A copy that
was made in the middle of what was promised looks like the original, but for the inode of its file.

Where no line holds, more was told if the index is a copy, if the uidlist has a higher MODSEQ, and
if a line is there that the index takes to hold: the folder was put back from a backup, and perhaps
the index, too. (Or it was moved to another disk, which nobody can tell from that.)

An older index can't know what became of its messages, nor which others came and went. Therefore

- HIGHESTMODSEQ and UIDNEXT go above all that was told,
- every message changed at the new HIGHESTMODSEQ, whether or not it did, so that flags are told,
- no tombstone counts, so that every client is told all UIDs that are missing,
- messages that the uidlist has and the index hasn't come back with the UIDs that they were given,
- all have the letterless keywords that the folder says (`letterless`).

The look at the folder that follows takes over flags, and finds which messages are gone.
"""

import logging
from typing import Final

from maildird.index.rows import MailboxRow, NewMessage
from maildird.mailbox.adopting import list_all, mask_in
from maildird.mailbox.letterless import compare_position, take_over_letterless
from maildird.mailbox.turn import Turn, first_modseq, forget
from maildird.mailbox.witness import USED_UP, Witness, read_whole_witness, read_witness
from maildird.maildir.folders import folder_identity
from maildird.maildir.uidlists import UidList
from maildird.terms.errors import Refused

logger = logging.getLogger(__name__)

_INODE: Final = "index-inode"


def heed_folders(turn: Turn) -> None:
    """Ask all folders that were not asked yet."""
    _notice_copy(turn)
    for mailbox in sorted(turn.disk.unheeded):
        row = turn.batch.mailbox(mailbox)
        try:
            if row is None or _heed(turn, row):
                turn.disk.unheeded.discard(mailbox)
        except (OSError, Refused) as error:
            logger.debug("not asked yet what was told: %s", error)


def _notice_copy(turn: Turn) -> None:
    """Compare the inode of the index's file with the one that it had."""
    known, inode = turn.batch.meta(_INODE), b"%d" % turn.disk.index_inode
    if known != inode:
        turn.batch.put_meta(_INODE, inode)
        turn.disk.index_is_copy = known is not None


def _heed(turn: Turn, row: MailboxRow) -> bool:
    """Take over what a folder says; False when it is not certain to be the mailbox's."""
    folder, name = turn.folder(row), "/".join(row.parts)
    says = read_witness(folder)
    shown = says.is_of(row.guid)
    if not shown and folder_identity(folder) != row.identity:
        return False
    present = says.of_uidvalidity(row.uidvalidity)
    uidnext, _modseq = present.untold(uid=row.uidnext, certain=True)
    if shown is False or says.uidvalidity > row.uidvalidity or uidnext > USED_UP:
        logger.warning("the index knows a mailbox %s that is no more: it is taken in anew", name)
        forget(turn, row)
        return True
    state = turn.disk.of(row.id)
    state.said, state.inexact = says.told, says.told is not None and not says.told.exact
    if _was_more_told(row, present, turn.disk.index_is_copy):
        logger.warning(
            "the index of mailbox %s is older than what clients were told: they will ask for all"
            " flags again",
            name,
        )
        whole = read_whole_witness(folder).of_uidvalidity(row.uidvalidity)
        _catch_up(turn, row, whole)
        take_over_letterless(turn, turn.row(row.id))
    else:
        compare_position(turn, row)
    return True


def _was_more_told(row: MailboxRow, says: Witness, index_is_copy: bool) -> bool:
    """Whether more was told than the index knows."""
    told = says.told
    listed, marked = (says.uidlist.next_uid, says.uidlist.modseq) if says.uidlist else (0, 0)
    if told is None or not told.holds:
        is_put_back = told is not None and row.promised_modseq > 0
        return index_is_copy or is_put_back or marked > row.highestmodseq
    if told.exact:
        return told.modseq > row.highestmodseq or told.next_uid > row.uidnext
    return index_is_copy or told.modseq > row.promised_modseq or listed > row.uidnext


def _catch_up(turn: Turn, row: MailboxRow, says: Witness) -> None:
    """Bring a mailbox above all that was told, with the messages that the uidlist knows."""
    uidnext, told = says.untold(uid=row.uidnext, modseq=row.highestmodseq, certain=says.holds)
    pruned = first_modseq(told)
    modseq = pruned + 1
    turn.batch.prune(row.id, keep=0)
    turn.update(row.id, uidnext=uidnext, highestmodseq=modseq, pruned_modseq=pruned)
    turn.batch.set_all_modseqs(row.id, modseq)
    if says.uidlist is not None:
        _add_listed(turn, row, says.uidlist, modseq)
    turn.announce(row.id, modseq)
    turn.relist.add(row.id)


def _add_listed(turn: Turn, row: MailboxRow, uidlist: UidList, modseq: int) -> None:
    """Add the messages that were given UIDs after `row` was current, and are there."""
    names, _listing, _is_complete = list_all(turn.folder(row), uidlist)
    added = []
    for entry in uidlist.entries:
        if entry.uid < row.uidnext or entry.base not in names:
            continue
        before = turn.batch.uid_of(row.id, entry.base)
        if before == entry.uid:
            continue
        if before is not None:
            turn.batch.expunge(row.id, before, modseq)
        name = names[entry.base]
        added.append(NewMessage(entry.uid, modseq, mask_in(row, name), name, entry.base))
    turn.batch.add_many(row.id, added)
