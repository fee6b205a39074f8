"""What the server counts while it runs, beside what accounts count of themselves."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from maildird.server.status import Status
from maildird.session.streams import Stream
from maildird.session.tally import CommandTally


@dataclass(slots=True)
class Tally:
    """Commands of all sessions, and the octets that went to and from their clients, without TLS.

    `logins` counts by mechanism and by whether the client was who it said.
    """

    commands: CommandTally = field(default_factory=CommandTally)
    logins: Counter[tuple[str, bool]] = field(default_factory=Counter)
    received: int = 0
    sent: int = 0


@dataclass(frozen=True, slots=True)
class ServerReport:
    """The whole server, as numbers that stay as they were.

    `connections` are open now, of `admitted` that were let in since the start; `refused` counts the
    others by the limit that was reached.
    """

    connections: int
    admitted: int
    refused: Counter[str]
    tally: Tally
    accounts: Sequence[Status]


class MeteredStream:
    """A stream whose octets are counted."""

    def __init__(self, stream: Stream, tally: Tally) -> None:
        self._stream = stream
        self._tally = tally

    async def receive_some(self) -> bytes:
        """As the stream does it."""
        received = await self._stream.receive_some()
        self._tally.received += len(received)
        return received

    async def send_all(self, data: bytes) -> None:
        """As the stream does it."""
        await self._stream.send_all(data)
        self._tally.sent += len(data)
