"""A Maildir that other programs change while an account over it is open."""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import trio

from maildird.mailbox.account import Account
from maildird.mailbox.opening import open_account
from maildird.mailbox.requests import Observe
from maildird.mailbox.selected import Selected
from maildird.mailbox.settings import AccountSettings
from maildird.terms.flags import flag_names
from tests.mailbox.world import Beside, assert_sound, describe, settings_for

PATIENCE = 10
"""Seconds after which what should happen by itself is missed."""


@dataclass(frozen=True)
class Message:
    """A message as a client sees it."""

    body: str
    flags: frozenset[str] = frozenset()


@dataclass
class Mail:
    """The open account, and the hands of the other programs."""

    account: Account
    settings: AccountSettings
    beside: Beside

    @property
    def root(self) -> Path:
        return self.beside.root

    def put(self, name: str, body: str, mailbox: str = "INBOX") -> Path:
        """Have a message lie as `subdir/file` in a mailbox."""
        path = self.beside.folder(mailbox) / name
        path.write_text(f"Subject: x\n\n{body}\n")
        return path

    def names(self, mailbox: str = "INBOX") -> list[str]:
        """`subdir/file` of all messages on disk."""
        return [f"{file.parent.name}/{file.name}" for file in self.beside.files(mailbox)]

    async def open(self, mailbox: str = "INBOX", *, read_only: bool = True) -> Selected:
        """The mailbox, once a look at its directories leaves nothing in doubt."""
        with trio.fail_after(PATIENCE):
            while True:
                selected = await self.account.open(mailbox, read_only=read_only)
                if (await self.account.door.ask(Observe(selected.id))).settled:
                    selected.pull(may_expunge=True)
                    return selected
                await selected.close()
                await trio.lowlevel.checkpoint()

    async def shown(self, mailbox: str = "INBOX") -> dict[int, Message]:
        """What a client is shown, by UID."""
        selected = await self.open(mailbox)
        try:
            return {
                uid: Message(
                    await body_of(selected, uid), frozenset(flag_names(mask, selected.keywords))
                )
                for uid, mask in zip(selected.view.uids, selected.view.masks, strict=True)
            }
        finally:
            await selected.close()


async def body_of(selected: Selected, uid: int) -> str:
    """The line that `Mail.put` wrote."""
    return (await selected.read(uid)).data.split(b"\r\n")[2].decode()


@asynccontextmanager
async def mail_in(directory: Path, settings: AccountSettings | None = None) -> AsyncIterator[Mail]:
    """Serve the Maildir below `directory`; in the end its index is checked."""
    async with served(directory, settings) as mail:
        yield mail
    assert_sound(mail.settings)


@asynccontextmanager
async def served(directory: Path, settings: AccountSettings | None = None) -> AsyncIterator[Mail]:
    """Serve the Maildir below `directory`, and in the end look at every mailbox once more."""
    settings = settings or settings_for(directory)
    async with open_account(settings, describe) as account:
        await account.status("INBOX")
        mail = Mail(account, settings, Beside(directory / "Maildir"))
        yield mail
        for mailbox in await account.list():
            if mailbox.selectable:
                await (await mail.open(mailbox.name)).close()


async def until(condition: Callable[[], object]) -> None:
    """Wait until something has come true that happens by itself."""
    with trio.fail_after(PATIENCE):
        while True:
            if condition():
                return
            await trio.sleep(0.01)


def warnings_in(caplog: pytest.LogCaptureFixture, about: Path) -> list[str]:
    """What the log warned of a file or directory."""
    return [
        each.getMessage()
        for each in caplog.records
        if each.levelno >= logging.WARNING and str(about) in each.getMessage()
    ]
