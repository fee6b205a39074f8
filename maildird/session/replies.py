"""What a session has to say to its client: gathered, and sent in pieces.

Replies to pipelined commands are joined, so that they cost one send. Whoever writes much calls
`drain` between its pieces: it sends what is there once that is worth it, waits for a client that
doesn't read, and lets other tasks run at least every `SLICE` seconds.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import trio

from maildird.session.streams import Stream

PIECE: Final = 64 * 1024
"""So many octets are worth a send."""

LONGEST: Final = 256 * 1024
"""Octets of one send at most."""

SLICE: Final = 0.004


class Replies:
    """The outgoing side of a session."""

    def __init__(self, stream: Stream, taken: Callable[[], None] = lambda: None) -> None:
        """`taken` is called whenever the client has taken `PIECE` octets at once.

        Less than that proves nothing: it lies in the kernel until the client comes back.
        """
        self._stream = stream
        self._taken = taken
        self._waiting: list[bytes] = []
        self._size = 0
        self._cut = self._amid_response = False
        self._yielded = time.perf_counter()

    def write(self, reply: bytes) -> None:
        """Add what is to be sent next: whole lines, or a part of a response that goes on."""
        self._waiting.append(reply)
        self._size += len(reply)

    async def drain(self) -> None:
        """Send if there is enough to be sent, and give way to others if it is time to."""
        if self._size >= PIECE:
            await self.flush()
        if time.perf_counter() - self._yielded > SLICE:
            await trio.lowlevel.checkpoint()
            self._yielded = time.perf_counter()

    async def flush(self) -> None:
        """Send all that waits."""
        while self._waiting:
            await self._send(self._next_piece())

    @contextmanager
    def unfinished(self) -> Iterator[None]:
        """While this is entered, and for ever when it raises, what is written ends amid a reply."""
        self._amid_response = True
        yield
        self._amid_response = False

    async def farewell(self, bye: bytes) -> None:
        """Send `bye` and nothing else, unless the client would read it as part of a reply."""
        self._waiting.clear()
        self._size = 0
        if not self._cut and not self._amid_response:
            await self._send(bye)

    def _next_piece(self) -> bytes:
        size = taken = 0
        for reply in self._waiting:
            if taken and size + len(reply) > LONGEST:
                break
            size += len(reply)
            taken += 1
        piece = self._waiting[0] if taken == 1 else b"".join(self._waiting[:taken])
        del self._waiting[:taken]
        self._size -= size
        return piece

    async def _send(self, piece: bytes) -> None:
        self._cut = True
        for start in range(0, len(piece), LONGEST):
            sent = piece[start : start + LONGEST]
            await self._stream.send_all(sent)
            if len(sent) >= PIECE:
                self._taken()
        self._cut = False
