"""The uidlists of an account: written while the server runs, and mended when it begins."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import trio

from maildird.mailbox.opening import open_account
from maildird.mailbox.results import FlagChangeHow, Incoming
from maildird.mailbox.settings import AccountSettings
from maildird.maildir.uidlists import read_uidlist
from tests.corpus.tree import make_tree
from tests.mailbox.world import assert_sound, describe, settings_for

FOLDERS = ("", ".Folder0", ".Folder1", ".Folder2")


async def eventually(condition: Callable[[], bool]) -> None:
    """Return once `condition` holds; it has ten seconds."""
    with trio.fail_after(10):
        while not condition():
            await trio.lowlevel.checkpoint()


def uids(settings: AccountSettings, folder: str) -> dict[bytes, int]:
    uidlist = read_uidlist(settings.root + b"/" + folder.encode())
    return {entry.base: entry.uid for entry in uidlist.entries} if uidlist else {}


async def test_every_folder_gets_its_uidlist_while_the_server_runs(tmp_path: Path) -> None:
    make_tree(tmp_path / "Maildir", 30, folders=3)
    settings = settings_for(tmp_path)
    async with open_account(settings, describe) as account:
        await eventually(lambda: all(uids(settings, folder) for folder in FOLDERS))
        appended = await account.append("INBOX", [Incoming(b"Subject: one more\r\n\r\n")])
        await eventually(lambda: set(appended.uids) <= set(uids(settings, "").values()))
    assert_sound(settings)


async def test_a_uidlist_that_was_not_written_is_written_at_the_next_start(tmp_path: Path) -> None:
    make_tree(tmp_path / "Maildir", 30, folders=3)
    settings = settings_for(tmp_path)
    async with open_account(settings, describe):
        await eventually(lambda: all(uids(settings, folder) for folder in FOLDERS))
    before = {folder: uids(settings, folder) for folder in FOLDERS}
    (tmp_path / "Maildir" / "dovecot-uidlist").unlink()
    behind = tmp_path / "Maildir" / ".Folder1" / "dovecot-uidlist"
    behind.write_text(behind.read_text().split("\n", 1)[0].replace(" N4 ", " N1 ") + "\n")
    async with open_account(settings, describe):
        await eventually(lambda: {f: uids(settings, f) for f in FOLDERS} == before)
    assert_sound(settings)


async def test_highestmodseq_does_not_fall_when_index_and_last_words_are_lost(
    tmp_path: Path,
) -> None:
    settings = settings_for(tmp_path)
    uidlist = tmp_path / "Maildir" / "dovecot-uidlist"
    async with open_account(settings, describe) as account:
        await account.append("INBOX", [Incoming(b"Subject: one\r\n\r\n")])
        selected = await account.open("INBOX", read_only=False)
        for how in (FlagChangeHow.ADD, FlagChangeHow.REMOVE) * 10:
            await selected.store([1], how, ("\\Flagged",))
        await eventually(lambda: bool(uids(settings, "")))
        told = (await account.status("INBOX")).highestmodseq
        await selected.close()
        as_it_was = uidlist.read_bytes()
    uidlist.write_bytes(as_it_was)
    shutil.rmtree(tmp_path / "state" / "index")
    async with open_account(settings, describe) as account:
        assert (await account.status("INBOX")).highestmodseq > told
    assert_sound(settings)


async def test_fields_stay_with_their_message_when_uids_are_given_anew(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    folder = tmp_path / "Maildir" / ".Copy"
    for each in (tmp_path / "Maildir" / ".Copied", folder):
        for subdir in ("cur", "new", "tmp"):
            (each / subdir).mkdir(parents=True)
    header = f"3 V1700000000 N9 G{'ab' * 16}\n"
    for copy in (folder, folder.with_name(".Copied")):
        for name in ("1.a", "2.b"):
            (copy / "cur" / f"{name}:2,").write_text("Subject: one\n\nx\n")
        (copy / "dovecot-uidlist").write_text(header + "1 W7 :2.b:2,\n2 W8 :1.a:2,\n")
    async with open_account(settings, describe):
        await eventually(
            lambda: all(" M" in read_header(settings, f) for f in (".Copied", ".Copy"))
        )
    lists = {read_uidlist(settings.root + f) for f in (b"/.Copied", b"/.Copy")}
    assert len({each.uidvalidity for each in lists if each}) == 2
    fields = [{entry.base: entry.fields for entry in each.entries} for each in lists if each]
    assert fields == [{b"1.a": b"W8", b"2.b": b"W7"}] * 2
    assert_sound(settings)


def read_header(settings: AccountSettings, folder: str) -> str:
    uidlist = Path(os.fsdecode(settings.root)) / folder / "dovecot-uidlist"
    return uidlist.read_text().partition("\n")[0]
