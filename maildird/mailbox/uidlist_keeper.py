"""Keeping each folder's `dovecot-uidlist` up to date, behind the turns.

Theory of operation. The uidlist is what makes the index disposable and the way back to Dovecot
possible. New messages are appended to it soon after the turn that brought them, so a delivery costs
one line, and one of many not even a lock of its own; the whole file is written anew when a folder
has none, when the server begins and finds that the one before left it behind, and when the server
ends, if the mailbox changed: then its header says the HIGHESTMODSEQ that clients know. All of that
waits for other programs' locks, so it runs in a thread of its own and never inside a turn. What
can't be written now is written later; until then the index alone knows.

Python runs one thread at a time, and to write a whole file for a big mailbox takes long. So that
waits until the door has rested for a moment: whoever opens a mailbox that was just taken in has
more turns to come.
"""

import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import trio

from maildird.index.environment import Index
from maildird.index.rows import MailboxRow
from maildird.mailbox.disk import Disk
from maildird.mailbox.door import Door
from maildird.mailbox.reconcile import SUBDIR_LENGTH, base_of
from maildird.maildir.folders import folder_identity
from maildird.maildir.layouts import Layout
from maildird.maildir.uidlists import (
    UidEntry,
    UidList,
    append_entries,
    read_uidlist,
    read_uidlist_header,
    uidlist_stamp,
    write_uidlist,
)
from maildird.terms.codes import Code
from maildird.terms.errors import MaildirdError, Refused

logger = logging.getLogger(__name__)

GATHER = 0.05
"""Seconds in which new messages gather after some were written: each time costs a lock."""

RETRY = 5.0
"""Seconds until a uidlist that could not be written is tried again."""

MANY: Final = 1000
"""Messages from which on it takes long to write a whole uidlist."""

LULL: Final = 0.05
"""Seconds without a turn after which nobody is disturbed."""

MOST_PAUSES: Final = 40
"""So many of them at most pass before a whole uidlist is written, however busy the door is."""


@dataclass(slots=True)
class _Work:
    """What one uidlist lacks; `rewrite` makes the lines needless, `check` finds out whether to."""

    lines: list[tuple[int, bytes]] = field(default_factory=list)
    rewrite: bool = False
    check: bool = False


