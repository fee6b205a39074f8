"""Who is new may log in before there is any mail; a disk that isn't mounted stays an error."""

import logging
import os
from pathlib import Path

import pytest

from maildird.mailbox.settings import AccountSettings
from maildird.server.accounts import keep_accounts
from maildird.server.passwords import plain_password
from maildird.server.settings import User
from maildird.session.describe import describe
from maildird.terms.errors import SettingsError


def user(tmp_path: Path) -> User:
    root, state = tmp_path / "vhosts/example.org/ada", tmp_path / "state/ada"
    mail = AccountSettings("ada", os.fsencode(root), os.fsencode(state))
    return User("ada", plain_password("secret"), mail)


async def open_account(ada: User) -> None:
    async with keep_accounts(describe) as accounts:
        await accounts.open(ada)


async def assert_not_opened(ada: User) -> None:
    async with keep_accounts(describe) as accounts:
        with pytest.raises(SettingsError, match="there is no directory"):
            await accounts.open(ada)


async def test_a_new_user_has_a_maildir_after_login(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    root = tmp_path / "vhosts/example.org/ada"
    await open_account(user(tmp_path))
    assert {each.name for each in root.iterdir()} >= {"cur", "new", "tmp"}
    assert root.stat().st_mode & 0o777 == 0o700
    assert f"account ada is new: made {root}" in caplog.messages


async def test_who_was_served_before_does_not_find_an_empty_maildir(tmp_path: Path) -> None:
    await open_account(user(tmp_path))
    (tmp_path / "vhosts").rename(tmp_path / "mounted elsewhere")
    await assert_not_opened(user(tmp_path))
    assert not (tmp_path / "vhosts").exists()


async def test_a_link_to_a_disk_that_is_not_there_stays(tmp_path: Path) -> None:
    (tmp_path / "vhosts").symlink_to(tmp_path / "unmounted")
    await assert_not_opened(user(tmp_path))
    assert not (tmp_path / "unmounted").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives directories away")
async def test_nothing_is_made_in_a_place_of_another_user(tmp_path: Path) -> None:
    (tmp_path / "vhosts").mkdir()
    os.chown(tmp_path / "vhosts", 65534, -1)
    await assert_not_opened(user(tmp_path))
    assert list((tmp_path / "vhosts").iterdir()) == []
