"""ENVELOPE of a message (RFC 3501 section 7.4.2)."""


def envelope(message: bytes) -> bytes:
    """The envelope of `message` (wire form) as IMAP writes it, parentheses included."""
    raise NotImplementedError
