"""The incoming side of a session: octets of the client in, events of the protocol out."""

from collections.abc import Awaitable, Callable
from typing import Final

from maildird.imap.connection import Connection, Event
from maildird.session.streams import Stream

PIECE: Final = 64 * 1024
"""Octets of one command that count as a sign of life."""


class Incoming:
    """Reads from the client when the connection has no event left.

    `heard` is called whenever an event came of it, and with every `PIECE` of a long command: so an
    octet now and then doesn't keep a connection.
    """

    def __init__(self, stream: Stream, connection: Connection, heard: Callable[[], None]) -> None:
        self._stream = stream
        self._connection = connection
        self._heard = heard
        self._next: Event | None = None
        self._unheard = 0

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
                self._hear()
                return event
            if before_reading is not None:
                await before_reading()
            received = await self._stream.receive_some()
            if not received:
                return None
            self._connection.receive_data(received)
            self._unheard += len(received)
            if self._unheard >= PIECE:
                self._hear()

    def _hear(self) -> None:
        self._unheard = 0
        self._heard()
