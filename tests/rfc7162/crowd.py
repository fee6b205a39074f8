"""The clients of the convergence test: who is connected, what each ever knew, how it comes back."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from tests.dialogues.dialogue import Server
from tests.rfc7162.cache import Cache, Kind, Visit, Way
from tests.rfc7162.client import Client
from tests.rfc7162.responses import compact

REMEMBERED = 400
"""States of clients that are kept at most."""

SOME = 8
"""So many of them are tried at a quiet point, of the latest and of all."""


@dataclass
class Person:
    """A client, at home or connected."""

    kind: Kind
    cache: Cache = field(default_factory=Cache)
    visit: Visit | None = None
    idling: str | None = None

    def leave(self) -> None:
        """The connection is gone."""
        self.visit = self.idling = None


@dataclass
class Crowd:
    """All clients.

    `known` is what they knew after each of their commands, `highest` the highest HIGHESTMODSEQ
    among that; `present` are the UIDs that the mailbox had when it was last quiet. `honest` says
    that nobody may lie about message numbers: tombstones were lost, and what they are told of
    removals then rests on what they say.
    """

    people: list[Person]
    chance: random.Random = field(default_factory=random.Random)
    known: list[tuple[Kind, Cache]] = field(default_factory=list)
    highest: int = 0
    present: list[int] = field(default_factory=list)
    honest: bool = False

    async def visit(self, server: Server, who: int) -> tuple[Person, Visit]:
        """The client, connected; its IDLE is ended."""
        person = self.people[who]
        if person.visit is None:
            client = Client((await server.connect()).stream)
            person.visit = Visit(client, person.kind, person.cache)
            await person.visit.open(self.some_way())
            self.remember(person)
        elif person.idling is not None:
            tag, person.idling = person.idling, None
            await person.visit.client.stream.send_all(b"DONE\r\n")
            person.visit.hear_all(await person.visit.client.ending(tag), "IDLE")
            self.remember(person)
        return person, person.visit

    async def act(self, server: Server, who: int, command: str, heard: float, pick: int) -> None:
        """Say a command, its blanks filled in, if the client knows a message to name."""
        person, visit = await self.visit(server, who)
        said = filled(person, command, pick)
        if said is not None:
            await visit.do(said, heard)
            await self.after(person, heard)

    async def after(self, person: Person, heard: float) -> None:
        """A command is done; the connection breaks if not all of the answer was `heard`."""
        if heard < 1.0:
            assert person.visit is not None
            await person.visit.client.close()
            person.leave()
        else:
            self.remember(person)

    def remember(self, person: Person) -> None:
        """Keep what a client knows now."""
        if person.kind is not Kind.PLAIN:
            self.highest = max(self.highest, person.cache.modseq)
            self.known.append((person.kind, person.cache.copy()))
            if len(self.known) > REMEMBERED:
                del self.known[self.chance.randrange(len(self.known))]

    def some_knowledge(self) -> list[tuple[Kind, Cache]]:
        """What all clients know, what some knew lately, and what some ever knew."""
        now = [(person.kind, person.cache) for person in self.people]
        lately = self.known[-SOME * 3 :]
        return [
            *now,
            *self.chance.sample(lately, min(SOME, len(lately))),
            *self.chance.sample(self.known, min(SOME, len(self.known))),
        ]

    def some_way(self) -> Way:
        """How a client resynchronises; lies about numbers do no harm while tombstones are there."""
        honest = partial(_match, self.chance)
        lying = partial(_lie, self.present)
        return Way(
            by_select=self.chance.random() < 0.7,
            part=self.chance.choice([None, None, 0, 1, 2, 3]),
            match=self.chance.choice([None, honest, honest if self.honest else lying]),
        )


def filled(person: Person, command: str, pick: int) -> str | None:
    """The command with a message number, a UID and a MODSEQ that the client may name."""
    assert person.visit is not None
    known = sorted(person.cache.flags)
    if ("{n}" in command and not person.visit.numbers) or ("{u}" in command and not known):
        return None
    if "1:*" in command and command.startswith("FETCH") and not person.visit.numbers:
        return None
    return (
        command.replace("{n}", str(1 + pick % max(1, len(person.visit.numbers))))
        .replace("{u}", str(known[pick % len(known)]) if known else "1")
        .replace("{m}", str(max(1, person.cache.modseq - pick % 3)))
    )


def _match(chance: random.Random, uids: Sequence[int]) -> str:
    """Sequence match data that is true of the cache it is made from."""
    picked = sorted(chance.sample(range(len(uids)), min(3, len(uids))))
    return f"({','.join(str(at + 1) for at in picked)} {','.join(str(uids[at]) for at in picked)})"


def _lie(present: Sequence[int], uids: Sequence[int]) -> str:
    """Sequence match data that claims to know the mailbox as it is, whatever the cache says."""
    uids = present or uids
    return f"(1:{len(uids)} {compact(uids)})"
