"""One turn: the index batch and the disk, and what a turn owes at its end.

Theory of operation. A turn runs in one worker thread call and holds one LMDB write transaction from
its first look to its end. Each request in it first reads (index and disk), then touches the disk,
then writes to the batch. After the last request the directories in which something must survive a
power cut are synced, the batch is committed, and only then does anybody hear of it.

- A request that fails takes back what it made visible (`on_failure`) and leaves the others alone.
- A turn whose commit fails takes back what all its requests made visible; what can't be taken back
  (flags that were changed, messages that were expunged) is then nothing but an outside change,
  which the next observation finds.
- What is to go for good with others, the originals of a move and a deleted mailbox, is only taken
  out of sight, and unlinked after the commit (`after_commit`).
- A request of several steps leaves an intent (`intend`), by which a start, too, can take it back or
  finish it (`recovering`).
- A mailbox gets one MODSEQ per request, and none when nothing changes.
"""

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from maildird.index.batches import Batch
from maildird.index.rows import MailboxRow
from maildird.mailbox.disk import Disk
from maildird.mailbox.history import Cause, Made
from maildird.mailbox.promises import promise
from maildird.mailbox.wake import GONE
from maildird.maildir.arrivals import Arrivals
from maildird.maildir.directories import Relocation
from maildird.maildir.folders import fsync_directory
from maildird.maildir.intents import Intent, remove_intent, write_intent
from maildird.maildir.layouts import Layout
from maildird.maildir.making import Making
from maildird.terms.codes import Code
from maildird.terms.errors import Refused
from maildird.terms.numbers import HIGHEST_UID

logger = logging.getLogger(__name__)

INDEX_NAME: Final = "index-name"
"""Where an index keeps a name of its own, which no other has."""

SETTLED: Final = "settled-intents"
"""Where it keeps the names of the intents of the last commit that had any, with / between them.

Those of earlier commits whose intents still lie there follow.
"""


@dataclass(slots=True)
class Stamp:
    """The MODSEQ of one request's changes to one mailbox; taken only when `modseq` is asked for.

    `promise` is called before it is used for the first time, with the row that it leads to.
    """

    row: MailboxRow
    promise: Callable[[MailboxRow], object]
    used: bool = False

    @property
    def modseq(self) -> int:
        """The MODSEQ for what changes now."""
        modseq = self.row.highestmodseq + 1
        if not self.used:
            self.promise(replace(self.row, highestmodseq=modseq))
            self.used = True
        return modseq


