"""A server in a storm: who changes the tree, who uses the mailbox meanwhile, and what has to hold.

Theory of operation. One client idles all the time, with QRESYNC. Others come and go: they
resynchronise, read, and set a flag that no outsider touches. Outsiders rename, deliver, unlink and
move, each within parts of the messages that it owns, so that what is really gone is known exactly.
When all is quiet:

- every client's cache, and what a fresh client sees, is what the directories say;
- what was ever told as gone is what was unlinked or moved away, and nothing else;
- every message has the UID that it began with, and no UID was used up for nothing;
- what a STORE was told OK for is on the disk.

A command of a client that isn't answered OK is a failure: the messages that clients name are those
that nobody removes.
"""

import os
import random
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import trio

from tests.clients.server import PASSWORD, USER, ServerProcess
from tests.rfc7162.cache import Cache, Kind, Visit, Way
from tests.rfc7162.client import Client, Exchange
from tests.rfc7162.responses import Response, Vanished
from tests.storms.outsider import PARTS, part_of
from tests.storms.programs import Program

MESSAGES = 2_000
UNLINKED, MOVED = 0, 1
"""The parts whose messages may be removed."""

QUIET = 15
"""Seconds after a storm in which everything has to be in step."""

LETTERS = {"\\Answered": "R", "\\Flagged": "F", "\\Seen": "S", "\\Draft": "D", "\\Deleted": "T"}


def fill(maildir: Path) -> None:
    """INBOX with messages whose subject is their base name, and an empty folder Archive."""
    for folder in (maildir, maildir / ".Archive"):
        for subdir in ("cur", "new", "tmp"):
            (folder / subdir).mkdir(parents=True)
    for number in range(MESSAGES):
        base = f"{1_600_000_000 + number}.M{number}P1.storm"
        (maildir / "cur" / f"{base}:2,S").write_text(f"Subject: {base}\n\nSome text.\n")


@dataclass
class Witness(Visit):
    """A visit that keeps which UIDs it was ever told to be gone."""

    gone: set[int] = field(default_factory=set)

    async def do(self, command: str, heard: float = 1.0) -> Exchange:
        """Say a command, which has to end with OK."""
        exchange = await Visit.do(self, command, heard)
        assert exchange.tagged.condition == "OK", f"{command}: {exchange.tagged}"
        return exchange

    def hear(self, response: Response) -> None:
        """Take in one response."""
        if isinstance(response, Vanished):
            self.gone.update(response.uids)
        Visit.hear(self, response)


