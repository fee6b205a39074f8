"""STORE in one turn, where nobody watches: the files are not where the index says."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from maildird.index.check import check
from maildird.index.environment import Index
from maildird.mailbox.conditions import Condition
from maildird.mailbox.disk import Disk
from maildird.mailbox.namespace import INBOX
from maildird.mailbox.opening import layout_of
from maildird.mailbox.requests import Adopt, Store
from maildird.mailbox.results import FlagChangeHow, Stored
from maildird.mailbox.turns import Turns
from maildird.terms.flags import flag_names
from tests.mailbox.world import Beside, settings_for

ADD = FlagChangeHow.ADD
PROCESSED = ("$Processed",)


class Room:
    """An INBOX with two messages, UIDs 1 and 2, and the keyword $Processed."""

    def __init__(self, directory: Path) -> None:
        settings = settings_for(directory)
        self.beside = Beside(directory / "Maildir")
        for subject in (b"one", b"two"):
            self.beside.deliver("INBOX", b"Subject: " + subject + b"\n\n")
        self.index = Index.open(settings.state_directory)
        self._turns = Turns(self.index, layout_of(settings)[0], Disk())
        (adopted,) = self._turns.run([Adopt(INBOX)]).outcomes
        assert isinstance(adopted.answer, int)
        self.mailbox = adopted.answer
        self.store(Store(self.mailbox, (1,), ADD, PROCESSED))
        self.store(Store(self.mailbox, (1,), FlagChangeHow.REMOVE, PROCESSED))

    def store(self, *requests: Store) -> list[Stored]:
        """All of them in one turn."""
        answers = [outcome.answer for outcome in self._turns.run(requests).outcomes]
        return [answer for answer in answers if isinstance(answer, Stored)]

    def files(self) -> list[Path]:
        """In order of UID."""
        return sorted(self.beside.files("INBOX"), key=lambda file: file.name)

    @property
    def now(self) -> Condition:
        """What a client that is told everything would ask with."""
        with self.index.snapshot() as snapshot:
            row = snapshot.mailbox(self.mailbox)
            assert row is not None
            messages = snapshot.changed_since(self.mailbox, 0)
        known = {message.uid: message.mask for message in messages}
        return Condition(row.highestmodseq, known, row.keywords)

    def flags(self, uid: int) -> tuple[str, ...]:
        now = self.now
        return flag_names(now.known[uid], now.keywords)


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    room = Room(tmp_path)
    yield room
    with room.index.snapshot() as snapshot:
        assert list(check(snapshot)) == []
    room.index.close()


def test_of_two_in_one_turn_the_first_wins(room: Room) -> None:
    request = Store(room.mailbox, (1, 2), ADD, PROCESSED, room.now)
    first, second = room.store(request, request)
    assert (first.changed, first.failed) == ((1, 2), ())
    assert (second.changed, second.failed) == ((), (1, 2))
    assert second.modseq is None


def test_what_another_program_did_to_the_file_counts(room: Room) -> None:
    condition = room.now
    for file, letters in zip(room.files(), ("F", "S"), strict=True):
        room.beside.reflag(file, letters)
    (stored,) = room.store(Store(room.mailbox, (1, 2), ADD, ("\\Seen",), condition))
    assert (stored.changed, stored.failed) == ((1,), (2,))
    assert room.flags(1) == ("\\Flagged", "\\Seen")
    assert room.flags(2) == ("\\Seen",)


def test_a_message_without_its_condition_met_keeps_its_file(room: Room) -> None:
    condition = room.now
    room.store(Store(room.mailbox, (1, 2), ADD, ("\\Seen",)))
    before = room.files()
    (stored,) = room.store(Store(room.mailbox, (1, 2), ADD, ("\\Seen", "\\Draft"), condition))
    assert stored == Stored(None, failed=(1, 2))
    assert room.files() == before


@pytest.mark.parametrize("conditional", [False, True])
def test_another_program_renumbers_the_keywords(room: Room, conditional: bool) -> None:
    condition = room.now
    (room.beside.root / "dovecot-keywords").write_text("0 Other\n1 $Processed\n")
    for file in room.files():
        room.beside.reflag(file, "S")
    request = Store(room.mailbox, (1, 2), ADD, PROCESSED, condition if conditional else None)
    (stored,) = room.store(request)
    assert stored.failed == ((1, 2) if conditional else ())
    expected = ("\\Seen",) if conditional else ("\\Seen", "$Processed")
    assert [room.flags(uid) for uid in (1, 2)] == [expected] * 2
