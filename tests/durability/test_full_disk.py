"""A file system that is really full, with the mail on it or with the index."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.durability.scenarios import message
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
