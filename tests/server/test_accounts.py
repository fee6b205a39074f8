"""Accounts over real Maildirs: opened once, closed with the server, each on its own."""

import logging
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from maildird.index import inspection
from maildird.index.schema import VERSION, VERSION_KEY
from maildird.index.seal import break_seal
from maildird.mailbox.settings import AccountSettings
from maildird.mailbox.verify import verify
from maildird.mailbox.watcher import Watcher
from maildird.server.accounts import keep_accounts
from maildird.server.passwords import plain_password
from maildird.server.settings import User
from maildird.server.state import locked
from maildird.session.describe import describe
from maildird.session.presence import Presence
from maildird.terms.errors import IndexUnusable, SettingsError
from tests.index.building import behind_its_back


def user(tmp_path: Path, name: str) -> User:
    """A user with an empty Maildir."""
    root = tmp_path / name
    for subdir in ("cur", "new", "tmp"):
        (root / subdir).mkdir(parents=True)
    state = os.fsencode(tmp_path / "state" / name)
    return User(name, plain_password("secret"), AccountSettings(name, os.fsencode(root), state))


async def serve_once(ada: User) -> None:
    """Have her be no new user."""
    async with keep_accounts(describe) as accounts:
        await accounts.open(ada)


def contents(index: bytes) -> bytes:
    """What the file of an index holds."""
    return Path(os.fsdecode(index), "data.mdb").read_bytes()


async def test_all_sessions_of_a_user_share_one_account(tmp_path: Path) -> None:
    ada = user(tmp_path, "ada")
    async with keep_accounts(describe) as accounts:
        await accounts.open_all([ada])
        opened = await accounts.open(ada)
        assert await accounts.open(ada) is opened
        with opened.session(Presence()) as first, opened.session(Presence()) as second:
            assert first is second


async def test_a_tree_is_open_for_one_user_at_a_time(tmp_path: Path) -> None:
    """The system may give two names one home."""
    ada = user(tmp_path, "ada")
    (tmp_path / "link").symlink_to("ada")
    alias = AccountSettings("root", os.fsencode(tmp_path / "link"), os.fsencode(tmp_path / "st"))
    root = User("root", None, alias)
    async with keep_accounts(describe) as accounts:
        await accounts.open(ada)
        with pytest.raises(SettingsError, match="has the Maildir of ada"):
            await accounts.open(root)
        await accounts.close("ada")
        await accounts.open(root)


async def test_logins_at_once_open_an_account_once(tmp_path: Path) -> None:
    ada = user(tmp_path, "ada")
    opened = []

    async with keep_accounts(describe) as accounts:

        async def open_it() -> None:
            opened.append(await accounts.open(ada))

        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(open_it)
    assert len(set(opened)) == 1


async def test_state_is_held_while_the_server_runs_and_given_back_whole(tmp_path: Path) -> None:
    ada = user(tmp_path, "ada")
    async with keep_accounts(describe) as accounts:
        await accounts.open_all([ada])
        with pytest.raises(IndexUnusable, match="in use"), locked(ada.mail.state_directory):
            pass
    with locked(ada.mail.state_directory):
        assert verify(ada.mail) == []


async def test_an_account_that_can_t_be_opened_takes_no_other_with_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ada, bob = user(tmp_path, "ada"), user(tmp_path, "bob")
    await serve_once(ada)
    (tmp_path / "ada").rename(tmp_path / "elsewhere")
    async with keep_accounts(describe) as accounts:
        await accounts.open_all([ada, bob])
        await accounts.open(bob)
        with pytest.raises(SettingsError, match="there is no directory"):
            await accounts.open(ada)
        (tmp_path / "elsewhere").rename(tmp_path / "ada")
        await accounts.open(ada)
    (record,) = caplog.records
    assert record.message.startswith("account ada can't be opened: there is no directory ")


