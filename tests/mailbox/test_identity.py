"""A tree whose disk is not mounted is unavailable; nothing about it is believed or changed."""

import os
from pathlib import Path

import pytest

from maildird.mailbox.opening import open_account
from maildird.mailbox.settings import AccountSettings
from maildird.terms.codes import Code
from maildird.terms.errors import Refused
from tests.mailbox.world import Beside, assert_sound, describe, settings_for


async def uids(settings: AccountSettings) -> list[int]:
    async with open_account(settings, describe) as account:
        selected = await account.open("INBOX", read_only=True)
        found = list(selected.view.uids)
        await selected.close()
        return found


@pytest.mark.parametrize("subdirs", [(), ("cur", "new", "tmp")], ids=["bare", "a Maildir"])
async def test_a_start_while_the_disk_is_not_mounted(
    tmp_path: Path, subdirs: tuple[str, ...]
) -> None:
    settings = settings_for(tmp_path)
    root = tmp_path / "Maildir"
    beside = Beside(root)
    for _ in range(3):
        beside.deliver("INBOX", b"Subject: x\n\n")
    before = await uids(settings)
    assert before == [1, 2, 3]
    root.rename(tmp_path / "unmounted")
    root.mkdir()
    for subdir in subdirs:
        (root / subdir).mkdir()
    for _ in range(2):
        with pytest.RaisesGroup(
            pytest.RaisesExc(Refused, check=lambda error: error.code is Code.UNAVAILABLE),
            flatten_subgroups=True,
        ):
            await uids(settings)
    assert sorted(os.listdir(root)) == sorted(subdirs)
    for subdir in subdirs:
        (root / subdir).rmdir()
    root.rmdir()
    (tmp_path / "unmounted").rename(root)
    assert await uids(settings) == before
    assert_sound(settings)
