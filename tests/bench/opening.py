"""Rows: logging in, opening mailboxes known and unknown, and resynchronising."""

import os
import random
import re
import time
from collections.abc import Iterator
from statistics import median

from tests.bench.figures import Figure, Row, latencies
from tests.bench.servers import DovecotService, Server, selected
from tests.bench.wire import Wire

CHANGES = 10
"""Flags that are set, and messages that are expunged, before a client resynchronises."""
OUTSIDE = 100
"""Changes by other programs while the server is not running."""
FOLDERS = 200


def _login(server: Server, repeat: int) -> Iterator[Figure]:
    selected(server).close()
    times = []
    for _ in range(repeat):
        began = time.perf_counter()
        wire = server.connect()
        wire.command(b"SELECT INBOX")
        times.append(time.perf_counter() - began)
        wire.close()
    yield from latencies("connect, LOGIN, SELECT", times)


def _first_open(server: Server, repeat: int) -> Iterator[Figure]:
    times = []
    for _ in range(repeat):
        server.forget()
        wire = server.connect()
        began = time.perf_counter()
        wire.command(b"SELECT INBOX")
        times.append(time.perf_counter() - began)
        wire.close()
    yield Figure("SELECT, median", median(times) * 1000, "ms")


def _resync(server: Server, repeat: int) -> Iterator[Figure]:
    worker = selected(server)
    selects, fetches = [], []
    for _ in range(repeat):
        uidvalidity, modseq = _state(worker)
        _change(worker)
        wire = server.connect()
        wire.command(b"ENABLE QRESYNC")
        began = time.perf_counter()
        wire.command(b"SELECT INBOX (QRESYNC (%s %s))" % (uidvalidity, modseq))
        selects.append(time.perf_counter() - began)
        began = time.perf_counter()
        wire.command(b"UID FETCH 1:* (FLAGS) (CHANGEDSINCE %s VANISHED)" % modseq)
        fetches.append(time.perf_counter() - began)
        wire.close()
    yield Figure("SELECT QRESYNC, median", median(selects) * 1000, "ms")
    yield Figure("UID FETCH CHANGEDSINCE VANISHED, median", median(fetches) * 1000, "ms")


def _state(wire: Wire) -> tuple[bytes, bytes]:
    """UIDVALIDITY and HIGHESTMODSEQ."""
    heard = wire.command(b"SELECT INBOX")
    return _number(heard, rb"UIDVALIDITY (\d+)"), _number(heard, rb"HIGHESTMODSEQ (\d+)")


def _number(heard: bytes, pattern: bytes) -> bytes:
    found = re.search(pattern, heard)
    assert found is not None, heard
    return bytes(found[1])


def _change(wire: Wire) -> None:
    """Flag some messages and expunge others, spread over the mailbox."""
    heard = wire.command(b"UID SEARCH ALL").partition(b"* SEARCH")[2].partition(b"\r\n")[0]
    uids = random.Random(1).sample(heard.split(), 2 * CHANGES)
    flagged, gone = b",".join(uids[:CHANGES]), b",".join(uids[CHANGES:])
    wire.command(b"UID STORE %s FLAGS (\\Flagged \\Answered)" % flagged)
    wire.command(b"UID STORE %s +FLAGS.SILENT (\\Deleted)" % gone)
    wire.command(b"UID EXPUNGE %s" % gone)


def _restart(server: Server, repeat: int) -> Iterator[Figure]:
    wire = selected(server)
    times, wrong = [], 0
    for _ in range(repeat):
        uidvalidity, modseq = _state(wire)
        wire.close()
        server.stop()
        _change_outside(server)
        server.start()
        wire = server.connect()
        wire.command(b"ENABLE QRESYNC")
        began = time.perf_counter()
        heard = wire.command(b"SELECT INBOX (QRESYNC (%s %s))" % (uidvalidity, modseq))
        times.append(time.perf_counter() - began)
        wrong += heard.count(b"* VANISHED (EARLIER)") != 1
    yield Figure("SELECT QRESYNC, median", median(times) * 1000, "ms")
    yield Figure("answers that lack changes", wrong, "answers")


def _change_outside(server: Server) -> None:
    """Half of the changes are removals, half are flags."""
    cur = server.maildir / "cur"
    names = random.Random(2).sample(os.listdir(cur), OUTSIDE)
    for name in names[::2]:
        os.unlink(cur / name)
    for name in names[1::2]:
        base, _, letters = name.rpartition(":2,")
        os.rename(cur / name, cur / f"{base}:2,{''.join(sorted(set(letters) ^ {'F'}))}")


def _start(server: Server, repeat: int) -> Iterator[Figure]:
    selected(server).close()
    times = []
    for _ in range(repeat):
        server.stop()
        began = time.perf_counter()
        server.start()
        times.append(time.perf_counter() - began)
    yield Figure("until ready, median", median(times) * 1000, "ms")


ROWS = [
    Row("login-1000", _login, 1_000, 30, 10, theirs=DovecotService, with_pymap=True),
    Row("login-100000", _login, 100_000, 30, 10, theirs=DovecotService),
    Row("first-open-20000", _first_open, 20_000, repeat=3, quick=1, with_pymap=True),
    Row("first-open-100000", _first_open, 100_000, repeat=3, quick=1),
    *(Row(f"resync-{size}", _resync, size, repeat=10, quick=3) for size in (1_000, 100_000)),
    Row("restart-100000", _restart, 100_000, repeat=3, quick=1),
    Row("start", _start, 100_000, repeat=3, quick=1, folders=FOLDERS, with_dovecot=False),
]
