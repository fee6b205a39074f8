"""All that is kept about a message, from one look at its header and one walk over its parts."""

from typing import Final, NamedTuple

from maildird.mime.bodystructure import render_bodies
from maildird.mime.common_header import COMMON, MAX_KEPT, NUMBERS, keep_common
from maildird.mime.envelope import render_envelope
from maildird.mime.header import Header, add_value, split_fields, used_header
from maildird.mime.walk import DESCRIBED_FIELDS, walk


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


class _Wanted(NamedTuple):
    """What to do with a field: its name if it is described, its number if it is common."""

    described: bytes | None
    number: int | None


_BY_NAME: Final = {
    name: _Wanted(name if name in DESCRIBED_FIELDS else None, NUMBERS.get(name))
    for name in COMMON | DESCRIBED_FIELDS
}
_AS_WRITTEN: Final = _BY_NAME | {name.title(): wanted for name, wanted in _BY_NAME.items()}
"""By the two ways in which most mailers write a name, too: to look it up is all there is to do."""


def _read_header(message: bytes) -> tuple[Header, bytes]:
    """The `DESCRIBED_FIELDS`, and the common header."""
    described: Header = {}
    layout, common = bytearray(), []
    header = used_header(message)
    if not header.endswith(b"\n"):
        header += b"\r\n"
    for field in split_fields(header):
        name, colon, value = field.partition(b":")
        wanted = _AS_WRITTEN.get(name) or _BY_NAME.get(name.rstrip(b" \t").lower())
        if wanted is None or not colon:
            continue
        if wanted.described:
            add_value(described, wanted.described, value)
        if wanted.number and len(layout) <= MAX_KEPT:
            layout.append(wanted.number)
            common.append(field)
    return described, keep_common(bytes(layout), common)