@dataclass(slots=True)
class Turn:
    """What the requests of one turn share.

    `modseqs` is what will be announced, by mailbox id. `unlisted` are the new UIDs of each mailbox
    with their names, for its uidlist; `relist` the mailboxes whose uidlist has to be written anew.
    `looks` counts how often the present request has listed folders for files that it missed, and
    `cause` says whether a session asked for it; `made` is how each MODSEQ came about. `moved` are
    the mailboxes of which the commit shall tell how the file of letterless keywords was left.
    """

    batch: Batch
    layout: Layout
    disk: Disk
    modseqs: dict[int, int] = field(default_factory=dict)
    unlisted: dict[int, list[tuple[int, bytes]]] = field(default_factory=dict)
    relist: set[int] = field(default_factory=set)
    tree_changed: bool = False
    looks: int = 0
    cause: Cause = "session"
    made: dict[int, list[Made]] = field(default_factory=dict)
    moved: set[int] = field(default_factory=set)
    _undo: list[Callable[[], None]] = field(default_factory=list)
    _remaining: list[Callable[[], None]] = field(default_factory=list)
    _intents: list[bytes] = field(default_factory=list)
    _unsynced: set[bytes] = field(default_factory=set)

    def row(self, mailbox: int) -> MailboxRow:
        """The mailbox's row; Refused (NONEXISTENT) when it was deleted meanwhile."""
        row = self.batch.mailbox(mailbox)
        if row is None:
            raise Refused(Code.NONEXISTENT, "the mailbox was deleted")
        return row

    def folder(self, row: MailboxRow) -> bytes:
        """The mailbox's directory."""
        return self.layout.directory(row.parts)

    @contextmanager
    def stamping(self, row: MailboxRow) -> Iterator[Stamp]:
        """Give changes to a mailbox their MODSEQ; what was stamped counts also when it raises."""
        stamp = Stamp(row, self.promise)
        try:
            yield stamp
        finally:
            if stamp.used:
                self._raise_modseq(row.id, stamp.modseq)
                self._note(stamp)

    def update(self, mailbox: int, **changes: object) -> MailboxRow:
        """Write some fields of the mailbox's row anew, and give the row as it is then.

        Refused (LIMIT, UNAVAILABLE) when UIDNEXT can't rise; it does so before a UID is used.
        """
        known = self.row(mailbox)
        row = replace(known, **changes)  # type: ignore[arg-type]
        if row.uidnext > HIGHEST_UID:
            raise Refused(Code.LIMIT, "the UIDs of this mailbox are used up until the next start")
        if (row.uidnext, row.highestmodseq) != (known.uidnext, known.highestmodseq):
            self.promise(row)
            bound = self.disk.of(mailbox).bound
            rises = row.uidnext > known.uidnext and self.cause == "session"
            if rises and bound is not None and row.uidnext > bound:
                raise Refused(
                    Code.UNAVAILABLE, "the server can't note the UIDs of this mailbox on its disk"
                )
            row = replace(row, promised_modseq=self.row(mailbox).promised_modseq)
        return self.batch.put_mailbox(row)

    def promise(self, row: MailboxRow) -> bool:
        """Have the folder promise what `row` tells, before it is told; False when it can't."""
        promised = promise(self.disk, self.folder(row), row)
        if promised is None:
            return False
        kept = self.row(row.id)
        if kept.promised_modseq != promised:
            self.batch.put_mailbox(replace(kept, promised_modseq=promised))
        return promised > 0

    def announce(self, mailbox: int, modseq: int) -> None:
        """Have the mailbox's watchers told after the commit."""
        self.modseqs[mailbox] = max(modseq, self.modseqs.get(mailbox, 0))

    def on_failure(self, undo: Callable[[], None]) -> None:
        """Have `undo` called should this request, or the whole turn, fail."""
        self._undo.append(undo)

    def after_commit(self, work: Callable[[], None]) -> None:
        """Have `work` done once this request is committed; nobody may need it to succeed."""
        self._remaining.append(work)

    def intend(
        self,
        directory: bytes,
        what: Arrivals | Relocation | Making,
        undo: Callable[[], None],
        *,
        lasts: bool,
    ) -> None:
        """Leave an intent before the first step; OSError, and then nothing may be begun.

        `undo` takes back what of it was done. The intent goes after that, or else after the commit
        and whatever has to be done then; the tree is held until then.
        """
        self.disk.hold.take(self.layout.root)
        index, after = (self.batch.meta(key) or b"" for key in (INDEX_NAME, SETTLED))
        intent = Intent(os.fsdecode(index), self.batch.commit, os.fsdecode(after), what)
        path = write_intent(self.layout.root, directory, intent, lasts=lasts)

        def take_back() -> None:
            undo()
            remove_intent(path)

        self.on_failure(take_back)
        self._intents.append(path)

    @contextmanager
    def undoing(self) -> Iterator[None]:
        """Take back what a request made visible when it fails."""
        undo, remaining, intents = len(self._undo), len(self._remaining), len(self._intents)
        self.looks = 0
        try:
            yield
        except BaseException:
            self._take_back(undo)
            del self._remaining[remaining:]
            del self._intents[intents:]
            raise

    def settle_intents(self) -> None:
        """Have the commit say that it settles this turn's intents."""
        if self._intents:
            names = [*map(os.path.basename, self._intents), *sorted(self.disk.unsettled)]
            self.batch.put_meta(SETTLED, b"/".join(names))

    def finish(self) -> None:
        """Do what remains after the commit, and then remove the intents.

        If some of it can't be done they stay, and the next start finishes it.
        """
        failed = [work for work in self._remaining if not _is_done(work)]
        for path in self._intents:
            if failed or not _is_done(partial(remove_intent, path)):
                self.disk.unsettled.add(os.path.basename(path))

    def take_back(self) -> None:
        """Undo everything: the commit failed."""
        self._take_back(0)

    def sync_later(self, directory: bytes) -> None:
        """Have `directory` synced before the commit."""
        self._unsynced.add(directory)

    def sync_now(self, directory: bytes) -> None:
        """Sync `directory` at once: what follows relies on it."""
        fsync_directory(directory)
        self._unsynced.discard(directory)

    def sync(self) -> None:
        """Sync all directories that wait for it; some were deleted or renamed since."""
        for directory in sorted(self._unsynced):
            with suppress(FileNotFoundError):
                fsync_directory(directory)
        self._unsynced.clear()

    def _raise_modseq(self, mailbox: int, modseq: int) -> None:
        if self.batch.mailbox(mailbox) is not None:
            self.update(mailbox, highestmodseq=modseq)
            self.announce(mailbox, modseq)

    def _note(self, stamp: Stamp) -> None:
        cause = "either" if self.cause == "session" and self.looks else self.cause
        made = Made(stamp.modseq, time.time(), cause, stamp.row.uidnext)
        self.made.setdefault(stamp.row.id, []).append(made)

    def _take_back(self, begun: int) -> None:
        while len(self._undo) > begun:
            undo = self._undo.pop()
            try:
                undo()
            except OSError as error:
                logger.error("could not take back a change that failed: %s", error)
                self.disk.all_out_of_step()


def _is_done(work: Callable[[], None]) -> bool:
    """Do what remains after a commit, if it can be done."""
    try:
        work()
    except OSError as error:
        logger.warning("something out of sight can't be removed now: %s", error)
        return False
    return True


def forget(turn: Turn, row: MailboxRow) -> None:
    """Take a mailbox out of the index; sessions that have it selected hear that it is gone."""
    turn.batch.drop_mailbox(row.id)
    turn.disk.forget(row.id)
    turn.moved.add(row.id)
    turn.announce(row.id, GONE)
    turn.tree_changed = True


def first_modseq(told: int = 0) -> int:
    """A mailbox's first MODSEQ: the time in seconds, or above what was `told` of it before.

    Other servers count from 1; the time lies above whatever they told a client.
    """
    return max(int(time.time()), told + 1)
