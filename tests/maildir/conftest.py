"""A folder on a real disk, and a user who may not do everything."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from maildird.maildir.folders import make_folder
from tests.maildir.listening import Heard

NOBODY = 65534


@pytest.fixture
def folder(tmp_path: Path) -> bytes:
    directory = os.fsencode(tmp_path / "folder")
    os.mkdir(directory)
    make_folder(directory)
    return directory


@pytest.fixture
def root(folder: bytes) -> bytes:
    """The directory in which the folder is."""
    return os.path.dirname(folder)


@pytest.fixture
def heard() -> Heard:
    """What a monitor tells."""
    return Heard()


@pytest.fixture
def powerless(folder: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[bytes]:
    """The folder as `.`, for a process that has no right to overlook modes."""
    monkeypatch.chdir(os.fsdecode(folder))
    root = os.geteuid() == 0
    if root:
        for directory, _, _ in os.walk(b"."):
            os.chown(directory, NOBODY, -1)
        os.chown(b".", NOBODY, -1)
        os.seteuid(NOBODY)
    try:
        yield b"."
    finally:
        if root:
            os.seteuid(0)
        for subdir in ("new", "cur", "tmp"):
            os.chmod(subdir, 0o700)
