"""An index that was restored from a backup: what its folders say was told since, it takes over.

Theory of operation. Each folder says how far clients were told of it (`promises`, and our mark in
its uidlist). In the first turn after the index was opened, before anybody hears anything, every
row is compared with that. An index that a server left in order knows what its folder says exactly.
After a kill it knows the MODSEQ that was promised last; should the kill have come between a promise
and the commit that knows of it, the index is taken for an older one, which costs clients a look at
all flags. So it is, too, where the uidlist has come farther than an index that was killed: another
server may have gone on from there just as well, and nobody can tell. And a copy that was made in
the middle of what was promised looks like the original, but for the inode of its file.

An older index can't know what became of its messages, nor which others came and went. Therefore

- HIGHESTMODSEQ and UIDNEXT go above all that was told,
- every message changed at the new HIGHESTMODSEQ, whether or not it did, so that flags are told,
- no tombstone counts, so that every client is told all UIDs that are missing,
- messages that the uidlist has and the index hasn't come back with the UIDs that they were given.

The look at the folder that follows takes over flags, and finds which messages are gone.

A mailbox that had another, higher UIDVALIDITY meanwhile is forgotten, and taken in anew. A folder
that can't be read now, or is another directory than before and doesn't show by its GUID that it is
this mailbox, waits for its disk; the question is put again at each turn.
"""

import logging
from dataclasses import dataclass
from typing import Final

from maildird.index.rows import MailboxRow, NewMessage
from maildird.mailbox.adopting import list_all, mask_in, told_modseq, untold_uid
from maildird.mailbox.turn import Turn, first_modseq, forget
from maildird.maildir.folders import folder_identity
from maildird.maildir.told import Told, read_told
from maildird.maildir.uidlists import UidList, read_uidlist, read_uidlist_header
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


@dataclass(frozen=True, slots=True)
class _Witness:
    """What a folder says: `told` by a server of ours, and its uidlist, without entries or with."""

    told: Told | None
    uidlist: UidList | None

    def knows(self, guid: bytes) -> bool:
        """Whether it shows that the folder is the mailbox `guid`."""
        return guid in {each.guid for each in (self.told, self.uidlist) if each is not None}


def _heed(turn: Turn, row: MailboxRow) -> bool:
    """Take over what a folder says; False when it is not certain to be the mailbox's."""
    folder = turn.folder(row)
    told = read_told(folder)
    suffices = told is not None and told.exact and told.guid == row.guid
    says = _Witness(told, None if suffices else read_uidlist_header(folder))
    if not says.knows(row.guid) and folder_identity(folder) != row.identity:
        return False
    if told is not None and told.guid == row.guid and told.uidvalidity > row.uidvalidity:
        logger.warning(
            "the index knows a mailbox %s that is no more; the present one is taken in",
            "/".join(row.parts),
        )
        forget(turn, row)
        return True
    says = _of_this_uidvalidity(says, row)
    turn.disk.of(row.id).inexact = says.told is not None and not says.told.exact
    if _is_behind(row, says, is_copy=turn.disk.index_is_copy):
        logger.warning(
            "the index of mailbox %s is older than what clients were told: they will ask for all"
            " flags again",
            "/".join(row.parts),
        )
        _catch_up(turn, row, _of_this_uidvalidity(_Witness(told, read_uidlist(folder)), row))
    return True


def _of_this_uidvalidity(says: _Witness, row: MailboxRow) -> _Witness:
    """What a folder says of the mailbox as it is, apart from what another server made of it."""
    told, uidlist = says.told, says.uidlist
    return _Witness(
        told if told is not None and told.uidvalidity == row.uidvalidity else None,
        uidlist if uidlist is not None and uidlist.uidvalidity == row.uidvalidity else None,
    )


def _is_behind(row: MailboxRow, says: _Witness, *, is_copy: bool) -> bool:
    """Whether more was told than the index knows."""
    told, uidlist = says.told, says.uidlist
    if told is None:
        return uidlist is not None and uidlist.modseq > row.highestmodseq
    if told.exact:
        return told.modseq > row.highestmodseq or told.next_uid > row.uidnext
    listed = uidlist.next_uid if uidlist is not None else 0
    return is_copy or told.modseq > row.promised_modseq or listed > row.uidnext


def _catch_up(turn: Turn, row: MailboxRow, says: _Witness) -> None:
    """Bring a mailbox above all that was told, with the messages that the uidlist knows."""
    told, uidlist = says.told, says.uidlist
    pruned = first_modseq(max(row.highestmodseq, told_modseq(told, uidlist)))
    modseq = pruned + 1
    uidnext = max(
        row.uidnext,
        told.next_uid if told is not None else 0,
        untold_uid(told, uidlist) if uidlist is not None else 0,
    )
    turn.batch.prune(row.id, keep=0)
    turn.update(row.id, uidnext=uidnext, highestmodseq=modseq, pruned_modseq=pruned)
    turn.batch.set_all_modseqs(row.id, modseq)
    if uidlist is not None:
        _add_listed(turn, row, uidlist, modseq)
    turn.announce(row.id, modseq)
    turn.relist.add(row.id)


def _add_listed(turn: Turn, row: MailboxRow, uidlist: UidList, modseq: int) -> None:
    """Add the messages that were given UIDs after `row` was current, and are there."""
    names, _listing = list_all(turn.folder(row), uidlist)
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
