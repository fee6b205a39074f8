"""A mailbox that a session has selected: its view, and what the session may do to it."""

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from typing import Protocol, TypeVar

import trio

from maildird.index.environment import Index
from maildird.index.rows import FactKind, Facts, MailboxRow, Sizes
from maildird.index.snapshots import FACTS_AT_ONCE
from maildird.mailbox import requests
from maildird.mailbox.conditions import Condition, masks_at
from maildird.mailbox.disk import Disk
from maildird.mailbox.door import Door
from maildird.mailbox.namespace import Parts
from maildird.mailbox.observing import ATTEMPTS
from maildird.mailbox.preparing import Preparer
from maildird.mailbox.recent import NOTHING_IS, Recent
from maildird.mailbox.reconcile import base_of
from maildird.mailbox.results import (
    NOTHING,
    Changes,
    Copied,
    Expunged,
    FlagChangeHow,
    Stored,
)
from maildird.mailbox.shared_columns import SharedColumns, positions_of
from maildird.mailbox.view import View
from maildird.mailbox.wake import GONE, Wake
from maildird.mailbox.watcher import Watcher
from maildird.maildir.content import Content, read_content, read_head, read_if_cached
from maildird.maildir.locating import locate
from maildird.terms.codes import Code
from maildird.terms.errors import MailboxDeleted, MessageGone, Refused
from maildird.terms.sets import UidSet

T = TypeVar("T")


class Home(Protocol):
    """What a selected mailbox needs of its account."""

    index: Index
    door: Door
    wake: Wake
    disk: Disk
    recent: Recent
    columns: SharedColumns
    watcher: Watcher
    preparer: Preparer

    def folder_of(self, parts: Parts) -> bytes:
        """The directory of a mailbox."""

    def first_recent(self, mailbox: int) -> int:
        """The lowest UID that no session was told of as \\Recent."""

    async def target(self, name: str) -> int:
        """The mailbox id of the target of COPY or MOVE; Refused (TRYCREATE) when there is none."""


