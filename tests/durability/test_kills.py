"""The server is killed at every step of every command, and started again."""

import pytest

from tests.durability.rounds import Rounds, steps
from tests.durability.scenarios import SCENARIOS
from tests.durability.server import Server

HALVES = {
    ("MULTIAPPEND", "maildir++"): "messages appear one by one",
    ("MULTIAPPEND", "fs"): "messages appear one by one",
    ("COPY", "maildir++"): "messages appear one by one",
    ("COPY", "fs"): "messages appear one by one",
    ("MOVE", "maildir++"): "messages appear one by one",
    ("MOVE", "fs"): "messages appear one by one",
    ("RENAME", "maildir++"): "each child is a directory of its own, renamed by itself",
    ("DELETE", "fs"): "cur/, new/ and the rest go one by one where children stay",
}
"""What a kill can leave half done, and why: by command and layout."""

MOVES = "^(link|rename) (?!.*uidlist)"
"""What makes messages and folders appear and go."""


@pytest.mark.parametrize("command", SCENARIOS)
async def test_what_a_kill_leaves(server: Server, command: str) -> None:
    """OK holds, the rest is done or not; UIDs and MODSEQs keep their promise; nothing strays."""
    rounds = Rounds(server, SCENARIOS[command]())
    await rounds.begin()
    count = len(await rounds.play("watch"))
    for step in steps(count):
        await rounds.play(f"kill {step}")
    assert not rounds.halves or (command, server.layout) in HALVES


@pytest.mark.parametrize(
    ("layout", "command"),
    [
        pytest.param(layout, command, marks=pytest.mark.xfail(reason=reason, strict=True))
        for (command, layout), reason in HALVES.items()
    ],
)
async def test_nothing_is_half_done(server: Server, command: str) -> None:
    """A kill between the renames and links of a command leaves it done as a whole or not."""
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
