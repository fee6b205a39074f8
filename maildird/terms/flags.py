"""Flags as bits of one 64-bit integer, the *mask*.

The low byte holds the system flags of RFC 3501 section 2.3.2 (\\Recent is a session's own matter
and has no bit). Bit `KEYWORD_SHIFT + k` is the mailbox's keyword number k; numbers 0 to 25 are the
letters a to z of the file name (`dovecot-keywords` maps them to names), higher ones are
*letterless*: they live in the index, and in a file of our own (`maildird-keywords`).
"""

from typing import Final

ANSWERED: Final = 1 << 0
FLAGGED: Final = 1 << 1
DELETED: Final = 1 << 2
SEEN: Final = 1 << 3
DRAFT: Final = 1 << 4

SYSTEM_FLAGS: Final[dict[str, int]] = {
    "\\Answered": ANSWERED,
    "\\Flagged": FLAGGED,
    "\\Deleted": DELETED,
    "\\Seen": SEEN,
    "\\Draft": DRAFT,
}

KEYWORD_SHIFT: Final = 8
LETTER_KEYWORDS: Final = 26
MAX_KEYWORDS: Final = 64 - KEYWORD_SHIFT

SYSTEM_MASK: Final = (1 << KEYWORD_SHIFT) - 1
LETTER_MASK: Final = ((1 << LETTER_KEYWORDS) - 1) << KEYWORD_SHIFT
LETTERLESS_MASK: Final = (1 << 64) - (1 << KEYWORD_SHIFT + LETTER_KEYWORDS)

_SYSTEM_BY_FOLDED: Final = {name.lower(): bit for name, bit in SYSTEM_FLAGS.items()}


def system_flag(name: str) -> int | None:
    """The bit of a system flag, whatever its case; None for any other name."""
    return _SYSTEM_BY_FOLDED.get(name.lower())


def keyword_bit(number: int) -> int:
    """The bit of keyword `number` (0 to MAX_KEYWORDS - 1) of a mailbox."""
    return 1 << (KEYWORD_SHIFT + number)


def flag_names(mask: int, keywords: tuple[str, ...]) -> tuple[str, ...]:
    """The names in `mask`, system flags first; bits of keywords without a name are left out."""
    names = [name for name, bit in SYSTEM_FLAGS.items() if mask & bit]
    rest = mask >> KEYWORD_SHIFT
    for name in keywords:
        if rest & 1 and name:
            names.append(name)
        rest >>= 1
    return tuple(names)
