"""One user's mail: the tree, its index, the door, the monitor, and what sessions ask of them."""

import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence, Set
from typing import Final

import trio

from maildird.index.environment import Index
from maildird.index.rows import MailboxRow
from maildird.mailbox import requests
from maildird.mailbox.disk import Disk
from maildird.mailbox.door import Door, TurnReport
from maildird.mailbox.history import History
from maildird.mailbox.namespace import INBOX, Parts, name_of, parts_of, parts_to_create
from maildird.mailbox.preparing import Preparer
from maildird.mailbox.promises import make_exact
from maildird.mailbox.recent import NOTHING_IS, Recent
from maildird.mailbox.report import AccountReport, Trouble
from maildird.mailbox.results import (
    Appended,
    Incoming,
    MailboxEntry,
    MailboxStatus,
    Namespace,
    Prepared,
)
from maildird.mailbox.selected import Selected
from maildird.mailbox.settings import AccountSettings
from maildird.mailbox.shared_columns import SharedColumns
from maildird.mailbox.sizes import Describe, total_size
from maildird.mailbox.special_use import CREATABLE, canonical
from maildird.mailbox.tree import Tree, entries
from maildird.mailbox.turns import Turns
from maildird.mailbox.uidlist_keeper import UidListKeeper
from maildird.mailbox.view import View
from maildird.mailbox.wake import Wake
from maildird.mailbox.watcher import Watcher
from maildird.maildir.folders import Staged, discard, has_new, stage
from maildird.maildir.layouts import Layout
from maildird.maildir.monitor import Monitor, MonitorState
from maildird.maildir.subscriptions import change_subscription, read_subscriptions
from maildird.terms.codes import Code
from maildird.terms.errors import Refused

logger = logging.getLogger(__name__)

SMALL: Final = 1 << 16
"""Octets of a message that is written in a moment."""


