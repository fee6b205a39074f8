"""Rows: FETCH of much from many messages, and of a little from one."""

import os
import random
import time
from collections.abc import Callable, Iterator
from statistics import median

from tests.bench.figures import Figure, Row
from tests.bench.servers import Server, selected
from tests.bench.wire import Wire

ENVELOPES = b"FETCH 1:* (ENVELOPE INTERNALDATE RFC822.SIZE)"
HEADERS = b"FETCH 1:* (BODY.PEEK[HEADER.FIELDS (From To Cc Subject Date Message-ID)])"
WARM = {
    "flags": b"FETCH 1:* (UID FLAGS MODSEQ)",
    "envelope": ENVELOPES,
    "bodystructure": b"FETCH 1:* (BODYSTRUCTURE)",
    "headers": HEADERS,
}
ARRIVALS = 2_000
SINGLE = 2_000
"""Commands in a row, in which one takes what is said."""


def _warm(command: bytes) -> Callable[[Server, int], Iterator[Figure]]:
    def measure(server: Server, repeat: int) -> Iterator[Figure]:
        wire = selected(server)
        wire.command(command)
        times = [_timed(wire, command) for _ in range(repeat)]
        yield Figure("warm, median", median(times) * 1000, "ms")

    return measure


def _first(*, wait: bool) -> Callable[[Server, int], Iterator[Figure]]:
    """On a tree never seen before; `wait` for what the server does in the background."""

    def measure(server: Server, repeat: int) -> Iterator[Figure]:
        times = []
        for _ in range(repeat):
            server.forget()
            wire = selected(server)
            if wait:
                wait_for_rest(server)
            times.append(_timed(wire, ENVELOPES))
            wire.close()
        yield Figure("ENVELOPE, median", median(times) * 1000, "ms")

    return measure


def _arrived(server: Server, repeat: int) -> Iterator[Figure]:
    """The mail came while the server ran, which had time to look at it."""
    wire = selected(server)
    names = os.listdir(server.maildir / "cur")
    times = []
    for number in range(repeat):
        for name in names[number * ARRIVALS : (number + 1) * ARRIVALS]:
            arrival = f"{name.partition('.')[0]}.M{number}P2.{name.partition(':')[0]}"
            os.link(server.maildir / "cur" / name, server.maildir / "new" / arrival)
        wait_for_rest(server)
        wire.command(b"NOOP")
        heard = wire.command(b"STATUS INBOX (MESSAGES)")
        last = int(heard.partition(b"MESSAGES ")[2].partition(b")")[0])
        span = b"FETCH %d:%d " % (last - ARRIVALS + 1, last)
        times.append(_timed(wire, ENVELOPES.replace(b"FETCH 1:* ", span)))
    yield Figure(f"ENVELOPE of {ARRIVALS}, median", median(times) * 1000, "ms")


def wait_for_rest(server: Server) -> None:
    """Until the server does nothing any more."""
    before = -1.0
    while (now := server.cpu_seconds()) > before + 0.02:
        before = now
        time.sleep(1.5)


def _download(server: Server, repeat: int) -> Iterator[Figure]:
    wire = selected(server)
    rates = []
    for _ in range(repeat):
        began = time.perf_counter()
        octets = wire.skim(b"UID FETCH 1:* (BODY.PEEK[])")
        rates.append((time.perf_counter() - began) * 1e3 / (octets / 1e6))
    yield Figure("a megabyte, median", median(rates), "ms")


def _single(make: Callable[[bytes], bytes]) -> Callable[[Server, int], Iterator[Figure]]:
    def measure(server: Server, repeat: int) -> Iterator[Figure]:
        wire = selected(server)
        heard = wire.command(b"UID SEARCH ALL").partition(b"* SEARCH")[2].partition(b"\r\n")[0]
        uids = heard.split()
        chance = random.Random(3)
        times = []
        for _ in range(repeat):
            commands = [make(chance.choice(uids)) for _ in range(SINGLE)]
            began = time.perf_counter()
            for command in commands:
                wire.command(command)
            times.append((time.perf_counter() - began) / SINGLE)
        yield Figure("one command, median", median(times) * 1e6, "µs")

    return measure


def _timed(wire: Wire, command: bytes) -> float:
    began = time.perf_counter()
    wire.command(command)
    return time.perf_counter() - began


DOWNLOAD = _download
NOOP = _single(lambda _uid: b"NOOP")

ROWS = [
    Row("flags-100000", _warm(WARM["flags"]), 100_000, repeat=5, quick=2),
    *(
        Row(f"{name}-20000", _warm(WARM[name]), 20_000, repeat=5, quick=2)
        for name in ("envelope", "bodystructure", "headers")
    ),
    Row("envelope-arrived", _arrived, 20_000, repeat=3, quick=1),
    Row("envelope-first", _first(wait=False), 20_000, repeat=3, quick=1),
    Row("envelope-prepared", _first(wait=True), 20_000, repeat=2, quick=1),
    Row("download", DOWNLOAD, 20_000, repeat=3, quick=1),
    Row("single-body", _single(lambda uid: b"UID FETCH %s (BODY.PEEK[])" % uid), 20_000, 5, 2),
    Row("single-flags", _single(lambda uid: b"UID FETCH %s (FLAGS)" % uid), 20_000, 5, 2),
    Row("noop", NOOP, 20_000, repeat=5, quick=2),
]
