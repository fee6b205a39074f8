"""What the watcher says when a look at a mailbox fails."""

import logging
from pathlib import Path

import pytest
import trio.testing

from maildird.mailbox.account import Account
from maildird.mailbox.requests import ObserveTree
from tests.mailbox.world import Running, settings_for


def test_a_deleted_mailbox_is_no_trouble(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """An event may come to be looked at when its mailbox was deleted already."""
    running = Running(settings_for(tmp_path))

    async def work(account: Account) -> None:
        account.watcher.mark(99)
        await trio.testing.wait_all_tasks_blocked()  # the watcher has asked at the door
        await account.door.ask(ObserveTree())
        await trio.testing.wait_all_tasks_blocked()  # and has heard the answer

    running.do(work)
    running.end()
    assert [each.message for each in caplog.records if each.levelno >= logging.WARNING] == []
