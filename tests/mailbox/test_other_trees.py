"""The tree, or a folder of it, is suddenly another directory while the server runs.

Nothing of it is believed and nothing written into it, and all is as before when it is back.
"""

import os
import shutil
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from maildird.index.batches import Batch
from maildird.mailbox.results import FlagChangeHow, Incoming
from maildird.mailbox.selected import Selected
from maildird.maildir.folders import folder_identity
from maildird.terms.codes import Code
from maildird.terms.errors import Refused
from tests.mailbox.outside import Mail, Message, mail_in, until, warnings_in
from tests.mailbox.world import Beside

Attempt = Callable[[Mail, Selected], Awaitable[object]]


def make_maildir(root: Path, *messages: str) -> None:
    for subdir in ("cur", "new", "tmp"):
        (root / subdir).mkdir(parents=True)
    for message in messages:
        Beside(root).deliver("INBOX", f"Subject: x\n\n{message}\n".encode())


def files_below(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*"))


@contextmanager
def swapped(root: Path, *, maildir: bool) -> Iterator[Path]:
    """Another directory in place of one; it has to be the same in the end."""
    away = root.with_name(root.name + "-away")
    root.rename(away)
    if maildir:
        make_maildir(root, "foreign")
        os.utime(root / "cur", (1_000_000_000, 1_000_000_000))
        os.utime(root / "new", (1_000_000_000, 1_000_000_000))
    else:
        root.mkdir()
    before = files_below(root)
    try:
        yield root
        assert files_below(root) == before, "something was written into a foreign directory"
    finally:
        shutil.rmtree(root)
        away.rename(root)


@contextmanager
def mounted(directory: Path) -> Iterator[None]:
    """A disk of its own on a directory."""
    command = ["mount", "-t", "tmpfs", "none", str(directory)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(directory)], check=True)


@contextmanager
def moved_away(mount: Path, elsewhere: Path) -> Iterator[None]:
    """A disk that is mounted somewhere else for a while."""
    subprocess.run(["mount", "--move", str(mount), str(elsewhere)], check=True)
    try:
        yield
    finally:
        subprocess.run(["mount", "--move", str(elsewhere), str(mount)], check=True)


async def assert_unavailable(attempt: Awaitable[object]) -> None:
    """Both are NO [UNAVAILABLE] to a client."""
    with pytest.raises((Refused, FileNotFoundError)) as raised:
        await attempt
    assert getattr(raised.value, "code", Code.UNAVAILABLE) is Code.UNAVAILABLE


ATTEMPTS: list[Attempt] = [
    lambda mail, _: mail.account.status("INBOX"),
    lambda mail, _: mail.account.open("INBOX", read_only=False),
    lambda mail, _: mail.account.open("INBOX", read_only=True),
    lambda mail, _: mail.account.list(),
    lambda mail, _: mail.account.create("Fresh"),
    lambda mail, _: mail.account.delete("Other"),
    lambda mail, _: mail.account.rename("Other", "Another"),
    lambda mail, _: mail.account.append("INBOX", [Incoming(b"x", ("word",))]),
    lambda _, selected: selected.store([1], FlagChangeHow.ADD, ("\\Seen",)),
    lambda _, selected: selected.store([1], FlagChangeHow.ADD, ("Word",)),
    lambda _, selected: selected.copy([1], "Other"),
    lambda _, selected: selected.move([1], "INBOX"),
    lambda _, selected: selected.refresh(),
    lambda _, selected: selected.expunge(),
]


@pytest.mark.parametrize("maildir", [False, True], ids=["empty", "another Maildir"])
async def test_a_root_that_is_another_directory_is_unavailable(mail: Mail, maildir: bool) -> None:
    await mail.account.create("Other")
    for number in range(1, 4):
        mail.put(f"cur/{number}.h:2,T", str(number))
    before = await mail.shown()
    selected = await mail.open(read_only=False)
    with swapped(mail.root, maildir=maildir):
        for attempt in ATTEMPTS:
            await assert_unavailable(attempt(mail, selected))
        assert not selected.pull(may_expunge=True)
    assert await mail.shown() == before
    assert {entry.name for entry in await mail.account.list()} == {"INBOX", "Other"}
    await selected.refresh()
    assert not selected.pull(may_expunge=True)
    await selected.close()


