"""Rows: what changes mailboxes: STORE, APPEND, COPY, MOVE, EXPUNGE."""

import time
from collections.abc import Callable, Iterator
from statistics import median

from tests.bench.figures import Figure, Row
from tests.bench.servers import Server, selected
from tests.bench.wire import Wire

SINGLE = 200
"""Commands in a row, in which one takes what is said."""
MANY = b"1:1000"
MESSAGE = b"Subject: bench\r\n\r\n" + b"Some text that is neither long nor short.\r\n" * 116


def _store_one(server: Server, repeat: int) -> Iterator[Figure]:
    wire = selected(server)
    times = []
    for _ in range(repeat):
        began = time.perf_counter()
        for number in range(SINGLE):
            sign = b"-+"[number % 2 : number % 2 + 1]
            wire.command(b"STORE 500 %sFLAGS (\\Flagged)" % sign)
        times.append((time.perf_counter() - began) / SINGLE)
    yield Figure("one, median", median(times) * 1000, "ms")


def _store_many(server: Server, repeat: int) -> Iterator[Figure]:
    wire = selected(server)
    times = []
    for _ in range(repeat):
        wire.command(b"STORE %s -FLAGS.SILENT (\\Flagged)" % MANY)
        times.append(_timed(wire, b"STORE %s +FLAGS (\\Flagged)" % MANY))
    yield Figure("1,000 messages, median", median(times) * 1000, "ms")


def _append(server: Server, repeat: int) -> Iterator[Figure]:
    wire = selected(server)
    command = b"APPEND INBOX {%d+}\r\n%s" % (len(MESSAGE), MESSAGE)
    times = []
    for _ in range(repeat):
        began = time.perf_counter()
        for _ in range(SINGLE):
            wire.command(command)
        times.append((time.perf_counter() - began) / SINGLE)
    yield Figure("one, median", median(times) * 1000, "ms")


def _between(verb: bytes) -> Callable[[Server, int], Iterator[Figure]]:
    """COPY or MOVE into a mailbox that is empty."""

    def measure(server: Server, repeat: int) -> Iterator[Figure]:
        wire = selected(server)
        times = []
        for number in range(repeat):
            wire.command(b"CREATE Target%d" % number)
            times.append(_timed(wire, b"%s %s Target%d" % (verb, MANY, number)))
        yield Figure("1,000 messages, median", median(times) * 1000, "ms")

    return measure


def _expunge(server: Server, repeat: int) -> Iterator[Figure]:
    wire = selected(server)
    times = []
    for _ in range(repeat):
        wire.command(b"STORE %s +FLAGS.SILENT (\\Deleted)" % MANY)
        times.append(_timed(wire, b"EXPUNGE"))
    yield Figure("1,000 messages, median", median(times) * 1000, "ms")


def _timed(wire: Wire, command: bytes) -> float:
    began = time.perf_counter()
    wire.command(command)
    return time.perf_counter() - began


ROWS = [
    Row("store-one", _store_one, 20_000, repeat=3, quick=1),
    Row("store-many", _store_many, 20_000, repeat=10, quick=3),
    Row("append-1000", _append, 1_000, repeat=3, quick=1),
    Row("append-20000", _append, 20_000, repeat=3, quick=1),
    Row("copy", _between(b"COPY"), 20_000, repeat=7, quick=3),
    Row("move", _between(b"MOVE"), 20_000, repeat=7, quick=3),
    Row("expunge", _expunge, 20_000, repeat=7, quick=3),
]
