"""Other programs move messages between folders: gone there and arrived here in one turn."""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from maildird.index.rows import Facts
from maildird.mailbox.opening import open_account
from maildird.mailbox.requests import Observe
from tests.mailbox.outside import Mail, Message, mail_in, until
from tests.mailbox.world import Beside, assert_sound, describe, settings_for


@pytest.fixture
async def mail(tmp_path: Path) -> AsyncIterator[Mail]:
    """An account with an empty INBOX and an empty mailbox Other."""
    async with mail_in(tmp_path) as opened:
        await opened.account.create("Other")
        await opened.account.status("Other")
        yield opened


def counts(mail: Mail) -> dict[str, int]:
    """How many messages the index has in each mailbox, all seen at one time."""
    with mail.account.index.snapshot() as snapshot:
        return {row.parts[-1]: snapshot.message_count(row.id) for row in snapshot.mailboxes()}


async def put_and_know(mail: Mail, count: int) -> list[Path]:
    """Messages in INBOX that the index knows and is in step with."""
    files = [mail.put(f"cur/{number}.h:2,S", f"body {number}") for number in range(count)]
    assert len(await mail.shown()) == count
    for mailbox in ("INBOX", "Other"):
        for subdir in ("new", "cur"):
            os.utime(mail.beside.folder(mailbox) / subdir, (5, 5))
        await mail.account.status(mailbox)
    watcher, disk = mail.account.watcher, mail.account.disk
    watched = mail.account.tree.watched()

    def at_rest() -> bool:
        pending = watcher._later or watcher._hints.first is not None
        return not pending and all(disk.of(each).in_step for each in watched)

    await until(at_rest)
    for each in watched:  # a listing that was asked for before is made before this is answered
        await mail.account.door.ask(Observe(each, frozenset()))
    return files


async def test_a_moved_message_is_never_in_both_and_never_in_none(mail: Mail) -> None:
    (file,) = await put_and_know(mail, 1)
    seen = []
    os.rename(file, mail.beside.folder("Other") / "cur" / file.name)

    def has_arrived() -> bool:
        seen.append(counts(mail))
        return seen[-1]["Other"] == 1

    await until(has_arrived)
    assert {each["INBOX"] + each["Other"] for each in seen} == {1}
    (message,) = (await mail.shown("Other")).values()
    assert message == Message("body 0", frozenset({"\\Seen"}))


async def test_a_move_needs_no_listing(mail: Mail, monkeypatch: pytest.MonkeyPatch) -> None:
    files = await put_and_know(mail, 20)
    listed: list[Any] = []
    scandir = os.scandir

    def noting(path: Any) -> Any:
        listed.append(path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", noting)
    other = mail.beside.folder("Other")
    for file in files:
        os.rename(file, other / "cur" / file.name)
        await mail.account.status("INBOX")
    assert counts(mail) == {"INBOX": 0, "Other": 20}
    folders = {os.fsencode(mail.root / "cur"), os.fsencode(other / "cur")}
    assert not folders & set(listed)


async def test_a_flag_change_needs_no_listing(mail: Mail, monkeypatch: pytest.MonkeyPatch) -> None:
    (file,) = await put_and_know(mail, 1)
    listed: list[Any] = []
    scandir = os.scandir

    def noting(path: Any) -> Any:
        listed.append(path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", noting)
    for letters in ("FS", "F", "", "RS") * 5:
        file = mail.beside.reflag(file, letters)
        assert (await mail.account.status("INBOX")).unseen == ("S" not in letters)
    assert os.fsencode(mail.root / "cur") not in listed


async def test_what_is_known_of_the_content_goes_along(tmp_path: Path) -> None:
    described = []

    def counting(content: bytes, internaldate: int) -> Facts:
        described.append(content)
        return describe(content, internaldate)

    settings = settings_for(tmp_path)
    beside = Beside(tmp_path / "Maildir")
    file = beside.deliver("INBOX", b"Subject: x\n\n")
    async with open_account(settings, counting) as account:
        await account.create("Other")
        await account.size("INBOX")
        await account.prepare()
        assert len(set(described)) == 1
        described.clear()
        os.rename(file, beside.folder("Other") / "cur" / (file.name + ":2,"))
        assert await account.size("Other") == len(b"Subject: x\r\n\r\n")
        await account.prepare()
        assert described == []
        assert (await account.status("INBOX")).messages == 0
    assert_sound(settings)


async def test_letters_mean_what_the_target_says(mail: Mail) -> None:
    (mail.root / "dovecot-keywords").write_text("0 Work\n")
    (mail.beside.folder("Other") / "dovecot-keywords").write_text("0 $Junk\n")
    file = mail.put("cur/1.h:2,a", "keyed")
    assert [each.flags for each in (await mail.shown()).values()] == [{"Work"}]
    os.rename(file, mail.beside.folder("Other") / "cur" / file.name)
    assert [each.flags for each in (await mail.shown("Other")).values()] == [{"$Junk"}]
    assert await mail.shown() == {}


async def test_a_move_to_a_folder_that_nobody_knew(mail: Mail) -> None:
    (file,) = await put_and_know(mail, 1)
    fresh = mail.root / ".Fresh"
    for subdir in ("tmp", "new", "cur"):
        (fresh / subdir).mkdir(parents=True)
    os.rename(file, fresh / "cur" / file.name)
    await until(lambda: counts(mail) == {"INBOX": 0, "Other": 0, "Fresh": 1})


async def test_a_move_out_of_the_tree_is_a_removal(mail: Mail, tmp_path: Path) -> None:
    (file,) = await put_and_know(mail, 1)
    os.rename(file, tmp_path / "elsewhere")
    await until(lambda: counts(mail)["INBOX"] == 0)


async def test_a_move_there_and_back_leaves_a_living_message(mail: Mail) -> None:
    (file,) = await put_and_know(mail, 1)
    other = mail.beside.folder("Other") / "cur" / file.name
    for _ in range(200):
        os.rename(file, other)
        os.rename(other, file)
    assert [each.body for each in (await mail.shown()).values()] == ["body 0"]
    assert await mail.shown("Other") == {}
    os.rename(file, other)
    other.rename(other.with_name("0.h:2,FS"))
    await until(lambda: counts(mail) == {"INBOX": 0, "Other": 1})
    assert [each.flags for each in (await mail.shown("Other")).values()] == [
        {"\\Seen", "\\Flagged"}
    ]


async def test_many_are_moved_in_few_turns(mail: Mail) -> None:
    files = await put_and_know(mail, 1500)
    for file in files:
        os.rename(file, mail.beside.folder("Other") / "cur" / file.name)
    await until(lambda: counts(mail) == {"INBOX": 0, "Other": 1500})


async def test_a_move_onto_a_message_of_that_base_name(mail: Mail) -> None:
    """Both messages live on in the target, each with its own content."""
    (file,) = await put_and_know(mail, 1)
    mail.put("cur/0.h:2,F", "another", mailbox="Other")
    assert len(await mail.shown("Other")) == 1
    os.rename(file, mail.beside.folder("Other") / "cur" / file.name)
    await until(lambda: counts(mail) == {"INBOX": 0, "Other": 2})
    bodies = {each.body for each in (await mail.shown("Other")).values()}
    assert bodies == {"another", "body 0"}
