"""An index in a fresh directory, whose every invariant and page is checked when the test ends."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from maildird.index.check import check
from maildird.index.environment import Index
from maildird.index.pages import walk


@pytest.fixture
def directory(tmp_path: Path) -> bytes:
    """Where the index is, or would be."""
    return os.fsencode(tmp_path / "state" / "index")


@pytest.fixture
def index(directory: bytes) -> Iterator[Index]:
    """An open index."""
    index = Index.open(directory)
    yield index
    with index.snapshot() as snapshot:
        assert check(snapshot) == []
    index.close()
    walk(Path(os.fsdecode(directory), "data.mdb").read_bytes())
