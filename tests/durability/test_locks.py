"""The server is killed while it makes and gives back a lock: nobody has to wait for that lock."""

import pytest

from tests.durability.rounds import Rounds, steps
from tests.durability.scenarios import SCENARIOS
from tests.durability.server import Server

LOCKING = r"^(create|write|link|unlink) .*\.lock"


@pytest.mark.parametrize("layout", ["maildir++"])
async def test_a_kill_leaves_no_lock_that_holds(server: Server) -> None:
    """What was left of it is gone once the server runs again."""
    rounds = Rounds(server, SCENARIOS["APPEND"]())
    await rounds.begin()
    count = len(await rounds.play(f"watch 0 {LOCKING}"))
    assert count >= 5
    for step in steps(min(count, 5)):
        await rounds.play(f"kill {step} {LOCKING}")
