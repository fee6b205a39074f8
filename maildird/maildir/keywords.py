"""`dovecot-keywords`: which keyword each small letter in the file names means, in one folder.

Lines are `<number> <name>`, number 0 being the letter `a`; there are at most 26. The file is
replaced by a rename while the uidlist's lock is held (Dovecot's `maildir-keywords.c`).
"""

import os
from typing import Final

from maildird.maildir.dotlock import uidlist_locked
from maildird.maildir.replacing import replace_file
from maildird.terms.flags import LETTER_KEYWORDS

KEYWORDS: Final = b"dovecot-keywords"

Stamp = tuple[int, int, int]


def read_keywords(folder: bytes) -> tuple[str, ...]:
    """Keyword names by number; "" is a number without one. Lines that make no sense are skipped."""
    try:
        with open(os.path.join(folder, KEYWORDS), "rb") as file:
            lines = file.read().split(b"\n")
    except FileNotFoundError:
        return ()
    names: dict[int, str] = {}
    for line in lines:
        number, _, name = line.partition(b" ")
        if number.isdigit() and int(number) < LETTER_KEYWORDS and _is_keyword(name):
            names.setdefault(int(number), name.decode("ascii"))
    return tuple(names.get(number, "") for number in range(max(names, default=-1) + 1))


def write_keywords(folder: bytes, names: tuple[str, ...]) -> None:
    """Replace the file; Refused (INUSE) when another program holds the lock, OSError."""
    lines = [f"{number} {name}\n" for number, name in enumerate(names) if name]
    with uidlist_locked(folder):
        replace_file(os.path.join(folder, KEYWORDS), "".join(lines).encode("ascii"))


def keywords_stamp(folder: bytes) -> Stamp | None:
    """Changes when the file does; None when there is none."""
    try:
        status = os.stat(os.path.join(folder, KEYWORDS))
    except FileNotFoundError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _is_keyword(name: bytes) -> bool:
    """Whether IMAP can say the name: an atom (RFC 3501 section 9, flag-keyword)."""
    return bool(name) and all(0x20 < octet < 0x7F and octet not in b'(){%*"\\]' for octet in name)
