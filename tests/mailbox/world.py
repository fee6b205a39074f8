"""A Maildir on disk, an account over it, and programs beside the server that change the files."""

import os
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, suppress
from pathlib import Path
from typing import Generic, TypeVar

import trio

from maildird.index.check import check
from maildird.index.rows import Facts
from maildird.mailbox.account import Account
from maildird.mailbox.opening import open_account
from maildird.mailbox.settings import AccountSettings
from maildird.mailbox.verify import verify

T = TypeVar("T")
Thing = TypeVar("Thing")


def describe(content: bytes, internaldate: int) -> Facts:
    """Facts that say only what this room needs to carry."""
    return Facts(internaldate, len(content), b"E", b"B", b"S", content[:80])


def settings_for(directory: Path) -> AccountSettings:
    """An account named after nobody in particular, below `directory`."""
    root = directory / "Maildir"
    for subdir in ("cur", "new", "tmp"):
        (root / subdir).mkdir(parents=True, exist_ok=True)
    state = directory / "state"
    state.mkdir(exist_ok=True)
    return AccountSettings(name="me", root=os.fsencode(root), state_directory=os.fsencode(state))


class Beside:
    """Another program: it delivers, renames, moves and unlinks below `root` as it likes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._count = 0

    def folder(self, mailbox: str) -> Path:
        """The Maildir++ directory of a mailbox."""
        return self.root if mailbox == "INBOX" else self.root / f".{mailbox}"

    def files(self, mailbox: str) -> list[Path]:
        """All messages of a mailbox, new ones first."""
        folder = self.folder(mailbox)
        return sorted((folder / "new").iterdir()) + sorted((folder / "cur").iterdir())

    def deliver(self, mailbox: str, content: bytes) -> Path:
        """As Postfix does it: write to tmp/, link into new/, unlink."""
        self._count += 1
        folder = self.folder(mailbox)
        temporary = folder / "tmp" / f"{time.time_ns()}.P{self._count}.post"
        temporary.write_bytes(content)
        final = folder / "new" / f"{time.time_ns() // 10**9}.V1I{self._count}M{self._count}.post"
        os.link(temporary, final)
        temporary.unlink()
        return final

    def reflag(self, file: Path, letters: str) -> Path:
        """As mutt does it: rename within cur/, or from new/ to cur/."""
        target = file.parent.parent / "cur" / (file.name.partition(":2,")[0] + ":2," + letters)
        return file.rename(target)


class InThread(Generic[Thing]):
    """What an async context gives, held open in a thread of its own.

    For tests that are not async themselves.
    """

    def __init__(self, context: AbstractAsyncContextManager[Thing]) -> None:
        self._context = context
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._main, daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            raise self._failure

    def do(self, work: Callable[[Thing], Awaitable[T]]) -> T:
        """Run `work` with the thing and give its result."""
        try:
            return trio.from_thread.run(work, self.thing, trio_token=self._token)
        except trio.RunFinishedError:
            self._join()
            raise

    def end(self) -> None:
        """Leave the context in good order."""
        with suppress(trio.RunFinishedError):
            trio.from_thread.run_sync(self._done.set, trio_token=self._token)
        self._join()

    def _join(self) -> None:
        """Wait for the thread to end, and fail with what made it end."""
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def _main(self) -> None:
        try:
            trio.run(self._hold)
        except BaseException as error:
            self._failure = error
        finally:
            self._ready.set()

    async def _hold(self) -> None:
        async with self._context as self.thing:
            self._token = trio.lowlevel.current_trio_token()
            self._done = trio.Event()
            self._ready.set()
            await self._done.wait()


class Running(InThread[Account]):
    """An account that is open in a thread of its own."""

    def __init__(self, settings: AccountSettings) -> None:
        super().__init__(open_account(settings, describe))

    @property
    def account(self) -> Account:
        """The account."""
        return self.thing


def assert_sound(settings: AccountSettings, account: Account | None = None) -> None:
    """The index keeps its invariants; at rest it also says what the Maildir says."""
    if account is not None:
        with account.index.snapshot() as snapshot:
            assert not list(check(snapshot))
    else:
        assert verify(settings) == []
