"""All that is kept about a message, from one walk."""

from dataclasses import dataclass

from maildird.mime.bodystructure import render_bodies
from maildird.mime.common_header import common_header
from maildird.mime.envelope import render_envelope
from maildird.mime.walk import walk


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
    root = walk(message)
    body, bodystructure = render_bodies(root)
    return Description(
        size=len(message),
        envelope=render_envelope(root.header),
        body=body,
        bodystructure=bodystructure,
        header=common_header(message),
    )
