"""The incoming side of a session: octets of the client in, events of the protocol out."""

from collections.abc import Awaitable, Callable

from maildird.imap.connection import Connection, Continue, Event
from maildird.session.lifetime import Lifetime
from maildird.session.streams import Stream


class Incoming:
    """Reads from the client when the connection has no event left.

    `lifetime` hears of every event and of every part of one. Leave to send a literal is no sign of
    life: a command could ask for it thousands of times.
    """

    def __init__(self, stream: Stream, connection: Connection, lifetime: Lifetime) -> None:
        self._stream = stream
        self._connection = connection
        self._lifetime = lifetime
        self._next: Event | None = None
        self._partial = 0

    def put_back(self, event: Event) -> None:
        """Have `event` come once more: it is for somebody else."""
        self._next = event

    async def event(
        self, before_reading: Callable[[], Awaitable[None]] | None = None
    ) -> Event | None:
        """What comes next, None when the client has gone. Replies are due `before_reading`."""
        while True:
            event, self._next = self._next or self._connection.next_event(), None
            if event is not None:
                if not isinstance(event, Continue):
                    self._partial = 0
                    self._lifetime.heard()
                return event
            if before_reading is not None:
                await before_reading()
            if self._partial:
                self._lifetime.part_came(self._partial)
            received = await self._stream.receive_some()
            if not received:
                return None
            self._connection.receive_data(received)
            self._partial = len(received)