async def test_a_lost_tree_is_said_once_and_recovers_by_itself(
    mail: Mail, caplog: pytest.LogCaptureFixture
) -> None:
    mail.put("cur/1.h:2,", "one")
    selected = await mail.open()
    uidlist = mail.root / "dovecot-uidlist"
    await until(lambda: uidlist.exists() and "1.h" in uidlist.read_text())
    with swapped(mail.root, maildir=True):
        mail.account.watcher.mark(selected.id)
        await until(mail.account.troubles)
        for _ in range(3):
            await assert_unavailable(mail.account.status("INBOX"))
        (trouble,) = mail.account.troubles()
        assert str(mail.root) in trouble.what
        assert "mounted" in trouble.what
    await until(lambda: not mail.account.troubles())
    assert len(warnings_in(caplog, mail.root)) == 1
    assert not selected.pull(may_expunge=True)
    mail.put("cur/2.h:2,", "two")
    await until(lambda: selected.pull(may_expunge=True).exists == 2)
    await selected.close()


async def test_a_disk_that_is_unmounted_for_a_while(tmp_path: Path) -> None:
    (tmp_path / "Maildir").mkdir()
    (tmp_path / "elsewhere").mkdir()
    with mounted(tmp_path / "Maildir"):
        async with mail_in(tmp_path) as mail:
            await mail.account.create("Other")
            mail.put("cur/1.h:2,S", "one")
            mail.put("cur/2.h:2,S", "other", "Other")
            before = await mail.shown(), await mail.shown("Other")
            selected, other = await mail.open(), await mail.open("Other")
            with moved_away(mail.root, tmp_path / "elsewhere"):
                for name in ("INBOX", "Other"):
                    await assert_unavailable(mail.account.status(name))
                await assert_unavailable(mail.account.list())
                await until(mail.account.troubles)
                assert os.listdir(mail.root) == []
            await until(lambda: not mail.account.troubles())
            assert (await mail.shown(), await mail.shown("Other")) == before
            assert not selected.pull(may_expunge=True)
            assert not other.pull(may_expunge=True)
            await selected.close()
            await other.close()


async def test_a_folder_on_a_disk_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    archive = tmp_path / "Maildir" / ".Archive"
    archive.mkdir(parents=True)
    with mounted(archive):
        make_maildir(archive, "one")
        async with mail_in(tmp_path) as mail:
            before = await mail.shown("Archive")
            uidvalidity = (await mail.account.status("Archive")).uidvalidity
            selected = await mail.open("Archive")
            with moved_away(archive, tmp_path / "elsewhere"):
                await assert_unavailable(mail.account.open("Archive", read_only=True))
                assert "Archive" in {entry.name for entry in await mail.account.list()}
                await assert_unavailable(mail.account.delete("Archive"))
                assert os.listdir(archive) == []
                assert await mail.shown() == {}, "the rest is served"
            assert await mail.shown("Archive") == before
            assert (await mail.account.status("Archive")).uidvalidity == uidvalidity
            assert not selected.pull(may_expunge=True)
            await selected.close()


async def test_a_folder_replaced_by_another_is_another_mailbox(mail: Mail) -> None:
    await mail.account.create("Work")
    mail.put("cur/1.h:2,", "one", "Work")
    assert await mail.shown("Work") == {1: Message("one")}
    uidvalidity = (await mail.account.status("Work")).uidvalidity
    selected = await mail.open("Work")
    folder = mail.beside.folder("Work")
    folder.rename(mail.root.parent / "old")
    make_maildir(folder, "two")
    assert await mail.shown("Work") == {1: Message("two")}
    assert (await mail.account.status("Work")).uidvalidity > uidvalidity
    assert selected.deleted
    await selected.close()


