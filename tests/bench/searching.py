"""Rows: SEARCH, the first time, and when the server has nothing left to do in the background."""

import time
from collections.abc import Callable, Iterator
from statistics import median

from tests.bench.fetching import wait_for_rest
from tests.bench.figures import Figure, Row
from tests.bench.servers import Server, selected
from tests.bench.wire import Wire


def _search(keys: bytes) -> Callable[[Server, int], Iterator[Figure]]:
    def measure(server: Server, repeat: int) -> Iterator[Figure]:
        server.forget()
        wire = selected(server)
        yield Figure("first", _timed(wire, keys) * 1000, "ms")
        wait_for_rest(server)
        times = [_timed(wire, keys) for _ in range(repeat)]
        yield Figure("later, median", median(times) * 1000, "ms")

    return measure


def _timed(wire: Wire, keys: bytes) -> float:
    began = time.perf_counter()
    wire.command(b"UID SEARCH " + keys)
    return time.perf_counter() - began


KEYS = {
    "from": b"FROM smith",
    "subject": b"SUBJECT meeting",
    "body": b"BODY zanzibar",
    "text": b"TEXT zanzibar",
    "unseen-since": b"UNSEEN SINCE 1-Jan-2020",
}

ROWS = [
    Row(f"search-{name}", _search(keys), 20_000, repeat=5, quick=2) for name, keys in KEYS.items()
]
