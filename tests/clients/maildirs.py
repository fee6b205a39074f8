"""Maildirs as other programs see them: what lies on disk, by content."""

import os
import shutil
from collections import Counter
from pathlib import Path

import pytest

CORPORA = Path(__file__).parents[3] / "shared" / "corpora"

Messages = Counter[tuple[bytes, str]]
"""How often each (content with LF line ends, flag letters) occurs."""


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
            found[(path.read_bytes().replace(b"\r\n", b"\n"), flags)] += 1
    return found


def deliver(folder: Path, name: str, content: bytes) -> None:
    """As a delivery agent does it."""
    temporary = folder / "tmp" / name
    temporary.write_bytes(content)
    temporary.rename(folder / "new" / name)


def reflag(path: Path, letters: str) -> Path:
    """Give a message other flags, as mutt does."""
    target = path.parent.parent / "cur" / (path.name.partition(":2,")[0] + ":2," + letters)
    return path.rename(target)
