"""`dovecot-keywords` changed under us: another server named letters, or the file went away.

What the file says of letters holds, and the flags of messages whose names carry them follow. Where
a letter gets another name, those messages have another flag by the same bit: that is a change, too.
A file that went away is written again from the index: the letters in the names mean nothing without
it, and nobody deletes keywords that way.
"""

from maildird.index.rows import MailboxRow
from maildird.mailbox.adopting import mask_in
from maildird.mailbox.turn import Stamp, Turn
from maildird.maildir.keywords import keywords_stamp, read_keywords, write_keywords
from maildird.terms.flags import LETTER_KEYWORDS, LETTER_MASK, SYSTEM_MASK, keyword_bit


def take_over_keywords(turn: Turn, row: MailboxRow, stamp: Stamp) -> MailboxRow:
    """Bring the mailbox's keywords in step with the file; costs one stat when nothing changed."""
    folder = turn.folder(row)
    state = turn.disk.of(row.id)
    if keywords_stamp(folder) == state.keywords:
        return row
    letters = row.keywords[:LETTER_KEYWORDS]
    if keywords_stamp(folder) is None:
        write_keywords(folder, letters)
    state.keywords = keywords_stamp(folder)
    named = read_keywords(folder)
    if named == _trimmed(letters):
        return row
    padded = named + ("",) * (LETTER_KEYWORDS - len(named))
    row = turn.update(row.id, keywords=_trimmed(padded + row.keywords[LETTER_KEYWORDS:]))
    _reflag(turn, row, stamp, _renamed(letters, named))
    return row


def _renamed(before: tuple[str, ...], after: tuple[str, ...]) -> int:
    """The bits that mean another keyword than before."""
    pairs = enumerate(zip(before, after, strict=False))
    return sum(keyword_bit(number) for number, (old, new) in pairs if old != new)


def _reflag(turn: Turn, row: MailboxRow, stamp: Stamp, renamed: int) -> None:
    """Give every message the flags that its name means now."""
    for uid, name in list(turn.batch.names(row.id)):
        message = turn.batch.message(row.id, uid)
        assert message is not None
        mask = mask_in(row, name, message.mask & ~(SYSTEM_MASK | LETTER_MASK))
        if mask != message.mask or mask & renamed:
            turn.batch.set_mask(row.id, uid, stamp.modseq, mask)


def _trimmed(keywords: tuple[str, ...]) -> tuple[str, ...]:
    """Without the holes at the end."""
    named = max((number + 1 for number, name in enumerate(keywords) if name), default=0)
    return keywords[:named]
