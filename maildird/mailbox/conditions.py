"""UNCHANGEDSINCE: whether a conditional STORE may change a message (RFC 7162 section 3.1.3).

Theory of operation. The test is about the flags that the STORE names, but the index keeps one
MODSEQ for all flags of a message. A message whose MODSEQ is not above the condition's has changed
in nothing, and passes. One that changed since then may still have the named flags as they were: the
client must not be sent away for what it doesn't care about (RFC 7162 section 3.1.12). The server
knows that when it knows the flags as they were at the condition's MODSEQ, and the only old state
that it keeps is the view of the session that asks. What the view has of a message was so at the
condition's MODSEQ if

- the view's MODSEQ of the message is not above the condition's: it didn't get so only later, and
- the view had pulled as far as the condition's MODSEQ: it didn't change again up to there.

Without these bounds a client that was told that another one set `$Processed`, but still asks with
the MODSEQ from before, would win a message that is not its own. Flags that were changed after the
condition's MODSEQ and back again count as unchanged, as in the RFC: nobody holds the message.

FLAGS without + or - names all flags, so only an unchanged message passes. A condition of 0 is a
test for existence: system flags exist on every message, a keyword where it is set.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from maildird.index.rows import MessageRow
from maildird.mailbox.keywords import only_grown
from maildird.mailbox.results import FlagChangeHow
from maildird.mailbox.view import View
from maildird.terms.flags import SYSTEM_MASK


@dataclass(frozen=True, slots=True)
class Condition:
    """UNCHANGEDSINCE `modseq`, and what the session that asks knows of the messages then.

    `known` has their masks at that MODSEQ, by UID, as far as they are known; `keywords` are the
    mailbox's keywords that these masks go by.
    """

    modseq: int
    known: Mapping[int, int]
    keywords: tuple[str, ...]


def masks_at(view: View, modseq: int, uids: Iterable[int]) -> dict[int, int]:
    """The masks that messages had at `modseq`, by UID, for those of which the view can tell."""
    if modseq > view.pulled:
        return {}
    rows = ((uid, seq - 1) for uid in uids if (seq := view.seq_of(uid)) is not None)
    return {uid: view.masks[at] for uid, at in rows if view.modseqs[at] <= modseq}


def passes(
    condition: Condition,
    how: FlagChangeHow,
    wanted: int,
    message: MessageRow,
    keywords: tuple[str, ...],
) -> bool:
    """Whether `message`, as it is now, may be changed by the flags in `wanted`.

    `keywords` are those of the mailbox now: what `message` and `wanted` go by.
    """
    if condition.modseq == 0:
        exists = bool(wanted & (SYSTEM_MASK | message.mask))
        return not exists and how is not FlagChangeHow.REPLACE
    if message.modseq <= condition.modseq:
        return True
    known = condition.known.get(message.uid)
    if known is None or how is FlagChangeHow.REPLACE:
        return False
    return not (known ^ message.mask) & wanted and only_grown(condition.keywords, keywords)