class Account:
    """What one user's sessions share. Made by `opening.open_account`, which also ends it."""

    def __init__(
        self,
        settings: AccountSettings,
        namespace: Namespace,
        index: Index,
        layout: Layout,
        describe: Describe,
    ) -> None:
        self.name = settings.name
        self.namespace = namespace
        self.append_limit = settings.append_limit
        self.describe = describe
        self.index = index
        self.wake = Wake()
        self.disk = Disk()
        self.recent = Recent()
        self.history = History()
        self.columns = SharedColumns()
        self.door = Door(Turns(index, layout, self.disk).run, self._announce)
        self.tree = Tree(layout)
        self.watcher = Watcher(
            self.door, self.disk, layout.root, self.tree.watched, self._supervise, self._flush
        )
        self.keeper = UidListKeeper(index, layout, self.disk, self.door)
        self.preparer = Preparer(settings.name, index, self.door, layout.directory, describe)
        self._since = time.time()
        self._settings = settings
        self._layout = layout
        self._monitor: Monitor | None = None
        self._to_adopt: Set[Parts] = frozenset()
        self._subscribing = trio.Lock()

    def watch_with(self, monitor: Monitor) -> None:
        """Have `monitor` watch the folders that come into being."""
        self._monitor = monitor
        self.disk.echoes = monitor.echoes
        self.disk.events_trusted = monitor.kind == "inotify"

    @property
    def monitored(self) -> MonitorState | None:
        """How the tree is watched; None before it is."""
        return None if self._monitor is None else self._monitor.state

    def enter_tree(self, folders: Mapping[Parts, bytes]) -> None:
        """The folders that there are now; those that the index doesn't know are taken in."""
        with self.index.snapshot() as snapshot:
            rows = snapshot.mailboxes()
        self.tree.replace(folders, rows)
        unknown = folders.keys() - {row.parts for row in rows}
        for parts in sorted(unknown - self._to_adopt):
            self.door.post(requests.Adopt(parts))
        self._to_adopt = unknown
        if self._monitor is not None:
            self._monitor.watch_only(folders.values())
            self.disk.events_trusted = self._monitor.kind == "inotify"

    async def finish(self) -> None:
        """Do what still waits; no session asks any more."""
        self.preparer.finish()
        await self.door.finish()
        await self.keeper.finish()
        await trio.to_thread.run_sync(make_exact, self.index, self._layout, self.disk)
        self.disk.hold.release()

    @property
    def preparing(self) -> tuple[int, int]:
        """How many messages are made ready, of how many that were not; equal when all are."""
        return self.preparer.progress

    async def prepare(self) -> Prepared:
        """Return once every folder is in the index and in step, and every message made ready."""
        before = await trio.to_thread.run_sync(self._count_ready)
        for parts in sorted(self.tree.folders, key=lambda parts: (parts != INBOX, parts)):
            try:
                await self._ready(parts)
            except (Refused, OSError) as error:
                logger.warning("%s", error)
        await self.door.ask(requests.ObserveTree())  # then all turns before are announced
        await self.preparer.finished()
        ready = await trio.to_thread.run_sync(self._count_ready)
        messages, _ = await trio.to_thread.run_sync(self._count)
        folders = len(self.tree.folders)
        return Prepared(folders, messages, new=ready - before, unread=messages - ready)

    async def list(self) -> Sequence[MailboxEntry]:
        """The whole hierarchy of names, INBOX first; Refused (UNAVAILABLE) without the tree.

        A mailbox whose folder can't be read now is among them.
        """
        folders = await trio.to_thread.run_sync(self._layout.folders)
        rows = self._rows()
        if not {row.parts for row in rows} <= folders.keys():
            await self.door.ask(requests.ObserveTree())
            rows = self._rows()
        created = {row.parts: row.use for row in rows if row.use}
        there = folders.keys() | {row.parts for row in rows}
        return entries(self.namespace, there, self._settings.special_use, created)

    async def subscriptions(self) -> frozenset[str]:
        """The names that are subscribed, whether or not such mailboxes exist."""
        subscribed = await trio.to_thread.run_sync(read_subscriptions, self._layout)
        return frozenset(name_of(self.namespace, parts) for parts in subscribed)

    async def subscribe(self, name: str) -> None:
        """Add a name to the subscriptions; Refused (CANNOT) for one that can't be a mailbox."""
        await self._change_subscription(parts_to_create(self.namespace, name), True)

    async def unsubscribe(self, name: str) -> None:
        """Take a name from the subscriptions; one that isn't there is no error."""
        await self._change_subscription(parts_of(self.namespace, name), False)

    async def create(self, name: str, use: Sequence[str] = ()) -> None:
        """Make a mailbox; Refused (ALREADYEXISTS, CANNOT, USEATTR)."""
        attributes = tuple(dict.fromkeys(canonical(attribute) or attribute for attribute in use))
        if not set(attributes) <= CREATABLE:
            raise Refused(
                Code.USEATTR, f"a mailbox can be made with USE {' '.join(sorted(CREATABLE))} only"
            )
        parts = parts_to_create(self.namespace, name)
        if attributes:
            await self._need_free(attributes)
        await self.door.ask(requests.Create(parts, attributes))

    async def delete(self, name: str) -> None:
        """Delete a mailbox and its messages; Refused (CANNOT, HASCHILDREN, NONEXISTENT)."""
        await self.door.ask(requests.Delete(parts_of(self.namespace, name)))

    async def rename(self, source: str, target: str) -> None:
        """Rename a mailbox with its children; Refused (ALREADYEXISTS, CANNOT, NONEXISTENT)."""
        old = parts_of(self.namespace, source)
        if old == INBOX:
            await self._ready(INBOX)
        await self.door.ask(requests.Rename(old, parts_to_create(self.namespace, target)))

    async def status(self, name: str) -> MailboxStatus:
        """A mailbox's numbers as the disk has them now; Refused (NONEXISTENT, UNAVAILABLE)."""
        mailbox = await self._ready(parts_of(self.namespace, name))
        with self.index.snapshot() as snapshot:
            row = _there(snapshot.mailbox(mailbox))
            return MailboxStatus(
                mailbox=mailbox,
                messages=snapshot.message_count(mailbox),
                recent=snapshot.count_from(mailbox, self.first_recent(mailbox)),
                uidnext=row.uidnext,
                uidvalidity=row.uidvalidity,
                unseen=snapshot.unseen_count(mailbox),
                highestmodseq=row.highestmodseq,
            )

    async def size(self, name: str) -> int:
        """The sum of all RFC822.SIZE in octets (RFC 8438); reads what was never read before."""
        mailbox = await self._ready(parts_of(self.namespace, name))
        with self.index.snapshot() as snapshot:
            folder = self.folder_of(_there(snapshot.mailbox(mailbox)).parts)
        return await total_size(self.index, self.door, self.describe, mailbox, folder)

    async def open(self, name: str, *, read_only: bool) -> Selected:
        """Select a mailbox; Refused (NONEXISTENT, UNAVAILABLE)."""
        parts = parts_of(self.namespace, name)
        mailbox = await self._ready(parts)
        if read_only:
            return self._select(name, mailbox, self.first_recent(mailbox), read_only=True)
        self.disk.take(mailbox)
        try:
            if has_new(self.folder_of(parts)):
                await self.door.ask(requests.TakeNew(mailbox))
            selected = self._select(name, mailbox, NOTHING_IS, read_only=False)
        except BaseException:
            self.disk.release(mailbox)
            raise
        selected.claim_recent()
        return selected

    async def append(self, name: str, messages: Sequence[Incoming]) -> Appended:
        """Add messages, all or none; Refused (TRYCREATE, LIMIT), OSError when the disk fails.

        They are written outside of the turn, so that it takes nobody's time; but where nobody waits
        for it, a small one costs less inside.
        """
        mailbox = await self.target(name)
        if len(messages) == 1 and len(messages[0].content) <= SMALL and not self.door.busy:
            delivery = requests.Delivery(messages[0], messages[0].flags)
            return await self.door.ask(requests.Deliver(mailbox, (delivery,)))
        with self.index.snapshot() as snapshot:
            folder = self.folder_of(_there(snapshot.mailbox(mailbox)).parts)
        staged: list[Staged] = []
        try:
            for message in messages:
                staged.append(
                    await trio.to_thread.run_sync(
                        stage, folder, message.content, message.internaldate
                    )
                )
            deliveries = tuple(
                requests.Delivery(each, message.flags)
                for each, message in zip(staged, messages, strict=True)
            )
            return await self.door.ask(requests.Deliver(mailbox, deliveries))
        except BaseException:
            for each in staged:
                discard(each)
            raise

    async def target(self, name: str) -> int:
        """The id of the mailbox that messages are to go to; Refused (TRYCREATE) when not there."""
        try:
            return await self._known(parts_of(self.namespace, name))
        except Refused as error:
            if error.code is Code.NONEXISTENT:
                raise Refused(Code.TRYCREATE, "there is no such mailbox; CREATE it first") from None
            raise

    def troubles(self) -> Sequence[Trouble]:
        """What of the mail can't be looked at; trouble with the tree stands for all of it."""
        return self.watcher.troubles.of(tuple(self.tree.watched()))

    async def report(self) -> AccountReport:
        """How the account is doing; the Maildir, which may hang, is not touched for that."""
        assert self._monitor is not None
        messages, index_size = await trio.to_thread.run_sync(self._count)
        prepared, to_prepare = self.preparing
        return AccountReport(
            name=self.name,
            root=os.fsdecode(self._settings.root),
            since=self._since,
            monitor=self._monitor.state,
            folders=len(self.tree.folders),
            messages=messages,
            prepared=prepared,
            to_prepare=to_prepare,
            waiting=self.door.waiting,
            turns=self.door.turns,
            turn_seconds=self.door.seconds,
            events=self.watcher.events,
            observations=self.watcher.observations,
            index_size=index_size,
            troubles=self.troubles(),
        )

    def folder_of(self, parts: Parts) -> bytes:
        """The directory of a mailbox."""
        return self._layout.directory(parts)

    def first_recent(self, mailbox: int) -> int:
        """The lowest UID that no session was told of as \\Recent."""
        with self.index.snapshot() as snapshot:
            return self.recent.first(mailbox, _there(snapshot.mailbox(mailbox)).first_recent)

    async def _ready(self, parts: Parts) -> int:
        """The id of a mailbox whose index has seen what the disk has."""
        mailbox = await self._known(parts)
        try:
            await self.watcher.refresh(mailbox, self.folder_of(parts))
        except FileNotFoundError:
            await self.door.ask(requests.ObserveTree())
        except Refused as error:
            if error.code is not Code.NONEXISTENT:
                raise
        else:
            if await self._known(parts) == mailbox:
                return mailbox
        mailbox = await self._known(parts)  # the folder was moved, or is another one
        await self.watcher.refresh(mailbox, self.folder_of(parts))
        return mailbox

    async def _known(self, parts: Parts) -> int:
        """The id of a mailbox; a folder that the index doesn't know yet is taken in."""
        with self.index.snapshot() as snapshot:
            row = snapshot.mailbox_named(parts)
        if row is not None:
            return row.id
        folders = await trio.to_thread.run_sync(self._layout.folders)
        if parts not in folders:
            raise Refused(Code.NONEXISTENT, "there is no such mailbox")
        return await self.door.ask(requests.Adopt(parts))

    def _rows(self) -> Sequence[MailboxRow]:
        with self.index.snapshot() as snapshot:
            return snapshot.mailboxes()

    def _select(self, name: str, mailbox: int, first_recent: int, *, read_only: bool) -> Selected:
        with self.index.snapshot() as snapshot:
            row = _there(snapshot.mailbox(mailbox))
            columns = self.columns.read(snapshot, row)
        return Selected(self, name, row, View(row, columns, first_recent), read_only)

    async def _need_free(self, attributes: Sequence[str]) -> None:
        """Refused (USEATTR) when a mailbox has one of the special uses already."""
        taken = {use for entry in await self.list() for use in entry.use}
        for attribute in attributes:
            if attribute in taken:
                raise Refused(Code.USEATTR, f"another mailbox is {attribute} already")

    async def _change_subscription(self, parts: Parts, subscribed: bool) -> None:
        async with self._subscribing:
            await trio.to_thread.run_sync(change_subscription, self._layout, parts, subscribed)

    def _count(self) -> tuple[int, int]:
        """How many messages there are, and the octets of the index."""
        with self.index.snapshot() as snapshot:
            messages = sum(snapshot.message_count(row.id) for row in snapshot.mailboxes())
        return messages, self.index.size()

    def _count_ready(self) -> int:
        with self.index.snapshot() as snapshot:
            return sum(snapshot.facts_count(row.id) for row in snapshot.mailboxes())

    def _announce(self, report: TurnReport) -> None:
        if report.modseqs:
            self.preparer.give_way()
        if report.folders is not None:
            self.enter_tree(report.folders)
        for mailbox in report.relist:
            self._enter(mailbox)
        self.keeper.changed(report.modseqs)
        self.keeper.note(report.unlisted, report.relist)
        self.preparer.note(report.unlisted)
        self.preparer.check(report.relist)
        self.history.note(report.made)
        self.wake.announce(report.modseqs)

    def _supervise(self) -> None:
        self.index.confirm()
        self._adopt_again()
        if self._monitor is not None:
            self._monitor.supervise()
            self.disk.events_trusted = self._monitor.kind == "inotify"

    def _flush(self, done: Callable[[], None]) -> bool:
        return self._monitor is not None and self._monitor.flush(done)

    def _adopt_again(self) -> None:
        """Folders that could not be taken in are tried again: nothing waits, and they remain."""
        if not self.door.waiting:
            for parts in sorted(self._to_adopt):
                self.door.post(requests.Adopt(parts))

    def _enter(self, mailbox: int) -> None:
        with self.index.snapshot() as snapshot:
            row = snapshot.mailbox(mailbox)
        if row is not None:
            self.tree.add(row)
            self._to_adopt -= {row.parts}
            self.watcher.begin(mailbox, self.folder_of(row.parts))


def _there(row: MailboxRow | None) -> MailboxRow:
    if row is None:
        raise Refused(Code.NONEXISTENT, "the mailbox was deleted")
    return row
