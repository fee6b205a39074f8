"""Rows: how soon an idling client hears of a change that another program makes."""

import os
import random
import selectors
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from statistics import median

from tests.bench.figures import Figure, Row, latencies
from tests.bench.servers import Server, idling
from tests.bench.wire import Silence, after

PATIENCE = 30
"""Seconds after which a client that has heard nothing counts as having heard."""

SESSIONS = 200


class _Mailbox:
    """INBOX, which another program changes: each change gives the word that tells of it."""

    def __init__(self, maildir: Path) -> None:
        self._maildir = maildir
        self._random = random.Random(1)
        self._names = os.listdir(maildir / "cur")
        self._random.shuffle(self._names)
        self._delivered = 0

    def deliver(self) -> bytes:
        """A message is delivered."""
        self._delivered += 1
        base = f"{time.time_ns() // 10**9}.P1Q{self._delivered}.bench"
        temporary = self._maildir / "tmp" / base
        temporary.write_text("Subject: news\n\nSome text.\n")
        os.rename(temporary, self._maildir / "new" / base)
        return b" EXISTS"

    def reflag(self) -> bytes:
        """A message is flagged or not any more."""
        name = self._names.pop()
        base, _, letters = name.rpartition(":2,")
        renamed = f"{base}:2,{''.join(sorted(set(letters) ^ {'F'}))}"
        os.rename(self._maildir / "cur" / name, self._maildir / "cur" / renamed)
        return b" FETCH "

    def remove(self) -> bytes:
        """A message is removed."""
        os.unlink(self._maildir / "cur" / self._names.pop())
        return b"* VANISHED "

    def pause(self) -> None:
        """So long that a change comes at any moment of whatever rhythm a server has."""
        time.sleep(self._random.uniform(0.2, 0.8))


def _heard(change: str) -> Callable[[Server, int], Iterator[Figure]]:
    def measure(server: Server, repeat: int) -> Iterator[Figure]:
        mailbox = _Mailbox(server.maildir)
        wire = idling(server)
        times = []
        for _ in range(repeat):
            mailbox.pause()
            wire.forget()
            began = time.perf_counter()
            word = getattr(mailbox, change)()
            with suppress(Silence):
                wire.until(after(word), PATIENCE)
            times.append(time.perf_counter() - began)
        yield from latencies("until told", times)

    return measure


def _sessions(server: Server, repeat: int) -> Iterator[Figure]:
    mailbox = _Mailbox(server.maildir)
    wires = [idling(server) for _ in range(SESSIONS)]
    times, deaf = [], []
    with selectors.DefaultSelector() as selector:
        for _ in range(repeat):
            time.sleep(1)
            mailbox.pause()
            for wire in wires:
                wire.forget()
                selector.register(wire.socket, selectors.EVENT_READ, wire)
            began = time.perf_counter()
            mailbox.deliver()
            while selector.get_map() and time.perf_counter() < began + PATIENCE:
                for key, _events in selector.select(1):
                    if b" EXISTS" in key.data.receive():
                        selector.unregister(key.fileobj)
            times.append(time.perf_counter() - began)
            deaf.append(len(selector.get_map()))
            for wire in [key.data for key in selector.get_map().values()]:
                selector.unregister(wire.socket)
    yield Figure("until all are told, median", median(times) * 1000, "ms")
    yield Figure(f"not told in {PATIENCE} s", max(deaf), "sessions")


CHANGES = {"deliver": "delivery", "reflag": "flag", "remove": "removal"}

ROWS = [
    *(
        Row(f"{name}-{size}", _heard(change), size, repeat=30, quick=10)
        for size in (1_000, 20_000, 100_000)
        for change, name in CHANGES.items()
    ),
    Row("sessions", _sessions, 1_000, repeat=10, quick=2),
]
