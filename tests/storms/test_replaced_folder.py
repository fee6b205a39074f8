"""A folder that clients use is replaced by another one with the same name."""

import os
from pathlib import Path

import trio

from tests.rfc7162.client import Client
from tests.storms.storm import QUIET, Storm, subjects

Meaning = dict[tuple[str, int], str]
"""What a (UIDVALIDITY, UID) stands for."""


def make_folder(folder: Path, name: str, count: int) -> None:
    """A folder with messages whose subjects begin with `name`."""
    for subdir in ("cur", "new", "tmp"):
        (folder / subdir).mkdir(parents=True, exist_ok=True)
    for number in range(count):
        base = f"{1_700_000_000 + number}.{name}{number}.storm"
        (folder / "cur" / f"{base}:2,").write_text(f"Subject: {base}\n\nSome text.\n")


async def look(client: Client, meaning: Meaning) -> set[str]:
    """The subjects in Work; no UID may ever have stood for another message."""
    selected = await client.say("SELECT Work")
    if selected.tagged.condition != "OK":
        return set()
    found = await subjects(client)
    uidvalidity = selected.argument("UIDVALIDITY")
    assert uidvalidity is not None
    for uid, subject in found.items():
        assert meaning.setdefault((uidvalidity, uid), subject) == subject
    return set(found.values())


async def test_no_uid_of_a_folder_that_is_replaced_means_two_messages(
    storm: Storm, maildir: Path
) -> None:
    meaning: Meaning = {}
    work = maildir / ".Work"
    make_folder(work, "first", 50)
    await until_seen(storm, work, meaning)
    for number in range(3):
        other = maildir / f".Other{number}"
        make_folder(other, f"other{number}x", 30)
        os.rename(work, maildir / f".Old{number}")
        os.rename(other, work)
        await until_seen(storm, work, meaning)


async def until_seen(storm: Storm, work: Path, meaning: Meaning) -> None:
    """Return once a client sees in Work what lies there."""
    client = await storm.connect()
    there = {name.partition(":2,")[0] for name in os.listdir(work / "cur")}
    seen: set[str] = set()
    with trio.fail_after(QUIET):
        while seen != there:
            seen = await look(client, meaning)
            await trio.sleep(0.05)
