"""Copies while other programs rename what is copied."""

from pathlib import Path

from maildird.mailbox.account import Account
from maildird.mailbox.requests import CopyTo
from maildird.mailbox.results import Copied
from tests.mailbox.world import Beside, Running, assert_sound, settings_for


def test_a_copy_into_its_own_mailbox_beside_a_renaming_program(tmp_path: Path) -> None:
    """The second file is looked for in a directory in which the first one's copy lies already."""
    settings = settings_for(tmp_path)
    beside = Beside(tmp_path / "Maildir")
    for number in (1, 2):
        beside.reflag(beside.deliver("INBOX", b"Subject: %d\n\n" % number), "S")
    running = Running(settings)

    async def work(account: Account) -> Copied:
        selected = await account.open("INBOX", read_only=False)
        beside.reflag(beside.files("INBOX")[1], "F")
        copied = await account.door.ask(CopyTo(selected.id, (1, 2), selected.id))
        await selected.close()
        return copied

    copied = running.do(work)
    running.end()
    assert (copied.source, copied.target) == ((1, 2), (3, 4))
    files = [file.name.rpartition(",")[2] for file in beside.files("INBOX")]
    assert sorted(files) == ["F", "F", "S", "S"]
    assert_sound(settings)
