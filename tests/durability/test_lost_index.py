"""The server is killed and its index is lost, too: what the uidlist says has to be enough."""

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.durability.rounds import Rounds, steps
from tests.durability.scenarios import SCENARIOS
from tests.durability.server import Server


@pytest.mark.parametrize("layout", ["maildir++"])
@pytest.mark.parametrize("command", SCENARIOS)
async def test_what_a_kill_and_a_lost_index_leave(server: Server, command: str) -> None:
    """The UIDs that clients were told stay with their messages; clients converge."""
    rounds = Rounds(server, SCENARIOS[command]())
    await rounds.begin()
    count = len(await rounds.play("watch"))
    for step in steps(count):
        await rounds.play(f"kill {step}", index_is_lost=True)


@pytest.mark.parametrize("layout", ["maildir++"])
async def test_uids_of_messages_that_are_gone_are_not_given_again(server: Server) -> None:
    """A UID was told, its message expunged, and the uidlist never heard of either."""
    server.start()
    client = await server.connect()
    await client.append("INBOX")
    await client.close()
    with uidlist_held(server):
        client = await server.connect()
        appended = await client.append("INBOX")
        await client.do("SELECT INBOX")
        await client.do("STORE 2 +FLAGS.SILENT (\\Deleted)")
        await client.do("EXPUNGE")
        await client.close()
        lose_all(server)
    server.start()
    client = await server.connect()
    again = await client.append("INBOX")
    await client.close()
    assert again.argument("APPENDUID") != appended.argument("APPENDUID")


@contextmanager
def uidlist_held(server: Server) -> Iterator[None]:
    """Another program holds the lock of INBOX's uidlist, which is up to date until then."""
    assert server.end() == 0
    lock = server.root / "dovecot-uidlist.lock"
    lock.write_text(f"{os.getpid()}:{socket.gethostname()}")
    server.start()
    yield
    lock.unlink()


def lose_all(server: Server) -> None:
    """The server is killed and the index deleted."""
    server.close()
    shutil.rmtree(server.state)