@dataclass
class Storm:
    """The server, the client that idles, and what is known of all messages.

    `uids` are those of the messages that were there in the beginning, by base name. `gone` is what
    anybody was told to be gone, `answered` are the UIDs that \\Answered was set for.
    """

    server: ServerProcess
    nursery: trio.Nursery
    uids: dict[str, int] = field(default_factory=dict)
    gone: set[int] = field(default_factory=set)
    answered: set[int] = field(default_factory=set)
    removed: set[str] = field(default_factory=set)
    delivered: int = 0
    moved: list[str] = field(default_factory=list)
    idler: Witness | None = None
    connected: list[Client] = field(default_factory=list)
    caches: list[Cache] = field(default_factory=list)
    chance: random.Random = field(default_factory=lambda: random.Random(1))

    async def connect(self) -> Client:
        """A connection that has logged in."""
        client = Client(await trio.open_tcp_stream("127.0.0.1", self.server.port))
        self.connected.append(client)
        await client.response()
        await client.do(f'LOGIN {USER} "{PASSWORD}"')
        return client

    async def begin(self) -> None:
        """Get to know the messages, and have a client idle."""
        client = await self.connect()
        await client.do("SELECT INBOX")
        self.uids = {subject: uid for uid, subject in (await subjects(client)).items()}
        await client.close()
        self.idler = await self.visit(Cache())
        self.nursery.start_soon(self._idle, self.idler)

    async def visit(self, cache: Cache) -> Witness:
        """Come back with a cache, and resynchronise."""
        visit = Witness(await self.connect(), Kind.QRESYNC, cache, gone=self.gone)
        way = Way(self.chance.random() < 0.7, self.chance.choice((None, None, 0, 1, 2)))
        await visit.open(way)
        return visit

    async def come_and_go(self, ended: trio.Event) -> None:
        """A client that is there for a few commands, away, and there again."""
        cache = Cache()
        while not ended.is_set():
            visit = await self.visit(cache)
            for _ in range(self.chance.randrange(1, 5)):
                await self._work(visit)
            await visit.client.close()
        self.caches.append(cache)

    async def rage(self, programs: Iterable[Program], seconds: float, clients: int = 2) -> None:
        """Have programs at work for a time, while clients come and go."""
        ended = trio.Event()
        working = list(programs)
        async with trio.open_nursery() as users:
            for _ in range(clients):
                users.start_soon(self.come_and_go, ended)
            for program in working:
                program.begin()
            try:
                await trio.sleep(seconds)
            finally:
                with trio.CancelScope(shield=True):
                    for program in working:
                        await self.end(program)
            ended.set()

    async def end(self, program: Program) -> None:
        """End a program, and keep in mind what it did."""
        told = await trio.to_thread.run_sync(program.end)
        if program.work == "deliver":
            self.delivered += len(told)
        elif program.work in ("unlink", "move"):
            self.removed.update(told)
        if program.work == "move":
            self.moved += told

    async def assert_calm(self) -> None:
        """All that has to hold once it is quiet."""
        with trio.fail_after(QUIET):
            while not self._is_in_step():  # noqa: ASYNC110 (another task hears)
                await trio.sleep(0.05)
        for cache in self.caches:
            await self._return(cache)
        client = await self.connect()
        selected = await client.do("SELECT INBOX")
        there = await subjects(client)
        assert sorted(there.values()) == sorted(letters_on_disk(self.server.maildir))
        assert not self.gone & there.keys(), "living messages were told as gone"
        stayed = {base: uid for base, uid in self.uids.items() if base not in self.removed}
        assert stayed.items() <= {base: uid for uid, base in there.items()}.items()
        assert self.gone & set(self.uids.values()) == self._removed_uids()
        assert selected.argument("UIDNEXT") == str(MESSAGES + self.delivered + 1)
        on_disk = letters_on_disk(self.server.maildir)
        assert all("R" in on_disk[there[uid]] for uid in self.answered)
        await client.do("SELECT Archive")
        assert sorted((await subjects(client)).values()) == sorted(self.moved)
        await client.close()

    async def _idle(self, visit: Witness) -> None:
        await visit.client.begin("IDLE")
        while True:
            visit.hear(await visit.client.response())

    def _is_in_step(self) -> bool:
        """Whether the one that idles knows what the disk has, flags of new messages aside."""
        assert self.idler is not None
        on_disk = letters_on_disk(self.server.maildir)
        known = {base: uid for base, uid in self.uids.items() if base in on_disk}
        heard = {uid: letters(flags) for uid, flags in self.idler.cache.flags.items()}
        return len(self.idler.numbers) == len(on_disk) and heard == {
            uid: on_disk[base] for base, uid in known.items()
        }

    async def _work(self, visit: Witness) -> None:
        """What a client does at a time."""
        await visit.do("NOOP")
        await visit.fetch_new()
        uid = self.chance.choice([uid for base, uid in self.uids.items() if _stays(base)])
        read = await visit.do(f"UID FETCH {uid} (BODY.PEEK[])")
        assert read.fetches, f"UID {uid} can't be read"
        await visit.store([uid], "+FLAGS", frozenset({"\\Answered"}), "", 1.0)
        self.answered.add(uid)

    async def _return(self, cache: Cache) -> None:
        """Come back when all is quiet, and know everything."""
        visit = await self.visit(cache)
        with trio.fail_after(QUIET):
            while sorted(map(letters, cache.flags.values())) != sorted(
                letters_on_disk(self.server.maildir).values()
            ):
                await visit.do("NOOP")
                await visit.fetch_new()
                await trio.sleep(0.05)
        await visit.client.close()

    def _removed_uids(self) -> set[int]:
        return {self.uids[base] for base in self.removed if base in self.uids}


@asynccontextmanager
async def serving(maildir: Path) -> AsyncIterator[Storm]:
    """A server over `maildir`, and a client that idles there."""
    server = await trio.to_thread.run_sync(ServerProcess, maildir, maildir.parent / "state")
    try:
        async with trio.open_nursery() as nursery:
            storm = Storm(server, nursery)
            await storm.begin()
            try:
                yield storm
            finally:
                nursery.cancel_scope.cancel()
                with trio.CancelScope(shield=True):
                    for client in storm.connected:
                        await client.close()
    finally:
        with trio.CancelScope(shield=True):
            await trio.to_thread.run_sync(server.end)


async def subjects(client: Client) -> dict[int, str]:
    """The subjects of the selected mailbox, by UID."""
    fetched = await client.do("UID FETCH 1:* (UID BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
    found = {}
    for fetch in fetched.fetches.values():
        (header,) = (value for item, value in fetch.items.items() if item.startswith("BODY"))
        assert fetch.uid is not None
        assert isinstance(header, bytes)
        found[fetch.uid] = header.decode().partition(": ")[2].strip()
    return found


def letters_on_disk(maildir: Path) -> dict[str, str]:
    """The flags of all messages in a folder by base name, as sorted letters."""
    names = [*os.listdir(maildir / "new"), *os.listdir(maildir / "cur")]
    split = (name.partition(":2,") for name in names)
    return {base: "".join(sorted(letters)) for base, _, letters in split}


def letters(flags: frozenset[str]) -> str:
    """Flags as sorted letters."""
    return "".join(sorted(LETTERS[flag] for flag in flags))


def parts_but(*parts: int) -> str:
    """All parts but these, for a program."""
    return ",".join(str(part) for part in range(PARTS) if part not in parts)


def _stays(base: str) -> bool:
    return part_of(base) not in (UNLINKED, MOVED)
