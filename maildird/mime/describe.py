"""All that is kept about a message, from one walk."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Description:
    """What IMAP says about one message: `size` in octets, the rest as IMAP writes it.

    `header` is what `common_header` gives.
    """

    size: int
    envelope: bytes
    body: bytes
    bodystructure: bytes
    header: bytes


def describe(message: bytes) -> Description:
    """ENVELOPE, BODY, BODYSTRUCTURE, RFC822.SIZE and common header of `message` (wire form)."""
    raise NotImplementedError
