"""Facts of a message, as the index keeps them, from what the MIME room says about it."""

from typing import Final

from maildird.index.rows import Facts
from maildird.mime import describe as mime

_LAST_DATE: Final = 253_402_128_000
"""30 December 9999: date-time has no room for later years (RFC 3501 section 9)."""


def internaldate(mtime: int) -> int:
    """The internal date of a message whose file has this time; both in Unix seconds.

    A date that IMAP can't write is moved to the nearest one that it can.
    """
    return min(max(mtime, 0), _LAST_DATE)


def describe(content: bytes, mtime: int) -> Facts:
    """Facts of a message in wire form, whose file has this time (Unix seconds)."""
    described = mime.describe(content)
    return Facts(
        internaldate=internaldate(mtime),
        size=described.size,
        envelope=described.envelope,
        body=described.body,
        bodystructure=described.bodystructure,
        header=described.header,
    )
