"""UIDVALIDITY of new folders: rising over the whole tree, whichever server makes them.

Dovecot keeps the last value that it gave as eight hexadecimal digits in `dovecot-uidvalidity` at
the root, and beside it an empty file with the value in its name, `dovecot-uidvalidity.5f3e2a10`.
That file is the lock: who renames it to the next value has it (Dovecot's `mailbox-uidvalidity.c`).
If Dovecot has been there, we do the same; we never begin such files.
"""

import os
import re
import time
from contextlib import suppress
from typing import Final

FILE: Final = b"dovecot-uidvalidity"

FARTHEST: Final = 1 << 30
"""Values so far ahead of the clock (in seconds) are not followed: there have to be some left."""

_HIGHEST: Final = 0xFFFFFFFF
_VALUE: Final = re.compile(re.escape(FILE) + rb"\.([0-9a-f]{8})")
_ATTEMPTS: Final = 10


def claim_uidvalidity(root: bytes, last: int) -> int:
    """A value above `last` and above Dovecot's, and not below the time in seconds; OSError."""
    for _attempt in range(_ATTEMPTS):
        given = _given_by_dovecot(root)
        claimed = max(int(time.time()), last + 1, max(given, default=0) + 1)
        if not given or _claimed_from_dovecot(root, max(given), claimed):
            break
    return claimed


def _given_by_dovecot(root: bytes) -> list[int]:
    """The values that files tell; empty when Dovecot has never been there."""
    matches = map(_VALUE.fullmatch, os.listdir(root))
    given = [int(match[1], 16) for match in matches if match is not None]
    return [value for value in given if value < _HIGHEST]


def _claimed_from_dovecot(root: bytes, given: int, claimed: int) -> bool:
    """Raise Dovecot's value; False when somebody else did so meanwhile."""
    path = os.path.join(root, FILE)
    try:
        os.rename(b"%s.%08x" % (path, given), b"%s.%08x" % (path, claimed))
    except FileNotFoundError:
        return False
    with suppress(FileNotFoundError), open(path, "r+b") as file:
        file.write(b"%08x" % claimed)
    return True
