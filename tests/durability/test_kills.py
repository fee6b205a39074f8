"""The server is killed at every step of every command, and started again."""

import pytest

from tests.durability.rounds import Rounds
from tests.durability.scenarios import SCENARIOS
from tests.durability.server import Server

MOVES = "^(link|rename|unlink|commit|committed) (?!.*uidlist)"
"""What makes messages and folders appear and go, and what decides of it."""


@pytest.mark.parametrize("command", SCENARIOS)
async def test_what_a_kill_leaves(server: Server, command: str) -> None:
    """OK holds, the rest is done or not; UIDs and MODSEQs keep their promise; nothing strays."""
    rounds = Rounds(server, SCENARIOS[command]())
    await rounds.begin()
    await rounds.play_all("kill")
    assert not rounds.halves


@pytest.mark.parametrize("command", ["MULTIAPPEND", "COPY", "MOVE", "RENAME", "DELETE"])
async def test_nothing_is_half_done(server: Server, command: str) -> None:
    """A kill between the steps of a command leaves it done as a whole or not."""
    rounds = Rounds(server, SCENARIOS[command]())
    await rounds.begin()
    for step in range(1, len(await rounds.play(f"watch 0 {MOVES}")) + 1):
        await rounds.play(f"kill {step} {MOVES}")
    assert not rounds.halves


@pytest.mark.parametrize("command", ["APPEND", "STORE"])
async def test_the_uidlist_is_among_the_steps(server: Server, command: str) -> None:
    """What is killed above appends to the uidlist, and writes it anew."""
    rounds = Rounds(server, SCENARIOS[command]())
    await rounds.begin()
    trace = await rounds.play("watch")
    assert "rename Maildir/dovecot-uidlist.maildird-tmp to Maildir/dovecot-uidlist" in trace
    assert command != "APPEND" or "write Maildir/dovecot-uidlist" in trace
