"""File operations fail: the client hears so, nothing is lost, and the server goes on."""

import pytest

from tests.durability.faults import BEGUN, FAILS
from tests.durability.rounds import LAYOUTS, Rounds, no_strays, steps
from tests.durability.scenarios import SCENARIOS
from tests.durability.server import Server

CODES = {
    "ENOSPC": {"OVERQUOTA", "UNAVAILABLE"},
    "EDQUOT": {"OVERQUOTA", "UNAVAILABLE"},
    "EIO": {"UNAVAILABLE"},
    "EACCES": {"NOPERM"},
    "EMFILE": {"UNAVAILABLE"},
}
"""The response codes that fit; an index that can't be written is UNAVAILABLE whatever the cause."""

FAILING = r"^(?!unlink .*\.lock$)"
"""Which operations fail: a lock that can't be removed keeps all of us from its file for two
minutes."""


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("command", SCENARIOS)
@pytest.mark.parametrize("error", FAILS)
async def test_what_a_fault_leaves(server: Server, command: str, error: str) -> None:
    """NO with a fitting code, and done or not done; the next command works, other sessions too."""
    rounds = Rounds(server, SCENARIOS[command]())
    await rounds.begin()
    other = await server.connect()
    await other.do("EXAMINE INBOX")
    count = len(await rounds.suffer(f"{error} 0 {FAILING}", set()))
    for step in steps(count):
        await rounds.suffer(f"{error} {step} {FAILING}", CODES[error])
        await rounds.suffer("rest", set())
        await other.do("NOOP")
    await other.close()
    assert server.end() == 0
    server.start()
    await no_strays(server.root)
    assert not rounds.halves
    assert not [line for line in server.log if "Traceback" in line or "nobody expected" in line]
    warnings = [line for line in server.log if line.startswith(("WARNING", "ERROR"))]
    assert len(warnings) <= 2 * len(steps(count)), warnings


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("command", ["MULTIAPPEND", "COPY", "MOVE", "RENAME", "DELETE"])
@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
async def test_what_cannot_be_written_down_is_not_begun(
    server: Server, command: str, error: str
) -> None:
    """The intent fails, at each of its steps; one that can't be removed does no harm."""
    rounds = Rounds(server, SCENARIOS[command]())
    await rounds.begin()
    intent = r"(intent|^fsync \S+/tmp$)"
    count = len(await rounds.suffer(f"{error} 0 {intent}", set()))
    for step in range(1, count + 1):
        await rounds.suffer(f"{error} {step} {intent}", CODES[error])
    assert server.end() == 0
    server.start()
    await no_strays(server.root)
    assert count > 3


@pytest.mark.parametrize("layout", ["maildir++", "fs"])
async def test_a_delete_that_is_refused_changes_nothing(server: Server) -> None:
    """The index can't be written: the mailbox must be there still, with its messages."""
    rounds = Rounds(server, SCENARIOS["DELETE"]())
    await rounds.begin()
    client = await server.connect()
    command = await rounds.scenario.prepare(client, 1, server.separator)
    server.plan(f"ENOSPC 1 ^commit after {BEGUN}")
    assert (await client.say(command)).tagged.condition == "NO"
    server.plan("rest")
    await client.do("EXAMINE doomed1")
    fetched = await client.do("FETCH 1 BODY.PEEK[]")
    assert fetched.fetches
    await client.close()