async def test_an_index_of_a_newer_version_is_left_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ada, bob = user(tmp_path, "ada"), user(tmp_path, "bob")
    async with keep_accounts(describe) as accounts:
        await accounts.open_all([ada])
    directory = os.path.join(ada.mail.state_directory, b"index")
    newer = b"%d" % (int(VERSION) + 1)
    behind_its_back(directory, lambda txn, tables: txn.put(VERSION_KEY, newer, db=tables.meta))
    before = contents(directory)
    async with keep_accounts(describe) as accounts:
        await accounts.open_all([ada, bob])
        await accounts.open(bob)
        with pytest.raises(IndexUnusable, match=f"is of version {int(newer)}, this maildird needs"):
            await accounts.open(ada)
    assert contents(directory) == before
    (record,) = caplog.records
    assert record.message.startswith("account ada can't be opened: index ")


async def test_who_has_moved_is_served_at_the_new_place_from_the_next_login_on(
    tmp_path: Path,
) -> None:
    ada, bob = user(tmp_path, "ada"), user(tmp_path, "bob")
    moved = replace(ada, mail=replace(ada.mail, root=bob.mail.root))
    async with keep_accounts(describe) as accounts:
        opened = await accounts.open(ada)

        async def stay() -> None:
            with opened.session(Presence()):
                await trio.sleep_forever()

        async with trio.open_nursery() as sessions:
            sessions.start_soon(stay)
            await wait_all_tasks_blocked()
            again = await accounts.open(moved)
        with again.session(Presence()) as account:
            assert (await account.report()).root == os.fsdecode(bob.mail.root)
        assert await accounts.open(moved) is again


async def test_an_account_whose_index_was_deleted_opens_anew_at_the_next_login(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ada = user(tmp_path, "ada")
    async with keep_accounts(describe) as accounts:
        opened = await accounts.open(ada)
        assert await accounts.open(ada) is opened
        shutil.rmtree(ada.mail.state_directory)
        again = await accounts.open(ada)
        assert again is not opened
        assert await accounts.open(ada) is again
    (record,) = (each for each in caplog.records if each.levelno == logging.ERROR)
    assert record.message.startswith("account ada: index ")
    assert record.message.endswith("was deleted while it was in use")


async def test_indexes_are_inspected_side_by_side(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Each inspection waits until another one has begun."""
    users = [user(tmp_path, name) for name in ("ada", "bob", "eve")]
    async with keep_accounts(describe) as accounts:
        await accounts.open_all(users)
    for each in users:
        break_seal(os.path.join(each.mail.state_directory, b"index"))
    program = """
import os, sys, time
place = os.path.dirname(os.path.dirname(sys.argv[2]))
os.close(os.open(os.path.join(place, "begun-%d" % os.getpid()), os.O_CREAT))
while sum(name.startswith("begun-") for name in os.listdir(place)) < 2:
    time.sleep(0.01)
print("reading")
"""
    monkeypatch.setattr(inspection, "_PROGRAM", program)
    async with keep_accounts(describe) as accounts:
        await accounts.open_all(users)
    assert not caplog.records


async def test_where_no_account_can_be_opened_the_server_does_not_begin(tmp_path: Path) -> None:
    ada = user(tmp_path, "ada")
    await serve_once(ada)
    (tmp_path / "ada").rename(tmp_path / "elsewhere")
    async with keep_accounts(describe) as accounts:
        with pytest.raises(SettingsError, match="there is no directory"):
            await accounts.open_all([ada])


async def test_an_account_that_breaks_down_ends_its_sessions_and_opens_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ada, bob = user(tmp_path, "ada"), user(tmp_path, "bob")
    broken = trio.Event()

    async def break_down(watcher: Watcher) -> None:
        await broken.wait()
        raise ValueError("a bug")

    async with keep_accounts(describe) as accounts:
        others = await accounts.open(bob)
        with monkeypatch.context() as patch:
            patch.setattr(Watcher, "sweep", break_down)
            opened = await accounts.open(ada)
            await wait_all_tasks_blocked()
        farewell = False
        with others.session(Presence()):
            with opened.session(Presence()):
                broken.set()
                try:
                    await trio.sleep_forever()
                finally:
                    with trio.CancelScope(shield=True):
                        await wait_all_tasks_blocked()
                        with pytest.raises(IndexUnusable), locked(ada.mail.state_directory):
                            pass
                        farewell = True
            assert farewell
            await wait_all_tasks_blocked()
            assert await accounts.open(ada) is not opened
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.message.startswith("account ada: ValueError: a bug (in ")
