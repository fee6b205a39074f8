"""All that is kept about a message, from one look at its header and one walk over its parts."""

from typing import Final, NamedTuple

from maildird.mime.bodystructure import render_bodies
from maildird.mime.common_header import COMMON, MAX_KEPT, keep_common
from maildird.mime.envelope import render_envelope
from maildird.mime.header import MAX_HEADER, Header, add_value, finder, header_end
from maildird.mime.walk import DESCRIBED_FIELDS, walk

_FINDER: Final = finder(COMMON | DESCRIBED_FIELDS)


class Description(NamedTuple):
    """What IMAP says about one message: `size` in octets, the rest as IMAP writes it.

    `header` is the common header.
    """

    size: int
    envelope: bytes
    body: bytes
    bodystructure: bytes
    header: bytes


def describe(message: bytes) -> Description:
    """ENVELOPE, BODY, BODYSTRUCTURE, RFC822.SIZE and common header of `message` (wire form)."""
    header, common = _read_header(message)
    root = walk(message, header)
    body, bodystructure = render_bodies(root)
    return Description(
        size=len(message),
        envelope=render_envelope(root.header),
        body=body,
        bodystructure=bodystructure,
        header=common,
    )


def _read_header(message: bytes) -> tuple[Header, bytes]:
    """The `DESCRIBED_FIELDS`, and the common header."""
    described: Header = {}
    common: list[tuple[bytes, bytes]] = []
    octets = 0
    end = min(header_end(message), MAX_HEADER)
    if not message.endswith(b"\n", 0, end):
        message = message[:end] + b"\r\n"
        end = len(message)
    for field, name, value in _FINDER.find(message, 0, end):
        name = name.lower()
        if name in DESCRIBED_FIELDS:
            add_value(described, name, value)
        if name in COMMON and octets <= MAX_KEPT:
            common.append((name, field + b"\n"))
            octets += len(field)
    return described, keep_common(common)
