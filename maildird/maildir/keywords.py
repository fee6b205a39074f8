"""`dovecot-keywords`: which keyword each small letter in the file names means, in one folder.

Lines are `<number> <name>`, number 0 being the letter `a`; there are at most 26. The file is
replaced by a rename while the uidlist's lock is held (Dovecot's `maildir-keywords.c`). What it says
of a letter holds for every program that reads the folder, so a letter is never given another name.
"""

import os
import re
from typing import Final

from maildird.maildir.dotlock import uidlist_locked
from maildird.maildir.plain_files import read_regular
from maildird.maildir.replacing import replace_file
from maildird.terms.codes import Code
from maildird.terms.errors import Refused
from maildird.terms.flags import LETTER_KEYWORDS

KEYWORDS: Final = b"dovecot-keywords"

Stamp = tuple[int, int, int]

# flag-keyword = atom; an atom has no CTL, SP or atom-specials (RFC 3501 section 9)
_KEYWORD: Final = re.compile(rb'[^\x00-\x20\x7f-\xff(){%*"\\\]]+')


def read_keywords(folder: bytes) -> tuple[str, ...]:
    """Keyword names by number; "" is a number without one.

    Lines that make no sense, and a name that stands there already in whatever case, are skipped.
    """
    try:
        lines = read_regular(os.path.join(folder, KEYWORDS)).split(b"\n")
    except FileNotFoundError:
        return ()
    names: dict[int, str] = {}
    seen: set[str] = set()
    for line in lines:
        digits, _space, word = line.partition(b" ")
        number = int(digits) if digits.isdigit() and len(digits) < 3 else LETTER_KEYWORDS
        name = word.decode("ascii") if is_keyword(word) else ""
        if number < LETTER_KEYWORDS and number not in names and name.lower() not in {"", *seen}:
            names[number] = name
            seen.add(name.lower())
    return tuple(names.get(number, "") for number in range(max(names, default=-1) + 1))


def write_keywords(folder: bytes, names: tuple[str, ...]) -> None:
    """Have the file say `names`; a letter that only the file has a name for keeps it.

    Refused (INUSE) when another program holds the lock, or has given one of the letters another
    name: then the file is as it was, and has to be read again. OSError.
    """
    with uidlist_locked(folder):
        present = read_keywords(folder)
        width = max(len(names), len(present))
        merged = [
            _one_name(number, wanted, there)
            for number, (wanted, there) in enumerate(
                zip(_padded(names, width), _padded(present, width), strict=True)
            )
        ]
        lines = [f"{number} {name}\n" for number, name in enumerate(merged) if name]
        replace_file(os.path.join(folder, KEYWORDS), "".join(lines).encode("ascii"))


def is_keyword(word: bytes) -> bool:
    """Whether IMAP can say `word` as a keyword."""
    return _KEYWORD.fullmatch(word) is not None


def keywords_stamp(folder: bytes) -> Stamp | None:
    """Changes when the file does; None when there is none."""
    try:
        status = os.stat(os.path.join(folder, KEYWORDS))
    except FileNotFoundError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _padded(names: tuple[str, ...], width: int) -> tuple[str, ...]:
    return names + ("",) * (width - len(names))


def _one_name(number: int, wanted: str, there: str) -> str:
    if wanted and there and wanted.lower() != there.lower():
        raise Refused(
            Code.INUSE,
            f"another program gave the letter of keyword {wanted} to {there}; try again",
        )
    return there or wanted
