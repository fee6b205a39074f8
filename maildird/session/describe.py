"""Facts of a message, as the index keeps them, from what the MIME room says about it."""

from maildird.index.rows import Facts
from maildird.mime import describe as mime


def describe(content: bytes, internaldate: int) -> Facts:
    """Facts of a message in wire form; `internaldate` in Unix seconds."""
    described = mime.describe(content)
    return Facts(
        internaldate=internaldate,
        size=described.size,
        envelope=described.envelope,
        body=described.body,
        bodystructure=described.bodystructure,
        header=described.header,
    )
