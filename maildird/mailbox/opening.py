"""Opening an account: the layout is recognised, the index opened, the monitor and tasks started."""

import logging
import os
import threading
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from functools import partial

import trio

from maildird.index.environment import Index
from maildird.mailbox.account import Account
from maildird.mailbox.namespace import INBOX
from maildird.mailbox.recovering import recover
from maildird.mailbox.results import Namespace
from maildird.mailbox.settings import AccountSettings
from maildird.mailbox.sizes import Describe
from maildird.maildir.directories import directories_above
from maildird.maildir.dirty import Dirty, Moved, Noticed
from maildird.maildir.folders import clean_tmp
from maildird.maildir.layouts import Layout
from maildird.maildir.leftovers import remove_leftovers
from maildird.maildir.monitor import Monitor
from maildird.maildir.recognition import Recognised, make_layout, recognise
from maildird.terms.errors import MaildirdError, SettingsError

logger = logging.getLogger(__name__)


@asynccontextmanager
async def open_account(
    settings: AccountSettings,
    describe: Describe,
    opening: trio.CapacityLimiter | None = None,
) -> AsyncIterator[Account]:
    """Serve one account inside the `with`; at its end all turns are done and the index is closed.

    `opening` says how many indexes may be opened at once, which may keep a processor busy for
    seconds. Raises SettingsError when there is no Maildir, IndexUnusable when the index can't be
    used.
    """
    layout, namespace = layout_of(settings)
    index = await _open_index(os.path.join(settings.state_directory, b"index"), opening)
    try:
        unsettled = await trio.to_thread.run_sync(recover, index, layout)
        account = Account(settings, namespace, index, layout, describe)
        account.disk.unsettled |= unsettled
        monitor = _monitor(account, layout)
        try:
            await _serve_ready(account, layout)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(account.door.run)
                nursery.start_soon(account.watcher.run)
                nursery.start_soon(account.watcher.sweep)
                nursery.start_soon(account.keeper.run)
                nursery.start_soon(account.preparer.run)
                yield account
                nursery.cancel_scope.cancel()
        finally:
            monitor.stop()
            with trio.CancelScope(shield=True):
                await account.finish()
    finally:
        index.close()


async def _open_index(directory: bytes, opening: trio.CapacityLimiter | None) -> Index:
    """The index in `directory`; an inspection of it ends when this is cancelled."""
    given_up = threading.Event()

    async def give_up_when_cancelled() -> None:
        try:
            await trio.sleep_forever()
        finally:
            given_up.set()

    index: Index | None = None
    failure: MaildirdError | None = None
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(give_up_when_cancelled)
            try:
                index = await trio.to_thread.run_sync(
                    partial(Index.open, directory, given_up=given_up), limiter=opening
                )
            except MaildirdError as error:
                failure = error
            nursery.cancel_scope.cancel()
    except BaseException:
        if index is not None:
            index.close()
        raise
    if failure is not None:
        raise failure
    assert index is not None
    return index


def layout_of(settings: AccountSettings) -> tuple[Layout, Namespace]:
    """How the tree is laid out, by the settings or else by what stands there."""
    if not os.path.isdir(settings.root):
        raise SettingsError(
            f"there is no directory {os.fsdecode(settings.root)};"
            " name a Maildir that exists, or make an empty directory for it"
        )
    found = recognise(settings.root)
    kind = settings.layout or found.kind
    inbox = settings.inbox or (found.inbox if kind == found.kind else None)
    layout = make_layout(settings.root, Recognised(kind, settings.names or found.names, inbox))
    return layout, Namespace(settings.prefix, settings.separator or layout.separator)


def _monitor(account: Account, layout: Layout) -> Monitor:
    """The monitor of the tree; its thread hands each event over to trio's."""
    token = trio.lowlevel.current_trio_token()

    def mailbox_of(dirty: Dirty) -> int | None:
        return account.tree.mailbox_in(dirty.folder) if dirty.folder else None

    def hear(events: Sequence[Noticed]) -> None:
        for told in events:
            if isinstance(told, Moved):
                account.watcher.hear_move(told, mailbox_of(told.source), mailbox_of(told.target))
            else:
                account.watcher.hear(told, mailbox_of(told))

    def notify(events: Sequence[Noticed]) -> None:
        try:
            token.run_sync_soon(hear, events)
        except trio.RunFinishedError:
            logger.debug("an event came after the end")

    monitor = Monitor(layout.root, notify)
    monitor.start(layout.folders().values())
    account.watch_with(monitor)
    return monitor


async def _serve_ready(account: Account, layout: Layout) -> None:
    """Make INBOX where there is none, and have every folder looked at in the background."""
    folders = await trio.to_thread.run_sync(layout.folders)
    with account.index.snapshot() as snapshot:
        known = {row.id for row in snapshot.mailboxes()}
    account.disk.unheeded |= known
    account.disk.index_inode = account.index.inode
    if INBOX not in folders and not known:
        await trio.to_thread.run_sync(layout.create, INBOX)
        folders = await trio.to_thread.run_sync(layout.folders)
    await trio.to_thread.run_sync(_clean, layout.root, folders.values())
    account.enter_tree(folders)
    account.keeper.check(account.tree.watched())
    account.preparer.check(account.tree.watched())
    for mailbox in account.tree.watched():
        account.watcher.mark(mailbox)


def _clean(root: bytes, folders: Collection[bytes]) -> None:
    """Remove what crashes left in folders, and in what was a folder until it was deleted."""
    for folder in folders:
        remove_leftovers(folder)
        clean_tmp(folder)
    for directory in directories_above(root, folders):
        remove_leftovers(directory)
