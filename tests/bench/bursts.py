"""Rows: what bursts of changes by other programs cost, and what watching costs at rest."""

import os
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from statistics import median, quantiles

from tests.bench.figures import Figure, Row
from tests.bench.servers import Server, idling, selected
from tests.bench.wire import Silence, Wire, after
from tests.rfc7162.responses import numbers
from tests.storms.programs import Program

PATIENCE = 30
"""Seconds in which a server has to be in step with the disk again."""

DELIVERIES = 5_000
RENAMES = 50_000
FOLDERS = 500


def _deliveries(server: Server, repeat: int) -> Iterator[Figure]:
    whole, rest = [], []
    for _ in range(repeat):
        wire = idling(server)
        there = sum(len(os.listdir(server.maildir / subdir)) for subdir in ("cur", "new"))
        program = Program("deliver", server.maildir, count=DELIVERIES)
        told: list[float] = []
        listener = threading.Thread(target=_hear_of, args=(wire, there + DELIVERIES, told))
        listener.start()
        began = time.perf_counter()
        program.begin()
        program.finish()
        ended = time.perf_counter()
        listener.join()
        whole.append(told[0] - began)
        rest.append(max(0.0, told[0] - ended))
        wire.close()
    yield Figure("until all are told, since the first", median(whole) * 1000, "ms")
    yield Figure("until all are told, since the last", median(rest) * 1000, "ms")


def _hear_of(wire: Wire, count: int, told: list[float]) -> None:
    with suppress(Silence):
        wire.until(after(b"* %d EXISTS" % count), PATIENCE)
    told.append(time.perf_counter())


def _renames(server: Server, repeat: int) -> Iterator[Figure]:
    """The mailbox is renamed through `repeat` times 50,000."""
    idler, other = idling(server), selected(server)
    heard: list[bytes] = []
    listener = threading.Thread(target=_listen, args=(idler, heard))
    listener.start()
    program = Program("rename", server.maildir, count=RENAMES * repeat)
    times: list[float] = []
    program.begin()
    while program.running():
        began = time.perf_counter()
        other.command(b"NOOP")
        times.append(time.perf_counter() - began)
        time.sleep(0.002)
    ended = time.perf_counter()
    program.finish()
    while wrong := _differing(server.maildir, other):
        if time.perf_counter() > ended + PATIENCE:
            break
    in_step = time.perf_counter() - ended
    idler.socket.shutdown(socket.SHUT_RD)
    listener.join()
    cuts = quantiles(times, n=100, method="inclusive")
    yield Figure("NOOP of another session meanwhile, median", cuts[49] * 1000, "ms")
    yield Figure("NOOP of another session meanwhile, p99", cuts[98] * 1000, "ms")
    yield Figure("until all flags are right, since the last", in_step * 1000, "ms")
    yield Figure("wrong in the end", wrong, "messages")
    yield Figure("told as gone, all of them there", _vanished(b"".join(heard)), "messages")


def _listen(wire: Wire, heard: list[bytes]) -> None:
    with suppress(Silence):
        while True:
            heard.append(wire.receive())


def _vanished(octets: bytes) -> int:
    sets = re.findall(rb"\* VANISHED ([0-9:,]+)\r\n", octets)
    return sum(len(numbers(each.decode())) for each in sets)


def _differing(maildir: Path, wire: Wire) -> int:
    """How many messages are flagged on disk and not for the client, or the other way round."""
    wire.command(b"NOOP")
    names = os.listdir(maildir / "cur")
    flagged = sum("F" in name.rpartition(":2,")[2] for name in names)
    told = wire.command(b"UID SEARCH FLAGGED").partition(b"* SEARCH")[2].partition(b"\r\n")[0]
    return abs(flagged - len(told.split()))


def _idle_cpu(server: Server, repeat: int) -> Iterator[Figure]:
    time.sleep(5)
    before = server.cpu_seconds()
    time.sleep(repeat)
    yield Figure("one processor", (server.cpu_seconds() - before) / repeat * 100, "%")


ROWS = [
    Row("deliveries", _deliveries, 1_000, repeat=3, quick=1),
    Row("renames", _renames, 20_000, repeat=1, quick=1),
    Row("idle-cpu", _idle_cpu, 1_000, repeat=20, quick=5, folders=FOLDERS, with_dovecot=False),
]
