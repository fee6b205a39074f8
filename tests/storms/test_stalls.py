"""The server stands still, or the kernel loses events, while others change the tree."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.storms.programs import Program
from tests.storms.storm import MOVED, UNLINKED, Storm, serving

QUEUE = Path("/proc/sys/fs/inotify/max_queued_events")
SMALL = 16
STALL = 1.0
"""Seconds for which the server stands still."""


@pytest.fixture
def small_queue() -> Iterator[None]:
    """inotify instances that come into being now hold a few events only."""
    if os.geteuid() != 0 or not os.access(QUEUE, os.W_OK):
        pytest.skip(f"{QUEUE} can't be written to")
    before = QUEUE.read_text()
    try:
        QUEUE.write_text(f"{SMALL}\n")
    except OSError as error:
        pytest.skip(f"{QUEUE} can't be written to: {error}")
    try:
        yield
    finally:
        QUEUE.write_text(before)


async def stall(storm: Storm, maildir: Path) -> None:
    """Stop the server for a time in which everything is changed by others."""
    programs = [
        Program("rename", maildir, rate=2000),
        Program("deliver", maildir, rate=50),
        Program("unlink", maildir, rate=50, parts=UNLINKED),
        Program("move", maildir, rate=50, parts=MOVED, target=maildir / ".Archive"),
    ]
    storm.server.send_signal(signal.SIGSTOP)
    try:
        await storm.rage(programs, STALL, clients=0)
    finally:
        storm.server.send_signal(signal.SIGCONT)


async def test_what_happened_while_the_server_stood_still_is_told(
    storm: Storm, maildir: Path
) -> None:
    await stall(storm, maildir)
    await storm.assert_calm()


@pytest.mark.usefixtures("small_queue")
async def test_what_the_kernel_lost_is_found(maildir: Path) -> None:
    async with serving(maildir) as storm:
        await stall(storm, maildir)
        await storm.assert_calm()
