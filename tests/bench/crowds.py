"""Rows: many connections: what each costs in memory, and what they get done together."""

import random
import threading
import time
from collections.abc import Iterator

from tests.bench.changing import MESSAGE
from tests.bench.figures import Figure, Row
from tests.bench.servers import Server, idling, selected

IDLE = 199
BUSY = 20
READERS = 5
COMMANDS = (
    b"NOOP",
    b"UID FETCH %d:%d (FLAGS)",
    b"UID FETCH %d:%d (ENVELOPE)",
    b"UID FETCH %d:%d (BODY.PEEK[])",
    b"UID STORE %d:%d +FLAGS (\\Flagged)",
    b"UID STORE %d:%d -FLAGS (\\Flagged)",
    b"UID SEARCH UNSEEN UID %d:%d",
)


def _memory(server: Server, repeat: int) -> Iterator[Figure]:
    del repeat
    wires = [idling(server)]
    before = server.memory()
    wires += [idling(server) for _ in range(IDLE)]
    yield Figure("one connection in IDLE", (server.memory() - before) / IDLE / 1000, "kB")


def _readers(server: Server, repeat: int) -> Iterator[Figure]:
    del repeat
    wires = [selected(server) for _ in range(READERS)]
    for wire in wires:
        wire.command(b"FETCH 1:* (UID FLAGS MODSEQ)")
    yield Figure(f"the server with {READERS} sessions", server.memory() / 1e6, "MB")


def _mixed(server: Server, repeat: int) -> Iterator[Figure]:
    """Each does what clients do, mostly reading, as quickly as it is answered."""
    wires = [selected(server) for _ in range(BUSY)]
    done: list[int] = []
    until = time.perf_counter() + repeat

    def work(number: int) -> None:
        chance, count = random.Random(number), 0
        while time.perf_counter() < until:
            first = chance.randrange(1, 19_000)
            command = chance.choice(COMMANDS)
            if chance.random() < 0.02:
                command = b"APPEND INBOX {%d+}\r\n%s" % (len(MESSAGE), MESSAGE)
            elif b"%d" in command:
                command = command % (first, first + chance.choice((0, 0, 0, 20)))
            wires[number].command(command)
            count += 1
        done.append(count)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(BUSY)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    yield Figure("one command", (time.perf_counter() - began) / sum(done) * 1000, "ms")


ROWS = [
    Row("memory-idle", _memory, 1_000, repeat=1, quick=1),
    Row("memory-100000", _readers, 100_000, repeat=1, quick=1, with_dovecot=False),
    Row("mixed", _mixed, 20_000, repeat=10, quick=4),
]
