"""Taking a folder that stands on disk into the index.

Theory of operation. The folder's own files say what an earlier server told clients: UIDVALIDITY,
the UID of each base name and the next one come from `dovecot-uidlist` (or Courier's file), keywords
from `dovecot-keywords` (or Courier's directory, where no other server has been since), and those
without a letter from `maildird-keywords`. What has no UID there gets one above all others, in order
of delivery. A folder without a uidlist begins with a UIDVALIDITY of the account's own, which always
rises.

How far clients were told UIDs and MODSEQs that the uidlist doesn't have, of messages that are gone,
the folder says in a file of its own, and the UIDVALIDITY, too, should a server have been killed
before it wrote a uidlist, or the uidlist have lost its header (`witness`). The higher UIDVALIDITY
counts where the two differ. Is it that of the uidlist, another server began the mailbox anew; else
the uidlist was not written since we did.

A mailbox whose GUID is that of another one that is there, for somebody copied the folder, gets one
of its own. It begins anew, with a UIDVALIDITY above all others, where it has that of the other one,
too, and where its UIDs are used up.

A listing that is taken while others rename may lack living files. Those would arrive later, but
with a new UID, though the uidlist has one for them; so a few listings are taken together then.

Tombstones can't be known, so `pruned_modseq` is the first MODSEQ: a client that comes with an older
one is told every UID that it may have and the mailbox hasn't.
"""

import logging
import os
import time
from collections.abc import Sequence
from typing import Final

from maildird.index.rows import MailboxRow
from maildird.mailbox.identity import check_root
from maildird.mailbox.keywords import named_mask
from maildird.mailbox.letterless import give_letters, read_masks
from maildird.mailbox.namespace import Parts
from maildird.mailbox.reconcile import SUBDIR_LENGTH, bases_of
from maildird.mailbox.requests import Adopt
from maildird.mailbox.strange import say_strange
from maildird.mailbox.turn import Turn, first_modseq
from maildird.mailbox.witness import USED_UP, Witness, read_whole_witness
from maildird.maildir.courier_keywords import take_over_courier_keywords
from maildird.maildir.folders import Listing, folder_identity, list_folder
from maildird.maildir.keywords import read_keywords
from maildird.maildir.names import in_delivery_order, mask_of_letters, parse_name
from maildird.maildir.uidlists import UidList, has_uidlist, uidlist_stamp
from maildird.maildir.uidvalidity import FARTHEST, claim_uidvalidity
from maildird.terms.flags import LETTER_MASK, LETTERLESS_MASK, SYSTEM_MASK

logger = logging.getLogger(__name__)

MOST_LISTINGS: Final = 5

_LAST_UIDVALIDITY: Final = "last-uidvalidity"


def adopt(turn: Turn, request: Adopt) -> int:
    """Take the folder `parts` in, if it isn't yet; gives the mailbox's id."""
    row = turn.batch.mailbox_named(request.parts)
    if row is not None:
        return row.id
    check_root(turn)
    folder = turn.layout.directory(request.parts)
    if uidlist_stamp(folder) is None:
        take_over_courier_keywords(folder)
    stamp = uidlist_stamp(folder)
    says = read_whole_witness(folder)
    if says.uidvalidity == 0 and has_uidlist(folder):
        logger.warning(
            "the uidlist in %s has no header that could be read: the folder gets a new"
            " UIDVALIDITY, and clients will download it again",
            os.fsdecode(folder),
        )
    by_base, listing, is_complete = list_all(folder, says.uidlist)
    say_strange(turn.disk, folder, listing)
    row = found(turn, request.parts, says)
    _add_all(turn, row, says.of_uidvalidity(row.uidvalidity).uidlist, by_base)
    turn.disk.of(row.id).uidlist = stamp
    if listing.stable and is_complete:
        turn.disk.of(row.id).in_step = listing.mtimes
    turn.relist.add(row.id)
    return row.id


def found(turn: Turn, parts: Parts, says: Witness) -> MailboxRow:
    """A new row for a folder that exists on disk, and says this of itself."""
    present = says.of_uidvalidity(says.uidvalidity)
    uidnext, _modseq = present.untold(certain=present.is_certain)
    _uid, told = says.untold(certain=says.is_certain)
    original = _original(turn, says.guid)
    guid = says.guid if says.guid and original is None else os.urandom(16)
    if says.uidvalidity and not _begins_anew(parts, says.uidvalidity, uidnext, original):
        uidvalidity = says.uidvalidity
        heed_uidvalidity(turn, uidvalidity)
    else:
        present, uidnext = Witness(says.folder, None, None), 1
        uidvalidity = next_uidvalidity(turn, says.uidvalidity)
        _uid, told = says.untold(certain=True)
    modseq = first_modseq(told)
    row = turn.batch.put_mailbox(
        MailboxRow(
            id=0,
            parts=parts,
            uidvalidity=uidvalidity,
            uidnext=uidnext,
            highestmodseq=modseq,
            pruned_modseq=modseq,
            first_recent=1,
            guid=guid,
            identity=folder_identity(says.folder),
            mtimes=(0, 0),
            keywords=read_keywords(says.folder),
            use=(),
        )
    )
    if not turn.promise(row) and present.is_certain and _is_doubtful(turn, row, present):
        uidnext, modseq = present.untold(modseq=modseq, certain=False)
        turn.update(row.id, uidnext=uidnext, highestmodseq=modseq, pruned_modseq=modseq)
    return turn.row(row.id)