class UidListKeeper:
    """The uidlists of one account."""

    def __init__(self, index: Index, layout: Layout, disk: Disk, door: Door) -> None:
        self._index = index
        self._layout = layout
        self._disk = disk
        self._door = door
        self._work: dict[int, _Work] = {}
        self._to_check: set[int] = set()
        self._behind: set[int] = set()
        self._troubled: set[int] = set()
        self._stirred = trio.Event()
        self._limiter = trio.CapacityLimiter(1)

    def changed(self, mailboxes: Iterable[int]) -> None:
        """The HIGHESTMODSEQ of mailboxes rose; their headers are behind."""
        self._behind.update(mailboxes)

    def note(
        self, unlisted: Mapping[int, Sequence[tuple[int, bytes]]], relist: Iterable[int]
    ) -> None:
        """A turn brought new messages (UID and name) to mailboxes, or wants lists written anew."""
        for mailbox in self._to_check - self._disk.unheeded:
            self._on(mailbox).check = True
        self._to_check &= self._disk.unheeded
        for mailbox, lines in unlisted.items():
            self._on(mailbox).lines.extend(lines)
        for mailbox in relist:
            self._on(mailbox).rewrite = True

    def check(self, mailboxes: Iterable[int]) -> None:
        """The server began: did the one before end without writing what it had noted?

        The question waits until a turn has heeded what an old index doesn't know of the folders.
        """
        self._to_check.update(mailboxes)

    async def run(self) -> None:
        """Write what is noted, until cancelled."""
        while True:
            await self._stirred.wait()
            self._stirred = trio.Event()
            if self._takes_long():
                await self._let_turns_go_first()
            failed = await self._write_all()
            await trio.sleep(RETRY if failed else GATHER)
            if failed:
                self.note({}, failed)

    async def finish(self) -> None:
        """Write what is still noted, and then every header that is behind; the server ends.

        New messages first: it takes long to write whole files, and nobody may wait for that.
        """
        await self._write_all()
        self.note({}, self._behind)
        await self._write_all()

    def _takes_long(self) -> bool:
        """Whether a big mailbox's file may have to be written as a whole."""
        whole = [mailbox for mailbox, todo in self._work.items() if todo.rewrite or todo.check]
        with self._index.snapshot() as snapshot:
            return any(snapshot.message_count(mailbox) > MANY for mailbox in whole)

    async def _let_turns_go_first(self) -> None:
        for _ in range(MOST_PAUSES):
            turns = self._door.turns
            await trio.sleep(LULL)
            if not self._door.busy and self._door.turns == turns:
                return

    def _on(self, mailbox: int) -> _Work:
        """The work on a mailbox's uidlist, to which something is added."""
        self._stirred.set()
        return self._work.setdefault(mailbox, _Work())

    async def _write_all(self) -> list[int]:
        """Do what is noted, and give the mailboxes whose uidlist could not be written."""
        work, self._work = self._work, {}
        failed = []
        for mailbox, todo in work.items():
            try:
                with trio.CancelScope(shield=True):
                    await trio.to_thread.run_sync(self._write, mailbox, todo, limiter=self._limiter)
            except (MaildirdError, OSError) as error:
                if mailbox not in self._troubled:
                    logger.warning("the uidlist of a folder can't be written now: %s", error)
                self._troubled.add(mailbox)
                failed.append(mailbox)
            else:
                self._troubled.discard(mailbox)
        return failed

    def _write(self, mailbox: int, todo: _Work) -> None:
        with self._index.snapshot() as snapshot:
            row = snapshot.mailbox(mailbox)
        if row is None:
            return
        folder = self._layout.directory(row.parts)
        if folder_identity(folder) != row.identity:
            raise Refused(
                Code.UNAVAILABLE,
                f"{os.fsdecode(folder)} is another directory than before; is its disk mounted?",
            )
        state = self._disk.of(mailbox)
        was_read = uidlist_stamp(folder) == state.uidlist
        lines = [_entry(uid, name) for uid, name in todo.lines]
        lacking = todo.check and _is_lacking(row, read_uidlist_header(folder))
        if todo.rewrite or lacking or not append_entries(folder, lines):
            self._write_whole(mailbox, folder)
            self._behind.discard(mailbox)
        if was_read:
            state.uidlist = uidlist_stamp(folder)

    def _write_whole(self, mailbox: int, folder: bytes) -> None:
        present = read_uidlist(folder)
        with self._index.snapshot() as snapshot:
            row = snapshot.mailbox(mailbox)
            if row is None:
                return
            whole = _whole(row, snapshot.names(mailbox), present)
        keeps = present is not None and not present.damaged and not _is_newer(present, row)
        write_uidlist(folder, whole, keep_old=not keeps)


def _whole(row: MailboxRow, names: Iterable[tuple[int, bytes]], present: UidList | None) -> UidList:
    """The uidlist of a mailbox with (UID, name) by UID; fields that other servers keep in it stay.

    `names` are taken one by one, as there may be so many.
    """
    entries = present.entries if present else ()
    fields = {entry.base: entry.fields for entry in entries if entry.fields}
    return UidList(
        uidvalidity=row.uidvalidity,
        next_uid=row.uidnext,
        guid=row.guid,
        modseq=row.highestmodseq,
        extra=present.extra if present else (),
        entries=tuple(
            _entry(uid, name, fields.get(base_of(name), b"") if fields else b"")
            for uid, name in names
        ),
    )


def _is_newer(present: UidList, row: MailboxRow) -> bool:
    """Whether another server began the uidlist anew while we served what it was before."""
    return present.uidvalidity > row.uidvalidity and present.guid != row.guid


def _is_lacking(row: MailboxRow, present: UidList | None) -> bool:
    """Whether a uidlist is not this mailbox's, or lacks UIDs or the MODSEQ that were told."""
    return (
        present is None
        or (present.uidvalidity, present.guid) != (row.uidvalidity, row.guid)
        or present.next_uid < row.uidnext
        or present.modseq < row.highestmodseq
    )


def _entry(uid: int, name: bytes, fields: bytes = b"") -> UidEntry:
    return UidEntry(uid, fields, name[SUBDIR_LENGTH:])