async def test_a_folder_that_comes_back_has_its_uids(mail: Mail) -> None:
    await mail.account.create("Work")
    mail.put("cur/1.h:2,", "one", "Work")
    file = mail.put("cur/2.h:2,", "two", "Work")
    assert list(await mail.shown("Work")) == [1, 2]
    file.unlink()
    assert list(await mail.shown("Work")) == [1]
    before = await mail.account.status("Work")
    folder = mail.beside.folder("Work")
    await until(lambda: (folder / "dovecot-uidlist").exists())
    folder.rename(mail.root.parent / "old")
    make_maildir(folder)
    assert await mail.shown("Work") == {}
    remove(folder)
    (mail.root.parent / "old").rename(folder)
    assert await mail.shown("Work") == {1: Message("one")}
    after = await mail.account.status("Work")
    assert after.uidvalidity == before.uidvalidity
    assert after.uidnext >= before.uidnext
    assert after.highestmodseq > before.highestmodseq


async def test_a_folder_restored_from_a_copy_keeps_its_uids(mail: Mail) -> None:
    await mail.account.create("Work")
    for number in (1, 2):
        mail.put(f"cur/{number}.h:2,", str(number), "Work")
    before = await mail.shown("Work")
    folder = mail.beside.folder("Work")
    await until(lambda: (folder / "dovecot-uidlist").exists())
    copy = mail.root.parent / "copy"
    shutil.copytree(folder, copy)
    selected = await mail.open("Work")
    folder.rename(mail.root.parent / "old")
    copy.rename(folder)
    assert await mail.shown("Work") == before
    assert not selected.pull(may_expunge=True)
    mail.put("cur/3.h:2,", "three", "Work")
    await until(lambda: selected.pull(may_expunge=True).exists == 3)
    await selected.close()


async def test_a_directory_that_is_no_folder_any_more_is_no_mailbox(mail: Mail) -> None:
    await mail.account.create("Work")
    await mail.account.create("Work.Child")
    selected = await mail.open("Work")
    for subdir in ("cur", "new", "tmp"):
        shutil.rmtree(mail.beside.folder("Work") / subdir)
    entries = {entry.name: entry.selectable for entry in await mail.account.list()}
    assert entries == {"INBOX": True, "Work": False, "Work.Child": True}
    with pytest.raises(Refused) as raised:
        await mail.account.status("Work")
    assert raised.value.code is Code.NONEXISTENT
    assert selected.deleted
    await selected.close()


async def test_a_link_to_a_folder_whose_disk_is_away(mail: Mail, tmp_path: Path) -> None:
    make_maildir(tmp_path / "disk", "one")
    mail.beside.folder("Linked").symlink_to(tmp_path / "disk")
    before = await mail.shown("Linked")
    (tmp_path / "disk").rename(tmp_path / "away")
    await assert_unavailable(mail.account.status("Linked"))
    assert "Linked" in {entry.name for entry in await mail.account.list()}
    (tmp_path / "away").rename(tmp_path / "disk")
    assert await mail.shown("Linked") == before


async def test_a_disk_with_another_number_after_a_reboot(mail: Mail) -> None:
    """What is removed later is gone, and not on a disk that is away."""
    await mail.account.create("Work")
    mail.put("cur/1.h:2,", "one")
    await mail.shown()
    device, inode = folder_identity(os.fsencode(mail.root))

    def renumber(batch: Batch) -> None:
        batch.put_meta("root-identity", b"%d %d" % (device + 1, inode))
        for row in batch.mailboxes():
            batch.put_mailbox(replace(row, identity=(device + 1, row.identity[1])))

    mail.account.index.write(renumber)
    assert await mail.shown() == {1: Message("one")}
    remove(mail.beside.folder("Work"))
    assert [entry.name for entry in await mail.account.list()] == ["INBOX"]


def remove(folder: Path) -> None:
    """Remove a folder in one stroke: the server may write into it meanwhile."""
    away = folder.rename(folder.parent.parent / "removed")
    shutil.rmtree(away)