def _is_doubtful(turn: Turn, row: MailboxRow, says: Witness) -> bool:
    """Whether what a folder says of UIDs is to be doubted as nothing can be promised in it.

    A line that holds and can't be ended now could not be before, perhaps.
    """
    if says.holds:
        return turn.disk.of(row.id).bound is not None
    return says.uidlist is not None


def _original(turn: Turn, guid: bytes) -> MailboxRow | None:
    """Another mailbox that is there and has this GUID, for somebody copied its folder."""
    rows = turn.batch.mailboxes()
    return next((row for row in rows if row.guid == guid and _is_there(turn, row)), None)


def _begins_anew(parts: Parts, uidvalidity: int, uidnext: int, original: MailboxRow | None) -> bool:
    """Whether a mailbox can't go on with what its folder says."""
    name = "/".join(parts)
    if uidnext > USED_UP:
        logger.warning("the UIDs of mailbox %s are used up: it gets a new UIDVALIDITY", name)
        return True
    if original is not None and original.uidvalidity == uidvalidity:
        logger.info("mailbox %s is a copy of %s", name, "/".join(original.parts))
        return True
    return False


def _is_there(turn: Turn, row: MailboxRow) -> bool:
    """Whether a mailbox has its folder; what can't be read may be it."""
    try:
        return folder_identity(turn.folder(row)) == row.identity
    except FileNotFoundError:
        return False
    except OSError:
        return True


def next_uidvalidity(turn: Turn, told: int = 0) -> int:
    """A UIDVALIDITY above `told` that this account never had (RFC 3501 section 2.3.1.1)."""
    heed_uidvalidity(turn, told)
    last = int(turn.batch.meta(_LAST_UIDVALIDITY) or b"0")
    claimed = claim_uidvalidity(turn.layout.root, last)
    turn.batch.put_meta(_LAST_UIDVALIDITY, b"%d" % claimed)
    return claimed


def heed_uidvalidity(turn: Turn, told: int) -> None:
    """A folder has this UIDVALIDITY: others get higher ones from now on."""
    last = int(turn.batch.meta(_LAST_UIDVALIDITY) or b"0")
    if last < told < time.time() + FARTHEST:
        turn.batch.put_meta(_LAST_UIDVALIDITY, b"%d" % told)


def mask_in(row: MailboxRow, name: bytes, kept: int = 0) -> int:
    """The flags that a file name says; `kept` are letterless keywords, which it can't say."""
    letters = mask_of_letters(parse_name(name).letters)
    return letters & (SYSTEM_MASK | named_mask(row.keywords)) | kept


def masks_in(row: MailboxRow, names: Sequence[bytes], bases: Sequence[bytes]) -> list[int]:
    """What `mask_in` gives for names, with their base names; few info parts differ."""
    infos = [name[SUBDIR_LENGTH + len(base) :] for name, base in zip(names, bases, strict=True)]
    masks = {info: mask_in(row, info) for info in set(infos)}
    return [masks[info] for info in infos]


def list_all(folder: bytes, uidlist: UidList | None) -> tuple[dict[bytes, bytes], Listing, bool]:
    """The name of each message by its base name, the last listing, and whether it has just those.

    Where two files share a base name, it has more.
    """
    by_base: dict[bytes, bytes] = {}
    for _ in range(MOST_LISTINGS):
        listing = list_folder(folder, in_order=True)
        found = _by_base(listing.names)
        by_base |= found
        if listing.stable or uidlist is None or uidlist.by_base.keys() <= by_base.keys():
            break
    return by_base, listing, len(by_base) == len(found) == len(listing.names)


def _by_base(names: Sequence[bytes]) -> dict[bytes, bytes]:
    """Names by base name; of two files that share one, the first by name.

    What is made in order lies in order, and is gone through quickly ever after.
    """
    last_first = sorted(names, reverse=True)
    return dict(zip(bases_of(last_first), last_first, strict=True))


def _add_all(
    turn: Turn, row: MailboxRow, uidlist: UidList | None, by_base: dict[bytes, bytes]
) -> None:
    """Add the messages of a new mailbox, those that are listed with the UIDs that they have."""
    row, said, _is_all = read_masks(turn, row, by_base)
    listed = uidlist.by_base if uidlist else {}
    known = sorted((base for base in listed if base in by_base), key=listed.__getitem__)
    fresh = in_delivery_order(base for base in by_base if base not in listed)
    uids = [listed[base] for base in known]
    following = max(row.uidnext, uids[-1] + 1 if uids else 1)
    uids.extend(range(following, following + len(fresh)))
    bases = known + fresh
    names = [by_base[base] for base in bases]
    modseqs, masks = [row.highestmodseq] * len(uids), masks_in(row, names, bases)
    if said:
        letterless = (said.get(base, 0) & LETTERLESS_MASK for base in bases)
        masks = [mask | more for mask, more in zip(masks, letterless, strict=True)]
    turn.batch.add_columns(row.id, uids, modseqs, masks, names, bases)
    if uids:
        turn.update(row.id, uidnext=max(row.uidnext, uids[-1] + 1))
    for uid, base in zip(uids, bases, strict=True) if said else ():
        give_letters(turn, row, uid, said.get(base, 0) & LETTER_MASK)
