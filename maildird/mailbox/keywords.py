"""Keyword names of a mailbox and their numbers.

The number of a keyword is its bit in the masks; numbers below 26 are letters of the file name and
stand in `dovecot-keywords`, where other servers find them, before any message has the letter. A new
keyword gets the lowest free number. A letter that files carry already though it has no name (other
programs set what they like) is not free: those messages would get the keyword.
"""

from collections.abc import Iterable

from maildird.index.rows import MailboxRow
from maildird.mailbox.turn import Turn
from maildird.maildir.keywords import keywords_stamp, write_keywords
from maildird.maildir.names import parse_name
from maildird.terms.codes import Code
from maildird.terms.errors import Refused
from maildird.terms.flags import (
    LETTER_KEYWORDS,
    MAX_KEYWORDS,
    keyword_bit,
    system_flag,
)


def numbers_of(turn: Turn, row: MailboxRow, flags: tuple[str, ...]) -> tuple[MailboxRow, int]:
    """The mask of `flags`; keywords that the mailbox doesn't have yet become its own.

    Gives the row as it is then. Refused (LIMIT) for a keyword too many.
    """
    mask = 0
    known = {name.lower(): number for number, name in enumerate(row.keywords) if name}
    fresh: list[str] = []
    for flag in flags:
        bit = system_flag(flag)
        if bit is not None:
            mask |= bit
        elif flag.lower() in known:
            mask |= keyword_bit(known[flag.lower()])
        else:
            known[flag.lower()] = _free_number(turn, row, known.values())
            fresh.append(flag)
            mask |= keyword_bit(known[flag.lower()])
    if fresh:
        row = _name_keywords(turn, row, {known[name.lower()]: name for name in fresh})
    return row, mask


def named_letters(row: MailboxRow) -> int:
    """The mask of the letters that mean a keyword in this mailbox."""
    return named_mask(row.keywords[:LETTER_KEYWORDS])


def named_mask(keywords: tuple[str, ...]) -> int:
    """The bits of all keywords that have a name."""
    return sum(keyword_bit(number) for number, name in enumerate(keywords) if name)


def _name_keywords(turn: Turn, row: MailboxRow, names: dict[int, str]) -> MailboxRow:
    keywords = list(row.keywords)
    for number, name in names.items():
        keywords.extend([""] * (number + 1 - len(keywords)))
        keywords[number] = name
    if min(names) < LETTER_KEYWORDS:
        write_keywords(turn.folder(row), tuple(keywords[:LETTER_KEYWORDS]))
        turn.disk.of(row.id).keywords = keywords_stamp(turn.folder(row))
    return turn.update(row.id, keywords=tuple(keywords))


def _free_number(turn: Turn, row: MailboxRow, taken: Iterable[int]) -> int:
    used = set(taken)
    foreign = _foreign_letters(turn, row) if len(used) < LETTER_KEYWORDS else frozenset()
    for number in range(MAX_KEYWORDS):
        if number not in used and number not in foreign:
            return number
    raise Refused(
        Code.LIMIT, f"a mailbox has at most {MAX_KEYWORDS} keywords; this one has them all"
    )


def _foreign_letters(turn: Turn, row: MailboxRow) -> frozenset[int]:
    """Numbers of letters that stand in file names of the mailbox without having a name."""
    letters: set[int] = set()
    for _uid, name in turn.batch.names(row.id):
        letters.update(parse_name(name).letters)
    numbers = {letter - ord("a") for letter in letters if letter >= ord("a")}
    return frozenset(n for n in numbers if n >= len(row.keywords) or not row.keywords[n])


def only_grown(before: tuple[str, ...], now: tuple[str, ...]) -> bool:
    """Whether keywords kept their numbers; they do unless another program rewrote the file."""
    named = {number: name for number, name in enumerate(before) if name}
    return all(number < len(now) and now[number] == name for number, name in named.items())
