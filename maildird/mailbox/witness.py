"""What a folder says of itself: whose it is, and how far clients were told of it.

Theory of operation. Two files speak: `maildird-told`, where a server of ours promises what it will
not exceed before it tells anybody, and the uidlist, which is behind, and which other servers write,
too; it carries our mark, the MODSEQ, when we wrote it.

*Whose.* `maildird-told` is written first and by us alone, so its GUID counts. Without it that of
the uidlist does, and shows another mailbox only if it bears our mark: another server that begins a
uidlist anew makes up a GUID.

*How far.* Where a line of `maildird-told` holds, that is certain. Where none does, because nothing
could be promised or the folder was put back from a backup, more may have been told than the files
know. Then UIDs go on above as many as came if one came each minute since the files were written,
and a good many besides, and MODSEQs above a good many changes. That is a guess, and the only one.
(UIDs above the time in seconds would be certain, but some clients count all that are missing.)

MODSEQs that are missing cost nobody anything. So they go on above a good many changes wherever one
of our servers was: it may have told of flags beyond a promise that it could not end (`promises`).
"""

import os
import time
from dataclasses import dataclass
from typing import Final

from maildird.maildir.told import FILE, Told, read_told, told_age
from maildird.maildir.uidlists import (
    DOVECOT,
    UidList,
    has_uidlist,
    read_headless_uidlist,
    read_uidlist,
    read_uidlist_header,
    uidlist_age,
)
from maildird.terms.numbers import HIGHEST_MODSEQ, HIGHEST_UID

LOST_UIDS: Final = 1 << 16
LOST_CHANGES: Final = 1 << 20
"""So many UIDs and changes at most are taken to be missing where nothing holds."""

USED_UP: Final = HIGHEST_UID - LOST_UIDS
"""With this UIDNEXT a mailbox that is taken in gets a new UIDVALIDITY."""

_MINUTE: Final = 60


@dataclass(frozen=True, slots=True)
class Witness:
    """What the files of `folder` say."""

    folder: bytes
    told: Told | None
    uidlist: UidList | None

    @property
    def uidvalidity(self) -> int:
        """The highest that was told, 0 when none was."""
        return max((each.uidvalidity for each in (self.told, self.uidlist) if each), default=0)

    @property
    def guid(self) -> bytes:
        """That of the mailbox; empty when it has none."""
        listed = self.uidlist.guid if self.uidlist is not None else b""
        return listed or (self.told.guid if self.told is not None else b"")

    @property
    def holds(self) -> bool:
        """Whether it is certain how far clients were told."""
        return self.told is not None and self.told.holds

    @property
    def is_ours(self) -> bool:
        """Whether a server of ours was here."""
        return self.told is not None or (self.uidlist is not None and self.uidlist.modseq > 0)

    @property
    def is_certain(self) -> bool:
        """Whether nothing was told but what is said, if what was told could be promised."""
        return self.holds or not self.is_ours

    def is_of(self, guid: bytes) -> bool | None:
        """Whether the folder is the mailbox `guid`; None when it doesn't say."""
        if self.told is not None:
            return self.told.guid == guid
        if self.uidlist is None or not self.uidlist.guid:
            return None
        if self.uidlist.guid == guid:
            return True
        return False if self.is_ours else None

    def of_uidvalidity(self, uidvalidity: int) -> "Witness":
        """What was said of a mailbox as it is, apart from what it was or others made of it."""
        told, uidlist = self.told, self.uidlist
        return Witness(
            self.folder,
            told if told is not None and told.uidvalidity == uidvalidity else None,
            uidlist if uidlist is not None and uidlist.uidvalidity == uidvalidity else None,
        )

    def untold(self, *, uid: int = 1, modseq: int = 0, certain: bool) -> tuple[int, int]:
        """The UID from which on none was told, and the highest MODSEQ that may have been told.

        They are at least `uid` and `modseq`, which are known otherwise. `certain` says that nothing
        was told but what the files say, or lies below.
        """
        said = [each for each in (self.told, self.uidlist) if each is not None]
        uid = max(uid, *(each.next_uid for each in said), 1)
        modseq = max(modseq, *(each.modseq for each in said), 0)
        if not certain:
            uid = min(uid + LOST_UIDS + self._age() // _MINUTE, HIGHEST_UID)
        if self.is_ours or not certain:
            modseq = max(modseq, int(time.time())) + LOST_CHANGES
        return uid, min(modseq, HIGHEST_MODSEQ - 1)

    def _age(self) -> int:
        """Seconds since one of the files was written."""
        ages = (told_age(self.folder), uidlist_age(self.folder))
        return min((age for age in ages if age is not None), default=0)


def read_witness(folder: bytes) -> Witness:
    """What a folder says, without the uidlist's entries; costs the same at any size. OSError.

    A uidlist that was written before an exact line that holds adds nothing, and is not read.
    """
    told = read_told(folder)
    is_enough = told is not None and told.holds and told.exact and not _listed_since(folder)
    return Witness(folder, told, None if is_enough else read_uidlist_header(folder))


def read_whole_witness(folder: bytes) -> Witness:
    """What a folder says, with the uidlist's entries; OSError.

    Where the header can't be read the lines say their UIDs still, and `maildird-told` the
    UIDVALIDITY.
    """
    told, uidlist = read_told(folder), read_uidlist(folder)
    if uidlist is None and told is not None and has_uidlist(folder):
        header = UidList(told.uidvalidity, told.next_uid, told.guid, told.modseq)
        uidlist = read_headless_uidlist(folder, header)
    return Witness(folder, told, uidlist)


def _listed_since(folder: bytes) -> bool:
    """Whether the uidlist was written after `maildird-told`, or may have been."""
    try:
        listed = os.stat(os.path.join(folder, DOVECOT)).st_mtime_ns
        return listed > os.stat(os.path.join(folder, FILE)).st_mtime_ns
    except FileNotFoundError:
        return False
