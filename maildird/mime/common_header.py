"""The header fields that clients always ask for, kept so that the file needn't be read."""

from collections.abc import Iterable


def common_header(message: bytes) -> bytes:
    """The fields of the common set as they stand in `message` (wire form), then a blank line.

    Empty where they are too long to be kept: every request then needs the message itself.
    """
    raise NotImplementedError


def common_header_fields(header: bytes, names: Iterable[bytes]) -> bytes | None:
    """HEADER.FIELDS (`names`) answered from what `common_header` gave.

    None where a name lies outside the set, or nothing was kept: the message has to be read.
    """
    raise NotImplementedError
