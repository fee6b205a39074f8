"""`python -m tests.abuse.load --seconds N`: a crowd in IDLE and some that work, and what it costs.

All are sessions of one user in one mailbox. Those that work do so without a pause, by turns NOOP,
STATUS, FETCH, SEARCH and STORE; every tenth is told to all that idle. Memory and descriptors are
taken once all have logged in and once the time is over; at the end every one that idles has to
answer DONE.
"""

import argparse
import random
import tempfile
import time
from pathlib import Path
from statistics import quantiles
from typing import Final

import trio

from tests.abuse.attacked import PASSWORD, Attacked, attacked

MESSAGES: Final = 1000
STORED_EVERY: Final = 10
SETTINGS: Final = """
[limits]
connections = 10000
connections_per_address = 10000
connections_per_user = 10000
"""


class Session:
    """One connection of the load; `told` counts the octets that it heard."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream
        self._tail = b""
        self.told = 0

    async def ask(self, command: str) -> None:
        """Say a command and wait for its OK."""
        await self._stream.send_all(f"t {command}\r\n".encode())
        await self.until(b"\r\nt OK ")

    async def say(self, line: bytes) -> None:
        """Say a line."""
        await self._stream.send_all(line)

    async def until(self, mark: bytes) -> None:
        """Read until `mark` has come."""
        with trio.fail_after(60):
            seen = b"\r\n" + self._tail
            while mark not in seen:
                received = bytes(await self._stream.receive_some(1 << 16))
                assert received, "the server has closed the connection"
                self.told += len(received)
                seen = seen[-len(mark) :] + received
        self._tail = b""

    async def listen(self) -> None:
        """Hear whatever is told, for ever."""
        while True:
            self.told += len(await self._stream.receive_some(1 << 16))


async def _connect(server: Attacked) -> Session:
    session = Session(await trio.open_tcp_stream("127.0.0.1", server.port))
    await session.until(b"\r\n* OK ")
    await session.ask(f'LOGIN me "{PASSWORD}"')
    await session.ask("SELECT INBOX")
    return session


async def _work(session: Session, seed: int, end: float, times: list[float]) -> None:
    """Say command after command, and note how long each answer took (s)."""
    chance = random.Random(seed)
    while trio.current_time() < end:
        first = chance.randint(1, MESSAGES)
        commands = (
            "NOOP",
            "STATUS INBOX (MESSAGES UNSEEN UIDNEXT)",
            f"FETCH {first} (UID FLAGS ENVELOPE)",
            f"FETCH {first} BODY.PEEK[]",
            f"UID SEARCH UID {first}:* SEEN",
        )
        command = chance.choice(commands)
        if chance.randrange(STORED_EVERY) == 0:
            command = f"STORE {first} {chance.choice('+-')}FLAGS.SILENT (\\Flagged)"
        begin = time.perf_counter()
        await session.ask(command)
        times.append(time.perf_counter() - begin)


async def _load(server: Attacked, idle: int, busy: int, seconds: int) -> None:
    idlers = [await _connect(server) for _ in range(idle)]
    workers = [await _connect(server) for _ in range(busy)]
    for session in idlers:
        await session.say(b"t IDLE\r\n")
        await session.until(b"\r\n+ ")
    print(f"{'':18} {'memory':>10} {'descriptors':>11}")
    _say_cost("all logged in", server)
    times: list[float] = []
    async with trio.open_nursery() as listening:
        for session in idlers:
            listening.start_soon(session.listen)
        end = trio.current_time() + seconds
        async with trio.open_nursery() as working:
            working.start_soon(_say_costs, server, end)
            for seed, session in enumerate(workers):
                working.start_soon(_work, session, seed, end, times)
        listening.cancel_scope.cancel()
    answered = 0
    for session in idlers:
        await session.say(b"DONE\r\n")
        await session.until(b"t OK IDLE done")
        answered += 1
    _say_cost("at the end", server)
    cuts = quantiles(times, n=100)
    print(f"{len(times)} answers in {seconds} s, {len(times) / seconds:.0f} a second")
    print(f"median {cuts[49] * 1000:.1f} ms, p99 {cuts[98] * 1000:.1f} ms, ", end="")
    print(f"longest {max(times) * 1000:.1f} ms")
    told = sum(session.told for session in idlers)
    print(f"{answered} of {idle} that idled answered DONE; they were told {told >> 20} MiB")


async def _say_costs(server: Attacked, end: float) -> None:
    """A line six times, evenly, until the end."""
    pause = (end - trio.current_time()) / 6
    for number in range(1, 6):
        await trio.sleep(pause)
        _say_cost(f"after {number * pause:.0f} s", server)


def _say_cost(when: str, server: Attacked) -> None:
    print(f"{when:18} {server.memory() / 2**20:6.1f} MiB {server.descriptors():11}", flush=True)


def _fill(inbox: Path) -> None:
    for number in range(MESSAGES):
        body = b"x" * 70 + b"\n"
        content = b"From: a@b\nTo: c@d\nSubject: message %d\n\n" % number + body * (number % 100)
        (inbox / "cur" / f"{1_700_000_000 + number}.load:2,S").write_bytes(content)


def main() -> None:
    """Put the load on a server of its own, and print what it costs."""
    parser = argparse.ArgumentParser(prog="python -m tests.abuse.load", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--idle", type=int, default=1000, help="sessions in IDLE")
    parser.add_argument("--busy", type=int, default=50, help="sessions that work")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="load-") as directory:
        (Path(directory) / "mail" / "me" / "cur").mkdir(parents=True)
        _fill(Path(directory) / "mail" / "me")
        with attacked(Path(directory), "me", settings=SETTINGS) as server:
            trio.run(_load, server, chosen.idle, chosen.busy, chosen.seconds)


if __name__ == "__main__":
    main()
