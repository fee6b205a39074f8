"""The power fails at every step: only what was synced is kept, by the strictest reading."""

from dataclasses import replace

import pytest

from tests.durability.rounds import LAYOUTS, Rounds, steps
from tests.durability.scenarios import SCENARIOS, Scenario, Turnout
from tests.durability.server import Server
from tests.rfc7162.client import Client


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


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("command", ["APPEND", "MULTIAPPEND", "COPY", "CREATE", "RENAME", "DELETE"])
async def test_what_a_power_cut_leaves(server: Server, command: str) -> None:
    """What was answered OK survives; UIDs and MODSEQs keep their promise."""
    rounds = Rounds(server, SCENARIOS[command]())
    await rounds.begin()
    count = len(await rounds.play("watch"))
    for step in steps(count):
        await rounds.play(f"cut {step}")
    assert not rounds.halves


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("command", ["MOVE", "STORE", "EXPUNGE", "RENAME INBOX"])
async def test_what_a_power_cut_may_undo(server: Server, command: str) -> None:
    """Flags and removals are not synced: they may be undone, and no promise is broken by that."""
    rounds = Rounds(server, Undoable(SCENARIOS[command]()))
    await rounds.begin()
    count = len(await rounds.play("watch"))
    for step in steps(count):
        await rounds.play(f"cut {step}")
    assert not rounds.halves
