"""The client's end of a connection, as a session needs it."""

from typing import Protocol


class Stream(Protocol):
    """One task may receive while another one sends.

    A connection that is lost raises trio.BrokenResourceError, one that was closed on this side
    trio.ClosedResourceError.
    """

    async def receive_some(self) -> bytes:
        """At least one octet; b"" once the client has ended its side."""

    async def send_all(self, data: bytes) -> None:
        """Send `data`; how much of it went out of a cancelled call is unknown."""
