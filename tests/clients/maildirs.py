"""Maildirs as other programs see them: what lies on disk, by content."""

import os
import re
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

CORPORA = Path(__file__).parents[3] / "shared" / "corpora"

Messages = Counter[tuple[bytes, str]]
"""How often each (content with LF line ends, flag letters) occurs."""

ADDED = re.compile(rb"^X-TUID: .*\n", re.MULTILINE)
"""What mbsync adds to the messages that it copies."""

FAR_MAIL = b"Subject: far\n\nnew\n"
NEAR_MAIL = b"Subject: near\n\nnew\n"


def corpus(name: str) -> Path:
    """A folder of real mail beside the checkout; skipped where it is missing, but never in CI."""
    path = CORPORA / name
    if not path.is_dir():
        if os.environ.get("CI"):
            pytest.fail(f"{path} is missing")
        pytest.skip(f"{path} is not there")
    return path


def collect(source: Path, target: Path) -> None:
    """Make a Maildir of all messages below `source`, wherever they lie; read ones in cur/."""
    for subdir in ("cur", "new", "tmp"):
        (target / subdir).mkdir(parents=True)
    files = sorted(path for path in source.rglob("*") if path.is_file() and path.stat().st_size)
    for number, path in enumerate(files):
        name = f"{1_300_000_000 + number}.M{number}.corpus"
        place = target / "new" / name if number % 7 == 0 else target / "cur" / f"{name}:2,S"
        shutil.copyfile(path, place)
        os.utime(place, (1_300_000_000 + number, 1_300_000_000 + number))


def messages(folder: Path) -> Messages:
    """What is in a folder, apart from names and order."""
    found: Messages = Counter()
    for subdir in ("cur", "new"):
        for path in (folder / subdir).iterdir():
            letters = path.name.partition(":2,")[2]
            flags = "".join(sorted(letter for letter in letters if letter in "DFRST"))
            found[(content(path), flags)] += 1
    return found


def content(path: Path) -> bytes:
    """A message with LF line ends, without what mbsync added."""
    return ADDED.sub(b"", path.read_bytes().replace(b"\r\n", b"\n"))


def change_both_sides(far: Path, near: Path) -> "Changed":
    """New mail, other flags and removals on each side, on different messages."""
    sides = [_single(far), _single(near)]
    shared = sorted(sides[0].keys() & sides[1].keys())
    flagged: dict[bytes, str] = {FAR_MAIL: "", NEAR_MAIL: ""}
    removed: set[bytes] = set()
    for side, letters, first in ((sides[0], "RS", 0), (sides[1], "FRS", 8)):
        for each in shared[first : first + 5]:
            reflag(side[each], letters)
            flagged[each] = letters
        for each in shared[first + 5 : first + 8]:
            side[each].unlink()
            removed.add(each)
    deliver(far, "1700000001.M1.far", FAR_MAIL)
    deliver(near, "1700000002.M1.near", NEAR_MAIL)
    return Changed(flagged, removed)


@dataclass(frozen=True)
class Changed:
    """What both sides have to say after a synchronisation."""

    flagged: dict[bytes, str]
    removed: set[bytes]

    def assert_done_in(self, folder: Path) -> None:
        """New mail is there, flags are as they were set, and what was removed is gone."""
        found = messages(folder)
        assert [each for each in self.flagged.items() if found[each] != 1] == []
        assert self.removed & {content for content, _flags in found} == set()


def _single(folder: Path) -> dict[bytes, Path]:
    """The messages in cur/ of which there is one only, by content."""
    paths = list((folder / "cur").iterdir())
    contents = {path: content(path) for path in paths}
    times = Counter(content for content, _flags in messages(folder).elements())
    return {each: path for path, each in contents.items() if times[each] == 1}


def deliver(folder: Path, name: str, content: bytes) -> None:
    """As a delivery agent does it."""
    temporary = folder / "tmp" / name
    temporary.write_bytes(content)
    temporary.rename(folder / "new" / name)


def reflag(path: Path, letters: str) -> Path:
    """Give a message other flags, as mutt does."""
    target = path.parent.parent / "cur" / (path.name.partition(":2,")[0] + ":2," + letters)
    return path.rename(target)
