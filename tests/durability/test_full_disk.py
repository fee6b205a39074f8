"""A file system that is really full, with the mail on it or with the index."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

from tests.durability.scenarios import message
from tests.durability.seen import look
from tests.durability.server import Server

SIZE = 1 << 20
"""Octets of the file system."""


@pytest.fixture(params=["Maildir", "state"])
def small(request: pytest.FixtureRequest, tmp_path: Path, server: Server) -> Iterator[Path]:
    """A small file system, where the tree lies or where the state does."""
    place = tmp_path / request.param
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", place],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.decode().strip()}")
    yield place
    server.close()
    subprocess.run(["umount", place], check=True)


@pytest.mark.parametrize("layout", ["maildir++"])
async def test_a_full_disk_is_told_and_room_helps(server: Server, small: Path) -> None:
    """APPEND is refused with nothing left of it, all else stays; with room again it goes on."""
    server.start()
    client = await server.connect()
    await client.append("INBOX", message("before"))
    filler = fill(small)
    refused = await client.say(f"APPEND INBOX {{500000+}}\r\n{'x' * 499998}\r\n")
    assert refused.tagged.condition == "NO"
    assert refused.tagged.code in {"OVERQUOTA", "UNAVAILABLE"}
    filler.unlink()
    await client.append("INBOX", message("after"))
    selected = await client.do("SELECT INBOX")
    assert selected.exists == 2
    await client.close()
    assert server.end() == 0
    assert not server.check()


@pytest.mark.parametrize("layout", ["maildir++"])
@pytest.mark.parametrize("small", ["state"], indirect=True)
async def test_an_index_that_has_no_room_is_made_once_there_is_some(
    server: Server, small: Path
) -> None:
    """The server doesn't begin without room; a damaged index is no obstacle later."""
    server.start()
    client = await server.connect()
    await client.append("INBOX", message("before"))
    await client.close()
    assert server.end() == 0
    damage(small)
    filler = fill(small)
    assert not server.start()
    assert server.wait() != 0
    assert "look for a full disk" in server.log[-1]
    filler.unlink()
    assert server.start()
    client = await server.connect()
    selected = await client.do("SELECT INBOX")
    assert selected.exists == 1
    await client.close()
    assert server.end() == 0
    assert not server.check()


def damage(state: Path) -> None:
    (file,) = state.glob("*/index/data.mdb")
    file.write_bytes(b"damaged")


def fill(place: Path) -> Path:
    """Take all the room that there is; gives the file that has it."""
    filler = place / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (4096, 512, 1):
            try:
                while file.write(b"x" * size):
                    pass
            except OSError:
                continue
    return filler


@pytest.mark.parametrize("layout", ["maildir++"])
@pytest.mark.parametrize("small", ["Maildir"], indirect=True)
async def test_what_makes_room_is_done_without_any(server: Server, small: Path) -> None:
    """MOVE and DELETE; no file can be made to say what they are about."""
    server.start()
    client = await server.connect()
    for name in ("Big", "Trash"):
        await client.do(f"CREATE {name}")
    for subject in ("one", "two", "three"):
        await client.append("Big", message(subject))
    await client.append("Big", f"{message('big')}{'x' * 300_000}\r\n")
    await client.do("SELECT Big")
    fill(small)
    for command in ("MOVE 1 Trash", "MOVE 1:2 Trash", "DELETE Big"):
        await client.do(command)
    await client.append("INBOX", message("after"))
    assert (await client.do("SELECT Trash")).exists == 3
    await client.close()
    assert server.end() == 0
    assert not server.check()


@pytest.mark.parametrize("layout", ["maildir++"])
@pytest.mark.parametrize("small", ["Maildir"], indirect=True)
@pytest.mark.parametrize("step", [r"1 ^unlink \S+/cur/", r"2 ^unlink \S+/cur/", "1 ^commit "])
async def test_a_move_without_room_that_is_cut_short_loses_nothing(
    server: Server, small: Path, step: str
) -> None:
    server.start()
    client = await server.connect()
    await client.do("CREATE Trash")
    for subject in ("one", "two"):
        await client.append("INBOX", message(subject))
    await client.do("SELECT INBOX")
    filler = fill(small)
    server.plan(f"kill {step}")
    with pytest.raises((trio.BrokenResourceError, OSError)):
        await client.do("MOVE 1:2 Trash")
    await client.close()
    assert server.wait() == -9
    filler.unlink()
    server.start()
    client = await server.connect()
    world = await look(client)
    await client.close()
    assert not list(server.root.rglob("..maildird-*"))
    assert {*world["INBOX"].subjects, *world["Trash"].subjects} == {"one", "two"}
    assert server.end() == 0
    assert not server.check()
