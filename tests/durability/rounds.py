"""Rounds: a command, the server stopped in its middle, a restart, and the look at what is left."""

import os
import re
import shutil
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Final

import trio

from tests.durability.scenarios import COPIES, Expunge, HalfDone, Scenario, Store, Turnout
from tests.durability.seen import Known, World, look
from tests.durability.server import Server
from tests.rfc7162.client import Client
from tests.rfc7162.responses import numbers

FULL: Final = os.environ.get("DURABILITY") == "full"
"""Whether to stop at every step, or only at some."""

PATIENCE: Final = 10
"""Seconds in which what was left half done must be tidied up."""

LAYOUTS: Final = ["maildir++", "fs"] if FULL else ["maildir++"]
"""Those in which faults and power cuts are played."""

SPREAD: Final = 5
"""Steps of each command at which the short form stops the server."""


def steps(count: int) -> list[int]:
    """At which of the `count` steps of a command to stop, all or some; they begin with 1."""
    if FULL or count <= SPREAD:
        return list(range(1, count + 1))
    return [1 + at * (count - 1) // (SPREAD - 1) for at in range(SPREAD)]


_STRAY: Final = re.compile(r"\.lock|\.maildird-|^\.\.")


@dataclass
class Rounds:
    """One scenario, played over one tree; `halves` says what was found half done."""

    server: Server
    scenario: Scenario
    known: Known = field(default_factory=Known)
    halves: list[str] = field(default_factory=list)
    _round: int = 0

    async def begin(self) -> None:
        """The first start; there is a mailbox for copies."""
        self.server.start("record")
        client = await self.server.connect()
        await client.do(f"CREATE {COPIES}")
        await client.close()

    async def play(self, plan: str, *, index_is_lost: bool = False) -> list[str]:
        """One round, the server stopped by `plan`; a fresh server runs before and after it.

        Gives the steps that there were.
        """
        self._round += 1
        before, answered = await self._interrupted(plan, with_uidlists=index_is_lost)
        done = self.server.trace
        try:
            if index_is_lost:
                shutil.rmtree(self.server.state)
            assert self.server.start("record"), self.server.wait()
            await self._judge(before, answered)
            await no_strays(self.server.root)
        except BaseException as error:
            error.add_note("\n".join([f"{plan}:", *done[-3:], *self.server.log]))
            raise
        return done

    async def play_all(self, *ways: str) -> None:
        """The server is stopped at each step in each of these ways, `kill` say.

        In the short form it is at some, in one way after the other. A round may have more steps
        than the one before; they are played, too.
        """
        count = len(await self.play("watch"))
        if not FULL:
            for way, step in zip(cycle(ways), steps(count)):
                await self.play(f"{way} {step}")
            return
        for way in ways:
            step = reached = 0
            while step < count or reached == step:
                step += 1
                reached = len(await self.play(f"{way} {step}"))

    async def suffer(self, plan: str, codes: set[str]) -> list[str]:
        """One round in which an operation may fail and the server goes on.

        The answer is OK, or NO with one of `codes`; then nothing has changed, but for commands that
        go message by message. Gives the steps up to the answer.
        """
        self._round += 1
        client = await self.server.connect()
        command = await self.scenario.prepare(client, self._round, self.server.separator)
        before = await self._look_and_hear()
        known = len(self.server.trace)
        self.server.plan(plan)
        exchange = await client.say(command)
        self.server.plan("rest")
        done = self.server.trace[known:]
        try:
            answered = exchange.tagged.condition == "OK"
            assert answered or exchange.tagged.code in codes, exchange.tagged
            turnout = await self._judge(before, answered)
            if not answered and not isinstance(self.scenario, Store | Expunge):
                turnout.unchanged()
        except BaseException as error:
            error.add_note("\n".join([f"{plan}: {exchange.tagged}", *done[-3:]]))
            raise
        finally:
            await client.close()
        return done

    async def _interrupted(self, plan: str, *, with_uidlists: bool) -> tuple[World, bool]:
        """Say the command, and have the server end; what there was before, and whether OK came.

        Uidlists are written a moment behind what clients are told: `with_uidlists` waits for that.
        """
        client = await self.server.connect()
        command = await self.scenario.prepare(client, self._round, self.server.separator)
        before = await self._look_and_hear()
        if with_uidlists:
            await self._wait_for_uidlists(before)
        self.server.plan(plan)
        answered = await self._say(client, command)
        status = self.server.end() if answered else self.server.wait()
        assert status in (0, -9), f"{status}: {self.server.log}"
        await client.close()
        return before, answered

    async def _wait_for_uidlists(self, world: World) -> None:
        deadline = trio.current_time() + PATIENCE
        while True:
            if self._are_listed(world):
                return
            assert trio.current_time() < deadline, "the uidlists lack messages"
            await trio.sleep(0.01)

    def _are_listed(self, world: World) -> bool:
        """Whether the uidlists have all messages of mailboxes, which lie in Maildir++.

        Whoever wrote there has let go of the lock then, too, and won't leave it in another place.
        """
        for name, box in world.items():
            folder = self.server.root / ("" if name == "INBOX" else f".{name}")
            try:
                _header, *lines = (folder / "dovecot-uidlist").read_text().splitlines()
            except (FileNotFoundError, ValueError):
                lines = []
            if any(folder.glob("dovecot-uidlist.lock*")):
                return False
            if not box.messages.keys() <= {int(line.split()[0]) for line in lines}:
                return False
        return True

    async def _say(self, client: Client, command: str) -> bool:
        """Say the command; whether it was answered OK."""
        try:
            exchange = await client.do(command)
        except (trio.BrokenResourceError, OSError):
            return False
        for code in ("APPENDUID", "COPYUID"):
            uidvalidity, *sets = (exchange.argument(code) or "0").split()
            uids = numbers(sets[-1]) if sets else ()
            for uid, subject in zip(uids, self.scenario.arriving, strict=bool(uids)):
                self.known.told(int(uidvalidity), uid, subject)
        return True

    async def _judge(self, before: World, answered: bool) -> Turnout:
        after = await self._look_and_hear()
        turnout = Turnout(self._round, before, after, answered)
        try:
            self.scenario.judge(turnout)
        except HalfDone as half:
            self.halves.append(str(half))
        client = await self.server.connect()
        await self.known.visit(client, after)
        await client.close()
        found = self.server.check()
        assert not found, found
        return turnout

    async def _look_and_hear(self) -> World:
        client = await self.server.connect()
        world = await look(client)
        await client.close()
        self.known.hear(world)
        return world


async def no_strays(root: Path) -> None:
    """Nothing of what was half done remains in a tree; the server may just be busy tidying up."""
    deadline = trio.current_time() + PATIENCE
    found = strays(root)
    while found and trio.current_time() < deadline:
        await trio.sleep(0.01)
        found = strays(root)
    assert not found, found


def strays(root: Path) -> list[str]:
    """What a server makes for a moment only.

    A lock where there is no folder any more, only its children, is in nobody's way: a power cut may
    bring it back, and whoever makes the folder anew finds it abandoned.
    """
    found = (path for path in root.rglob("*") if path.is_file() or path.name.startswith(".."))
    return [
        str(path)
        for path in found
        if (path.parent.name == "tmp" or _STRAY.search(path.name))
        and (path.suffix != ".lock" or (path.parent / "cur").exists())
    ]
