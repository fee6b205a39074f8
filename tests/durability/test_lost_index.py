"""The server is killed and its index is lost, too: what the uidlist says has to be enough."""

import pytest

from tests.durability.rounds import Rounds, steps
from tests.durability.scenarios import SCENARIOS
from tests.durability.server import Server


@pytest.mark.parametrize("layout", ["maildir++"])
@pytest.mark.parametrize("command", ["APPEND", "MULTIAPPEND", "STORE", "EXPUNGE"])
async def test_what_a_kill_and_a_lost_index_leave(server: Server, command: str) -> None:
    """The UIDs that clients were told stay with their messages; clients converge."""
    rounds = Rounds(server, SCENARIOS[command]())
    await rounds.begin()
    count = len(await rounds.play("watch"))
    for step in steps(count):
        await rounds.play(f"kill {step}", index_is_lost=True)
