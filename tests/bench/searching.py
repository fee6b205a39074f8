"""Rows: SEARCH, the first time and again."""

import time
from collections.abc import Callable, Iterator
from statistics import median

from tests.bench.figures import Figure, Row
from tests.bench.servers import Server, selected


def _search(keys: bytes) -> Callable[[Server, int], Iterator[Figure]]:
    def measure(server: Server, repeat: int) -> Iterator[Figure]:
        server.forget()
        wire = selected(server)
        times = []
        for _ in range(repeat):
            began = time.perf_counter()
            wire.command(b"UID SEARCH " + keys)
            times.append(time.perf_counter() - began)
        yield Figure("first", times[0] * 1000, "ms")
        yield Figure("again, median", median(times[1:]) * 1000, "ms")

    return measure


KEYS = {
    "from": b"FROM smith",
    "subject": b"SUBJECT meeting",
    "body": b"BODY zanzibar",
    "text": b"TEXT zanzibar",
    "unseen-since": b"UNSEEN SINCE 1-Jan-2020",
}

ROWS = [
    Row(f"search-{name}", _search(keys), 20_000, repeat=6, quick=3) for name, keys in KEYS.items()
]
