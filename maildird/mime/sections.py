"""Pieces of a message that FETCH BODY[…] asks for (RFC 3501 section 6.4.5)."""

from maildird.terms.section import Section


def section(message: bytes, wanted: Section) -> bytes | None:
    """The octets of `wanted` in `message` (wire form); None where no such part exists (NIL)."""
    raise NotImplementedError