class Selected:
    """One session's selected mailbox; close it when the session leaves it.

    What needs the mailbox raises MailboxDeleted once it was deleted. UIDs that are passed in rise.
    """

    def __init__(self, home: Home, name: str, row: MailboxRow, view: View, read_only: bool) -> None:
        self.name = name
        self.view = view
        self.read_only = read_only
        self.id = row.id
        self.uidvalidity = row.uidvalidity
        self.guid = row.guid
        self.keywords = row.keywords
        self._home = home

    async def refresh(self) -> None:
        """Make sure that the index has seen what the disk has; cheap when nothing changed."""
        self._home.preparer.give_way()
        try:
            await self._home.watcher.refresh(self.id, self._folder(), soon=True)
        except FileNotFoundError:
            await self._home.door.ask(requests.ObserveTree())
            await self._home.watcher.refresh(self.id, self._folder(), soon=True)

    def pull(self, may_expunge: bool, reached: int = 0) -> Changes:
        """Move the view to what the index has now, and say what has to be told of that.

        Looks into the index when there is something to be found: when more was announced than was
        pulled, or the caller saw there that the mailbox has `reached` a MODSEQ that will only be
        announced in a moment.
        """
        latest = max(reached, self._home.wake.latest(self.id))
        if latest <= self.view.pulled and not (may_expunge and self.view.withheld):
            return NOTHING
        with self._home.index.snapshot() as snapshot:
            row = snapshot.mailbox(self.id)
            if row is None:
                raise MailboxDeleted("the selected mailbox was deleted")
            changed = snapshot.changed_since(self.id, self.view.pulled)
            gone = snapshot.gone_since(self.id, self.view.pulled)
            if self.view.pulled < row.pruned_modseq:
                gone += self.view.stand_ins(snapshot.columns(self.id).uids)
        named = row.keywords != self.keywords
        self.keywords = row.keywords
        self.claim_recent()
        changes = self.view.advance(
            row,
            changed,
            gone,
            may_expunge=may_expunge,
            keywords=named,
            latest=self._home.columns.at(self.id, row.highestmodseq),
        )
        if not self.view.withheld:
            self._home.columns.keep(self.id, row.highestmodseq, self.view.columns)
        self.claim_recent()
        return changes

    def claim_recent(self) -> None:
        """Have what the view holds be \\Recent here, unless that is another session's to say."""
        if self.read_only or not self._home.recent.own(self.id, self):
            return
        if self.view.first_recent == NOTHING_IS:
            self.view.first_recent = self._home.first_recent(self.id)
        self._home.recent.claim(self.id, self, self.view.uidnext)

    async def changed(self) -> None:
        """Return when something was announced that the view has not pulled yet."""
        await self._home.wake.beyond(self.id, self.view.pulled)

    @property
    def deleted(self) -> bool:
        """Whether the mailbox is known to be gone."""
        return self._home.wake.latest(self.id) == GONE

    async def store(
        self,
        uids: Sequence[int],
        how: FlagChangeHow,
        flags: tuple[str, ...],
        unchanged_since: int | None = None,
    ) -> Stored:
        """Change flags; Refused (LIMIT) for a keyword too many, OSError when the disk fails."""
        self._need_read_write()
        condition = None
        if unchanged_since is not None:
            replaces = how is FlagChangeHow.REPLACE
            known = {} if replaces else masks_at(self.view, unchanged_since, uids)
            condition = Condition(unchanged_since, known, self.keywords)
        request = requests.Store(self.id, tuple(uids), how, flags, condition)
        return await self._home.door.ask(request)

    async def expunge(self, uids: Sequence[int] | None = None) -> Expunged:
        """Remove the messages that have \\Deleted and are in the view, among `uids` if given."""
        self._need_read_write()
        named = None if uids is None else tuple(uids)
        return await self._home.door.ask(requests.Expunge(self.id, self.view.uidnext, named))

    async def copy(self, uids: Sequence[int], name: str) -> Copied:
        """Copy messages; Refused (TRYCREATE) when there is no such mailbox."""
        target = await self._home.target(name)
        return await self._home.door.ask(requests.CopyTo(self.id, tuple(uids), target))

    async def move(self, uids: Sequence[int], name: str) -> Copied:
        """Move messages; errors as for `copy`."""
        self._need_read_write()
        target = await self._home.target(name)
        return await self._home.door.ask(requests.CopyTo(self.id, tuple(uids), target, move=True))

    async def read(self, uid: int) -> Content:
        """The message as it goes over the wire.

        MessageGone when its file is no longer there; OSError when it can't be read.
        """
        return await trio.to_thread.run_sync(self._read, uid, read_content)

    def _read(self, uid: int, read: Callable[[bytes], T]) -> T:
        """Have `read` the message's path, wherever that is now; in one of trio's worker threads."""
        self._home.preparer.stand_back()
        name = self._known_name(uid)
        for attempt in range(ATTEMPTS):
            if name is None:
                break
            folder = self._folder()
            try:
                return read(os.path.join(folder, name))
            except FileNotFoundError:
                if attempt == 0:
                    trio.from_thread.run(self._home.door.ask, requests.Observe(self.id))
                    name = self._known_name(uid)
                else:
                    name = locate(folder, base_of(name))
        raise MessageGone(f"message {uid} of {self.name} is no longer there")

    def read_at_once(self, uid: int) -> Content | None:
        """The message, if that takes no time: it is short, in memory, and where it was last."""
        self._home.preparer.stand_back()
        path = self.paths([uid]).get(uid)
        return None if path is None else read_if_cached(path)

    def reader(self, uids: Sequence[int], read: Callable[[bytes], T]) -> Callable[[int], T]:
        """Has `read` the paths of messages; where they lie is looked up at once for all.

        For trio's worker threads. Raises MessageGone where a file is no longer there.
        """
        paths = self.paths(uids)

        def read_one(uid: int) -> T:
            self._home.preparer.stand_back()
            if uid in paths:
                with suppress(FileNotFoundError):  # it has another name by now
                    return read(paths[uid])
            return self._read(uid, read)

        return read_one

    def reading(self) -> AbstractContextManager[None]:
        """While it is entered messages are being read, in other processes maybe."""
        return self._home.preparer.standing_back()

    def heads(self, uids: Sequence[int]) -> dict[int, bytes]:
        """The beginnings of messages (`read_head`), but for those that can't be read as quickly.

        For worker threads.
        """
        self._home.preparer.stand_back()
        return _of_each(self.paths(uids), read_head)

    def dates(self, uids: Sequence[int]) -> dict[int, int]:
        """The times of message files in Unix seconds, as `heads` does for beginnings."""
        self._home.preparer.stand_back()
        return _of_each(self.paths(uids), lambda path: int(os.stat(path).st_mtime))

    def paths(self, uids: Sequence[int]) -> dict[int, bytes]:
        """Where messages lay when the index saw them last."""
        with self._home.index.snapshot() as snapshot:
            row = snapshot.mailbox(self.id)
            if row is None:
                return {}
            names = snapshot.names_of(self.id, uids)
        folder = self._home.folder_of(row.parts)
        return {uid: os.path.join(folder, name) for uid, name in names.items()}

    def facts(self, uids: Sequence[int]) -> tuple[dict[int, Facts], int]:
        """What the index knows of the content of the first of these messages, and of how many.

        It speaks of all of them, unless that is more than `FACTS_AT_ONCE`.
        """
        self._home.preparer.give_way()
        known: dict[int, Facts] = {}
        octets = 0
        with self._home.index.snapshot() as snapshot:
            for count, uid in enumerate(uids, 1):
                facts = snapshot.facts(self.id, uid)
                if facts is not None:
                    known[uid] = facts
                    octets += len(facts.envelope) + len(facts.bodystructure) + len(facts.header)
                if octets > FACTS_AT_ONCE:
                    return known, count
        return known, len(uids)

    def without_facts(self, uids: Sequence[int]) -> list[int]:
        """Those of `uids` whose facts the index doesn't know."""
        with self._home.index.snapshot() as snapshot:
            if snapshot.facts_count(self.id) == snapshot.message_count(self.id):
                return []
            known = set(snapshot.sizes(self.id).uids)
        return [uid for uid in uids if uid not in known]

    def facts_of_kind(self, kind: FactKind, uids: Sequence[int], most: int) -> list[bytes]:
        """As `Snapshot.facts_of_kind`. For any thread."""
        self._home.preparer.give_way()
        with self._home.index.snapshot() as snapshot:
            return snapshot.facts_of_kind(self.id, kind, uids, most)

    def sizes_of(self, uids: Sequence[int]) -> list[tuple[int, int] | None]:
        """As `Snapshot.sizes_of`. For any thread."""
        self._home.preparer.give_way()
        with self._home.index.snapshot() as snapshot:
            return snapshot.sizes_of(self.id, uids)

    def sizes(self) -> Sizes:
        """Sizes and dates of all messages that the index knows them of, the view's and others'."""
        with self._home.index.snapshot() as snapshot:
            return snapshot.sizes(self.id)

    def headers(self, uids: Sequence[int]) -> list[bytes]:
        """The common headers of messages, empty ones where the index has none. For any thread."""
        return self.facts_of_kind(FactKind.HEADER, uids, most=len(uids) << 20)

    def learn(self, facts: Mapping[int, Facts]) -> trio.Event:
        """Have the index keep what was computed; the event, when it has, need not be waited for."""
        return self._home.door.post(requests.Learn(self.id, dict(facts)))

    def changed_rows(self, modseq: int) -> list[int]:
        """Rows of the view whose MODSEQ is above `modseq`, as the view knows it; they rise."""
        with self._home.index.snapshot() as snapshot:
            changed = snapshot.changed_since(self.id, modseq)
        modseqs = self.view.modseqs
        rows = positions_of(self.view.columns, [message.uid for message in changed])
        return [at for at in rows if modseqs[at] > modseq]

    def gone_since(self, modseq: int, known_up_to: int = 0) -> UidSet:
        """UIDs that were removed after `modseq` and that the view doesn't have.

        Where tombstones above `modseq` were pruned, or never known, every UID that the view lacks
        above `known_up_to`: so far the client is known to have what the view has. A client at
        `pruned_modseq` itself has heard of all that was pruned.
        """
        with self._home.index.snapshot() as snapshot:
            row = snapshot.mailbox(self.id)
            if row is None:
                raise MailboxDeleted("the selected mailbox was deleted")
            if modseq < row.pruned_modseq:
                return _missing(self.view).within(known_up_to + 1, self.view.uidnext)
            gone = snapshot.gone_since(self.id, modseq)
        return UidSet.of(t.uid for t in gone if self._is_told_gone(t.uid))

    async def close(self) -> None:
        """Leave the mailbox."""
        if not self.read_only:
            self._home.disk.release(self.id)
            first_recent = self._home.recent.leave(self.id, self)
            if first_recent is not None:
                self._home.door.post(requests.KeepRecent(self.id, first_recent))

    def _folder(self) -> bytes:
        """Where the mailbox is now, renamed meanwhile or not."""
        with self._home.index.snapshot() as snapshot:
            row = snapshot.mailbox(self.id)
        if row is None:
            raise MailboxDeleted("the selected mailbox was deleted")
        return self._home.folder_of(row.parts)

    def _known_name(self, uid: int) -> bytes | None:
        with self._home.index.snapshot() as snapshot:
            return snapshot.name(self.id, uid)

    def _need_read_write(self) -> None:
        if self.read_only:
            raise Refused(
                Code.NOPERM, "the mailbox is open read-only; SELECT it to change messages"
            )

    def _is_told_gone(self, uid: int) -> bool:
        return uid < self.view.uidnext and self.view.seq_of(uid) is None


def _of_each(paths: Mapping[int, bytes], ask: Callable[[bytes], T]) -> dict[int, T]:
    """What `ask` says of the files, without those for which it fails."""
    answers = {}
    for uid, path in paths.items():
        with suppress(OSError):
            answers[uid] = ask(path)
    return answers


def _missing(view: View) -> UidSet:
    """All UIDs below the view's UIDNEXT that it doesn't have."""
    ranges = []
    low = 1
    for first, last in UidSet.of_sorted(view.uids).ranges:
        if low < first:
            ranges.append((low, first - 1))
        low = last + 1
    if low < view.uidnext:
        ranges.append((low, view.uidnext - 1))
    return UidSet(tuple(ranges))
