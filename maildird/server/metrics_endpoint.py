"""The page of metrics over HTTP: GET /metrics, one answer a connection.

Theory of operation. Whoever asks is a collector that comes every few seconds, so a few clients at a
time are enough; who has not asked yet makes room for others. Numbers are read in trio's thread,
where nothing changes meanwhile, and made into text in another. Of a request only its first line
counts; what is behind its head is not read.
"""

import logging
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import trio

from maildird.server.failures import connection_failures
from maildird.server.room import Room
from maildird.server.tally import ServerReport

logger = logging.getLogger(__name__)

WHERE: Final = "metrics"
"""What the log calls it."""

MOST_CLIENTS: Final = 16

PATIENCE: Final = 10.0
"""How long a client has to ask, and to take the answer (s)."""

LONGEST_HEAD: Final = 8 * 1024
"""Octets of a request."""

_END: Final = b"\r\n\r\n"


class MetricsEndpoint:
    """Answers with what `report` gives at the time."""

    def __init__(self, report: Callable[[], Awaitable[ServerReport]]) -> None:
        self._report = report
        self._room = Room(WHERE, MOST_CLIENTS)
        self._one = trio.Lock()

    async def answer_all(self, listening: Sequence[socket.socket]) -> None:
        """Answer whoever connects, until cancelled."""
        sockets = [trio.socket.from_stdlib_socket(each) for each in listening]
        await trio.serve_listeners(self._attend, [trio.SocketListener(each) for each in sockets])

    async def _attend(self, stream: trio.SocketStream) -> None:
        with connection_failures(logger, lambda: WHERE):
            async with stream:
                with self._room.place() as place:
                    if place is not None:
                        with trio.move_on_after(PATIENCE):
                            head = await _head(stream)
                            place.occupy()
                            await stream.send_all(await self._answer(head))

    async def _answer(self, head: bytes) -> bytes:
        match head.partition(b"\r\n")[0].split(b" "):
            case [b"GET" | b"HEAD" as method, path, version] if version.startswith(b"HTTP/1."):
                if path.partition(b"?")[0] != b"/metrics":
                    return _response("404 Not Found", b"metrics are at /metrics\n")
                content_type, page = await self._page()
                return _response("200 OK", page, content_type, with_page=method == b"GET")
            case [_, _, version] if version.startswith(b"HTTP/1."):
                return _response("405 Method Not Allowed", b"only GET is of use here\n")
        return _response("400 Bad Request", b"expected a request of HTTP/1.1\n")

    async def _page(self) -> tuple[str, bytes]:
        async with self._one:
            return await trio.to_thread.run_sync(_rendered, await self._report())


def _rendered(report: ServerReport) -> tuple[str, bytes]:
    """The kind of text, and the text; in a worker thread."""
    from maildird.server.metrics import CONTENT_TYPE, page  # takes a tenth of a second to load

    return CONTENT_TYPE, page(report)


async def _head(stream: trio.SocketStream) -> bytes:
    """The head of a request, as far as it came."""
    head = b""
    while _END not in head and len(head) < LONGEST_HEAD:
        received = await stream.receive_some(LONGEST_HEAD - len(head))
        if not received:
            break
        head += received
    return head


def _response(
    status: str, page: bytes, content_type: str = "text/plain", *, with_page: bool = True
) -> bytes:
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(page)}\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode("ascii") + (page if with_page else b"")
