"""The server that dialogues talk to; at the end of every test its index is checked."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio

from maildird.imap.limits import Limits
from maildird.mailbox.opening import open_account
from maildird.session.describe import describe
from maildird.session.session import serve_account_session
from tests.dialogues.dialogue import Client, Server
from tests.mailbox.world import Beside, assert_sound, settings_for


@asynccontextmanager
async def serving(directory: Path, **settings: Any) -> AsyncIterator[Server]:
    """Serve the Maildir below `directory`; `settings` as for the account."""
    chosen = replace(settings_for(directory), **settings)
    async with open_account(chosen, describe) as account, trio.open_nursery() as nursery:
        await account.status("INBOX")
        serve = partial(serve_account_session, leftover=b"", account=account, limits=Limits())
        yield Server(account, Beside(directory / "Maildir"), serve, nursery)
        nursery.cancel_scope.cancel()
        with trio.CancelScope(shield=True):
            for mailbox in await account.list():
                if mailbox.selectable:
                    await account.status(mailbox.name)
    assert_sound(chosen)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    """A server with an empty INBOX."""
    async with serving(tmp_path) as running:
        yield running


@pytest.fixture
async def me(server: Server) -> Client:
    """A connection that has logged in."""
    return await server.connect()


@pytest.fixture
async def other(server: Server) -> Client:
    """A second connection of the same user."""
    return await server.connect()
