"""The power fails at every step: only what was synced is kept, by the strictest reading."""

import pytest

from tests.durability.rounds import Rounds, steps
from tests.durability.scenarios import SCENARIOS
from tests.durability.server import Server


@pytest.mark.parametrize("layout", ["maildir++"])
@pytest.mark.parametrize("command", ["APPEND", "MULTIAPPEND", "COPY", "CREATE"])
async def test_what_a_power_cut_leaves(server: Server, command: str) -> None:
    """What was answered OK survives; UIDs and MODSEQs keep their promise."""
    rounds = Rounds(server, SCENARIOS[command]())
    await rounds.begin()
    count = len(await rounds.play("watch"))
    for step in steps(count):
        await rounds.play(f"cut {step}")
