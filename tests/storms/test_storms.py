"""Without pause, at every rate: nothing that lives is told as gone, and in the end all is right."""

import os
from pathlib import Path

import pytest

from tests.storms.programs import Program
from tests.storms.storm import MOVED, UNLINKED, Storm

SECONDS = float(os.environ.get("STORM_SECONDS", "1"))
FULL_SPEED = 0


def everything(maildir: Path, rate: int) -> list[Program]:
    """Two programs rename all messages; others deliver, unlink and move."""
    archive = maildir / ".Archive"
    return [
        Program("rename", maildir, rate=rate // 2, seed=1),
        Program("rename", maildir, rate=rate // 2, seed=2),
        Program("deliver", maildir, rate=30),
        Program("unlink", maildir, rate=15, parts=UNLINKED),
        Program("move", maildir, rate=15, parts=MOVED, target=archive),
    ]


@pytest.mark.parametrize(
    ("rate", "place"),
    [
        (200, "memory"),
        (2000, "memory"),
        (FULL_SPEED, "memory"),
        (FULL_SPEED, "disk"),
        (FULL_SPEED, "overlay"),
    ],
    indirect=["place"],
)
async def test_a_storm_leaves_everything_right(storm: Storm, maildir: Path, rate: int) -> None:
    await storm.rage(everything(maildir, rate), SECONDS)
    await storm.assert_calm()
