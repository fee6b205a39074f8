"""The accounts that are open: each lives in a task of its own and outlasts its sessions.

All accounts are opened at the start, so that their monitors watch also while nobody is connected.
One that can't be opened, or breaks down later, takes no other with it: its sessions end with a BYE,
and the next login opens it again. That its index was deleted or is damaged shows at the next login
at the latest. Opening takes a while where an index has to be inspected, so a few go side by side.

No tree is open for two users at a time, however they came to have it: two names of the system may
have one home, and while the settings change one user may be about to get what another still has.
"""

import dataclasses
import logging
import os
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Final

import trio

import maildird
from maildird.mailbox.account import Account
from maildird.mailbox.opening import open_account
from maildird.mailbox.settings import AccountSettings
from maildird.mailbox.sizes import Describe
from maildird.server.control import answering
from maildird.server.failures import log_failure
from maildird.server.new_tree import make_new_tree
from maildird.server.settings import User
from maildird.server.state import locked
from maildird.server.status import HISTORY, STATUS, Status, resident_memory
from maildird.server.trees import Trees
from maildird.session.presence import Presence
from maildird.session.session import shutting_down
from maildird.terms.errors import IndexUnusable, MaildirdError

logger = logging.getLogger(__name__)

MOST_AT_ONCE: Final = 4
"""Accounts that are opened side by side at the start."""

FAREWELL: Final = 1.5
"""How long the sessions of an account that breaks down have for their last words (s)."""


class OpenAccount:
    """An account that is open, and the sessions that use it."""

    def __init__(self, settings: AccountSettings, account: Account) -> None:
        self.settings = settings
        self.ending = False
        self.lifetime = trio.CancelScope()
        self.closed = trio.Event()
        self._account = account
        self._sessions: dict[trio.CancelScope, Presence] = {}
        self._left = trio.lowlevel.ParkingLot()

    @property
    def name(self) -> str:
        """The user's."""
        return self._account.name

    @contextmanager
    def session(self, presence: Presence) -> Iterator[Account]:
        """Use the account; what is inside is cancelled when the account ends."""
        with trio.CancelScope() as scope:
            self._sessions[scope] = presence
            try:
                yield self._account
            finally:
                del self._sessions[scope]
                self._left.unpark_all()

    def why_cancelled(self) -> str:
        """What the client of a session that is cancelled hears of it, and is to do."""
        if self.ending:
            return "your account is closed and may be opened anew; connect again"
        return shutting_down()

    def confirm(self) -> None:
        """Have the account end if its index is no longer of use."""
        try:
            self._account.index.confirm()
        except IndexUnusable as error:
            logger.error("account %s: %s", self._account.name, error)
            self.ending = True
            self.lifetime.cancel()

    async def status(self) -> Status:
        """How the account is doing, and this process, which serves it."""
        return Status(
            account=await self._account.report(),
            sessions=tuple(self._sessions.values()),
            version=maildird.__version__,
            process=os.getpid(),
            memory=resident_memory(),
        )

    async def answer_status(self, _rest: str) -> object:
        """The status, as plain data."""
        return dataclasses.asdict(await self.status())

    async def answer_history(self, mailbox: str) -> object:
        """How the latest changes of a mailbox, given by its id, came about, as plain data."""
        number = int(mailbox) if mailbox.isdecimal() else 0
        return [dataclasses.asdict(made) for made in self._account.history.of(number)]

    async def end_sessions(self) -> None:
        """Cancel all sessions and wait until they have left."""
        self.ending = True
        for scope in self._sessions:
            scope.cancel()
        with trio.move_on_after(FAREWELL, shield=True):
            while self._sessions:
                await self._left.park()


class Accounts:
    """The open accounts by user. Made by `keep_accounts`."""

    def __init__(self, nursery: trio.Nursery, describe: Describe) -> None:
        self._nursery = nursery
        self._describe = describe
        self._indexes = trio.CapacityLimiter(os.cpu_count() or 1)
        self._opened: dict[str, OpenAccount] = {}
        self._opening: defaultdict[str, trio.Lock] = defaultdict(trio.Lock)
        self._trees = Trees()

    @property
    def opened(self) -> Sequence[OpenAccount]:
        """Those that are open now."""
        return list(self._opened.values())

    async def open_all(self, users: Sequence[User]) -> None:
        """Open what can be opened and log what can't; raises when all of them can't."""
        failures: dict[str, Exception] = {}
        few = trio.CapacityLimiter(MOST_AT_ONCE)

        async def try_to_open(user: User) -> None:
            async with few:
                try:
                    await self.open(user)
                except (MaildirdError, OSError) as error:
                    failures[user.name] = error

        async with trio.open_nursery() as nursery:
            for user in users:
                nursery.start_soon(try_to_open, user)
        if failures and len(failures) == len(users):
            raise failures[users[0].name]
        for name, failure in failures.items():
            logger.error("account %s can't be opened: %s", name, failure)

    async def open(self, user: User) -> OpenAccount:
        """A user's account, opened if need be; MaildirdError or OSError when it can't be.

        One that is open with other settings, such as another location, is closed before.
        """
        async with self._opening[user.name]:
            opened = self._opened.get(user.name)
            if opened is not None and opened.settings != user.mail:
                await self.close(user.name)
                opened = None
            if opened is not None and not opened.ending:
                opened.confirm()
            if opened is not None and opened.ending:
                await opened.closed.wait()
                opened = None
            if opened is None:
                opened = await self._nursery.start(self._keep, user)
            return opened

    async def close(self, name: str) -> None:
        """End the sessions of a user's account and close it, where it is open."""
        opened = self._opened.get(name)
        if opened is not None:
            opened.lifetime.cancel()
            await opened.closed.wait()

    async def _keep(self, user: User, task_status: trio.TaskStatus[OpenAccount]) -> None:
        """Keep an account open until it breaks down or the server ends."""
        opened = None
        try:
            with (
                locked(user.mail.state_directory),
                self._trees.held(user.name, user.mail.root),
            ):
                make_new_tree(user.mail)
                async with open_account(user.mail, self._describe, self._indexes) as account:
                    opened = self._opened[user.name] = OpenAccount(user.mail, account)
                    answers = {STATUS: opened.answer_status, HISTORY: opened.answer_history}
                    async with answering(user.mail.state_directory, answers):
                        task_status.started(opened)
                        try:
                            with opened.lifetime:
                                await trio.sleep_forever()
                        finally:
                            await opened.end_sessions()
        except Exception as failure:
            if opened is None:
                raise
            log_failure(logger, f"account {user.name}", failure)
        finally:
            if opened is not None:
                del self._opened[user.name]
                opened.closed.set()


@asynccontextmanager
async def keep_accounts(describe: Describe) -> AsyncIterator[Accounts]:
    """Accounts stay open inside the `with`; at its end each is finished and closed."""
    async with trio.open_nursery() as nursery:
        yield Accounts(nursery, describe)
        nursery.cancel_scope.cancel()
