"""UIDVALIDITY of new folders: rising over the whole tree, whichever server makes them.

Dovecot keeps the next value as eight hexadecimal digits in `dovecot-uidvalidity` at the root, if it
has ever been there. Then we heed the file and raise it; we never make one.
"""

import os
import time
from typing import Final

from maildird.maildir.replacing import replace_file

FILE: Final = b"dovecot-uidvalidity"


def claim_uidvalidity(root: bytes, last: int) -> int:
    """A value above `last`, above Dovecot's, and not below the time in seconds; OSError."""
    path = os.path.join(root, FILE)
    known = _read(path)
    claimed = max(int(time.time()), last + 1, (known or 0) + 1)
    if known is not None:
        replace_file(path, b"%08x" % claimed)
    return claimed


def _read(path: bytes) -> int | None:
    try:
        with open(path, "rb") as file:
            return int(file.read(8), 16)
    except (FileNotFoundError, ValueError):
        return None
