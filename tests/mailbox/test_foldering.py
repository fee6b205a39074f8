"""CREATE and RENAME that fail on the way leave nothing behind, on disk or in the index."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from maildird.index.check import check
from maildird.index.environment import Index
from maildird.mailbox.disk import Disk
from maildird.mailbox.door import Outcome
from maildird.mailbox.namespace import INBOX
from maildird.mailbox.opening import layout_of
from maildird.mailbox.requests import Adopt, Create, Expunge, Rename, Request, Store
from maildird.mailbox.results import Expunged, FlagChangeHow
from maildird.mailbox.turns import Turns
from tests.mailbox.world import Beside, settings_for


class Room:
    """Turns on a real index and tree, without anybody who watches."""

    def __init__(self, directory: Path) -> None:
        settings = settings_for(directory)
        self.root = directory / "Maildir"
        self.index = Index.open(settings.state_directory)
        self._turns = Turns(self.index, layout_of(settings)[0], Disk())

    def ask(self, request: Request[Any]) -> Outcome:
        (outcome,) = self._turns.run([request]).outcomes
        return outcome

    def knows(self, *parts: str) -> bool:
        with self.index.snapshot() as snapshot:
            return snapshot.mailbox_named(parts) is not None


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    room = Room(tmp_path)
    yield room
    with room.index.snapshot() as snapshot:
        assert list(check(snapshot)) == []
    room.index.close()


def test_a_rename_of_inbox_that_fails_takes_the_new_mailbox_back(room: Room) -> None:
    message = Beside(room.root).deliver("INBOX", b"Subject: x\n\n")
    room.ask(Adopt(INBOX))
    message.unlink()
    message.mkdir()  # what can be neither linked nor read
    assert isinstance(room.ask(Rename(INBOX, ("Old",))).error, OSError)
    assert not room.knows("Old")
    assert not (room.root / ".Old").exists()


def test_a_create_that_fails_removes_only_what_it_made(room: Room) -> None:
    foreign = room.root / ".Work"
    foreign.write_text("no directory")
    assert isinstance(room.ask(Create(("Work",))).error, OSError)
    assert not room.knows("Work")
    assert foreign.read_text() == "no directory"


def test_a_rename_to_where_another_program_removed_a_mailbox(room: Room) -> None:
    for name in ("Old", "New"):
        room.ask(Create((name,)))
    shutil.rmtree(room.root / ".New")
    assert room.ask(Rename(("Old",), ("New",))).error is None
    assert room.knows("New")
    assert not room.knows("Old")


def test_an_expunge_of_files_that_are_gone_is_no_error(room: Room) -> None:
    beside = Beside(room.root)
    files = [beside.deliver("INBOX", b"Subject: x\n\n") for _ in range(3)]
    inbox = room.ask(Adopt(INBOX)).answer
    assert isinstance(inbox, int)
    room.ask(Store(inbox, (1, 2, 3), FlagChangeHow.ADD, ("\\Deleted",)))
    for file in (room.root / "cur").iterdir():
        if file.name.startswith((files[0].name, files[2].name)):
            file.unlink()
    expunged = room.ask(Expunge(inbox, uidnext=4)).answer
    assert isinstance(expunged, Expunged)
    assert 2 in expunged.uids
