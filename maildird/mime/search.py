"""Text of a message as SEARCH sees it (RFC 3501 section 6.4.4)."""


def header_values(message: bytes, field: str) -> list[str]:
    """The decoded values of every header field called `field` (any case), in order.

    `message` may be a whole message (wire form) or only its header, such as `common_header` gives.
    """
    raise NotImplementedError


def header_text(message: bytes) -> str:
    """The decoded header, one field a line: the header's share of SEARCH TEXT."""
    raise NotImplementedError


def body_text(message: bytes) -> str:
    """The decoded text of the body: SEARCH BODY, and the body's share of SEARCH TEXT."""
    raise NotImplementedError


def fold(text: str) -> str:
    """`text` with the differences of case taken out that a search does not see."""
    raise NotImplementedError


def contains(folded: str, needle: str) -> bool:
    """Whether text folded by `fold` contains `needle` (not folded) as a substring."""
    raise NotImplementedError
