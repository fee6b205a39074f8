"""The power fails at every step: only what was synced is kept, by the strictest readings."""

from dataclasses import replace

import pytest

from tests.durability.rounds import LAYOUTS, Rounds
from tests.durability.scenarios import SCENARIOS, MultiAppend, Scenario, Turnout, message
from tests.durability.server import Server
from tests.rfc7162.client import Client

LASTING = ["APPEND", "APPEND letterless", "MULTIAPPEND", "COPY", "CREATE", "RENAME", "DELETE"]
UNSYNCED = ["MOVE", "MOVE letterless", "STORE", "STORE letterless", "EXPUNGE", "RENAME INBOX"]


class Undoable:
    """A command of which a power cut may undo what was answered OK, but nothing else."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self.arriving: list[str] = []

    async def prepare(self, client: Client, round: int, separator: str) -> str:
        command = await self._scenario.prepare(client, round, separator)
        self.arriving = self._scenario.arriving
        return command

    def judge(self, turnout: Turnout) -> None:
        self._scenario.judge(replace(turnout, answered=False))


class AfterDelete(MultiAppend):
    """A command that leaves an intent, after a DELETE that was answered OK."""

    async def prepare(self, client: Client, round: int, separator: str) -> str:
        await client.do(f"CREATE gone{round}")
        await client.append(f"gone{round}", message("of one that is gone"))
        await client.do(f"DELETE gone{round}")
        return await super().prepare(client, round, separator)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("command", LASTING)
async def test_what_a_power_cut_leaves(server: Server, command: str) -> None:
    """What was answered OK survives; UIDs and MODSEQs keep their promise."""
    rounds = Rounds(server, SCENARIOS[command]())
    await rounds.begin()
    await rounds.play_all("cut", "fade")
    assert not rounds.halves


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("command", UNSYNCED)
async def test_what_a_power_cut_may_undo(server: Server, command: str) -> None:
    """Flags and removals are not synced: they may be undone, and no promise is broken by that."""
    rounds = Rounds(server, Undoable(SCENARIOS[command]()))
    await rounds.begin()
    await rounds.play_all("cut", "fade")
    assert not rounds.halves


@pytest.mark.parametrize("layout", LAYOUTS)
async def test_what_was_deleted_does_not_come_back(server: Server) -> None:
    """Its intent may: by then the index names that of a later command."""
    rounds = Rounds(server, AfterDelete())
    await rounds.begin()
    await rounds.play_all("cut", "fade")
    assert not rounds.halves
