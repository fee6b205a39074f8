"""BODY and BODYSTRUCTURE of a message (RFC 3501 section 7.4.2)."""


def body(message: bytes) -> bytes:
    """The body structure of `message` (wire form) without extension data, as IMAP writes it."""
    raise NotImplementedError


def bodystructure(message: bytes) -> bytes:
    """The body structure of `message` (wire form) with extension data, as IMAP writes it."""
    raise NotImplementedError
