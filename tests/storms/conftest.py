"""Storms over trees in memory, on the disk, and on an overlay of two file systems."""

import os
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.storms.storm import Storm, fill, serving

PLACES = {"memory": Path("/dev/shm"), "disk": Path("/var/tmp"), "overlay": Path("/dev/shm")}


@pytest.fixture
def place(request: pytest.FixtureRequest) -> str:
    """Where the tree lies, if a test doesn't say so: in memory."""
    return getattr(request, "param", "memory")


@pytest.fixture
def maildir(place: str) -> Iterator[Path]:
    """A tree with mail in it."""
    if not os.access(PLACES[place], os.W_OK):
        pytest.skip(f"{PLACES[place]} can't be written to")
    with ExitStack() as stack:
        directory = Path(
            stack.enter_context(tempfile.TemporaryDirectory("storm", dir=PLACES[place]))
        )
        fill(directory / "Maildir")
        if place == "overlay":
            stack.enter_context(_overlay(directory))
        yield directory / "Maildir"


@pytest.fixture
async def storm(maildir: Path) -> AsyncIterator[Storm]:
    """A server over the tree, a client that idles, and nothing that storms as yet."""
    async with serving(maildir) as storm:
        yield storm


@contextmanager
def _overlay(directory: Path) -> Iterator[None]:
    """Lay an empty file system over Maildir: what changes there is copied up first."""
    for name in ("upper", "work"):
        (directory / name).mkdir()
    options = f"lowerdir={directory}/Maildir,upperdir={directory}/upper,workdir={directory}/work"
    command = ["mount", "-t", "overlay", "overlay", "-o", options, str(directory / "Maildir")]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"overlayfs can't be mounted: {mounted.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", str(directory / "Maildir")], check=True)
