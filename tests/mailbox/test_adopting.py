"""Folders that come into the index while other programs are busy in them, or can't be read yet."""

import os
from contextlib import ExitStack
from pathlib import Path

import pytest

from maildird.maildir.uidlists import UidEntry, UidList, write_uidlist
from tests.mailbox.outside import mail_in, until, warnings_in
from tests.mailbox.world import settings_for
from tests.maildir.disk import put
from tests.maildir.outsider import running, toggle_flagged

MESSAGES = 400


async def test_uids_of_another_server_are_kept_while_a_program_renames(tmp_path: Path) -> None:
    root = settings_for(tmp_path).root
    entries = []
    for number in range(MESSAGES):
        put(root, b"cur/%d.h:2," % number)
        entries.append(UidEntry(2 * number + 1, b"", b"%d.h:2," % number))
    write_uidlist(root, UidList(7, 2 * MESSAGES, bytes(16), entries=tuple(entries)))
    with ExitStack() as programs:
        programs.enter_context(running(toggle_flagged, root))
        async with mail_in(tmp_path) as mail:
            selected = await mail.account.open("INBOX", read_only=True)
            assert selected.uidvalidity == 7
            assert list(selected.view.uids) == [2 * number + 1 for number in range(MESSAGES)]
            await selected.close()
            programs.close()


async def test_a_folder_that_could_not_be_taken_in_is_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with mail_in(tmp_path) as mail:
        folder = mail.beside.folder("Work")
        for subdir in ("tmp", "new"):
            (folder / subdir).mkdir(parents=True)
        (folder / "cur").write_text("no directory")
        await until(lambda: warnings_in(caplog, folder))
        (folder / "cur").unlink()
        (folder / "cur").mkdir()
        put(os.fsencode(folder), b"cur/1.h:2,")
        await until(lambda: mail.account.tree.mailbox_in(os.fsencode(folder)) is not None)
