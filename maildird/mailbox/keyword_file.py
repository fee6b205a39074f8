"""`dovecot-keywords` changed under us: another server named letters, or the file went away.

What the file says of letters holds, and the flags of messages whose names carry them follow. Where
a letter gets another name, those messages have another flag by the same bit: that is a change, too.
A letter for a keyword that had none until now goes into the names of its messages.
A file that went away is written again from the index: the letters in the names mean nothing without
it, and nobody deletes keywords that way.
"""

from collections.abc import Mapping
from contextlib import suppress

from maildird.index.rows import MailboxRow
from maildird.mailbox.adopting import mask_in
from maildird.mailbox.keywords import named_letters
from maildird.mailbox.letterless import doubt
from maildird.mailbox.turn import Stamp, Turn
from maildird.maildir.folders import change_flags
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
    lettered = _lettered(named, row.keywords)
    beyond = (
        "" if number in lettered else name
        for number, name in enumerate(row.keywords[LETTER_KEYWORDS:], LETTER_KEYWORDS)
    )
    row = turn.update(row.id, keywords=_trimmed((*padded, *beyond)))
    if lettered:
        doubt(turn, row)
    for uid, name in list(turn.batch.names(row.id)):
        _write_letters(turn, row, uid, name, lettered)
    _reflag(turn, row, stamp, _renamed(letters, named))
    return row


def _lettered(named: tuple[str, ...], keywords: tuple[str, ...]) -> dict[int, int]:
    """The letter that each keyword has now that had none, by number."""
    letters = {name.lower(): letter for letter, name in enumerate(named) if name}
    beyond = enumerate(keywords[LETTER_KEYWORDS:], LETTER_KEYWORDS)
    return {number: letters[name.lower()] for number, name in beyond if name.lower() in letters}


def _write_letters(
    turn: Turn, row: MailboxRow, uid: int, name: bytes, lettered: Mapping[int, int]
) -> None:
    """Give a message's file the letters of what had none; its mask follows the name."""
    message = turn.batch.message(row.id, uid)
    assert message is not None
    moved = {number for number in lettered if message.mask & keyword_bit(number)}
    if not moved:
        return
    kept = mask_in(row, name, message.mask & ~sum(map(keyword_bit, moved)))
    mask = kept | sum({keyword_bit(lettered[number]) for number in moved})
    with suppress(FileNotFoundError):
        name = change_flags(turn.folder(row), name, mask, named_letters(row))
        turn.batch.set_name(row.id, uid, name)
    turn.batch.set_mask(row.id, uid, message.modseq, kept)


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
