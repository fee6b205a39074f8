"""Making messages ready in the background, so that the first FETCH of new mail reads no file.

Theory of operation. The facts of a message (sizes, ENVELOPE, BODY, BODYSTRUCTURE, common header)
are computed once, and kept in the index. A session that needs them before they are there computes
them itself and has them kept; this task does it for all the others. What arrives comes first, then
the backlog: messages that the index has without their facts, because a big tree was just taken in
or an earlier server was stopped before it was through. In both INBOX comes before the other
folders and the newest message before the older ones, as clients ask for them. The backlog is found
from the index alone, and not looked for where a mailbox has as many facts as messages.

Sessions come first. A *portion* is what can be done in a few milliseconds, in one worker thread:
Python runs one thread at a time, and a thread that computes lets others in whenever it reads a
file, or after 5 ms at the latest. While the door is busy, or a session has just done something,
a pause follows each portion; sessions that never rest don't stop the work altogether. A
session that reads messages, a FETCH of all of them say, needs the processor for itself, and often
does this very work: then the pauses are long. So they are while a turn takes in a big mailbox, for
which a session waits. A burst of new mail is told first, and made ready when it is over.

Facts go to the index when nothing else waits there, in batches, the next one only after the last:
those of a single new message when sessions rest, a backlog with a few commits a second.

A file that is not where the index says was moved a moment ago, and one that is not at rest is still
being written: both are looked for once more, after a second. What can't be read is passed over
until the next start.
"""

import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import trio

from maildird.index.environment import Index
from maildird.index.rows import Facts
from maildird.mailbox.door import Door
from maildird.mailbox.namespace import INBOX, Parts
from maildird.mailbox.progress import Progress
from maildird.mailbox.requests import Learn
from maildird.maildir.content import read_content
from maildird.terms.errors import MaildirdError

logger = logging.getLogger(__name__)

PORTION: Final = 0.004
"""Seconds of work after which others have their turn."""

MOST_AT_ONCE: Final = 64
"""Messages of one portion at most."""

BATCH: Final = 256
BATCH_OCTETS: Final = 1 << 20
"""Messages, or octets of their facts, that are given to the index together."""

LULL: Final = 0.005
"""Seconds without a session doing anything after which nobody is disturbed."""

LONG_LULL: Final = 0.1
"""Seconds without a session reading a message after which it is through with that."""

PAUSE: Final = 0.005
"""Seconds that the work rests before it looks again whether sessions do something."""

LONG_PAUSE: Final = 0.05
"""The same while sessions read messages, or new mail comes in: to look costs them time, too; and
before the index gets what was computed of the last messages.
"""

MOST_PAUSES: Final = 4
"""Pauses between two portions at most, however busy sessions are."""

MOST_BEFORE_A_COMMIT: Final = 4
"""Long pauses at most before the index gets what was computed of the last messages."""

MOST_WHILE_READING: Final = 10
"""Long pauses between two portions at most while sessions read messages."""

LONG_TURN: Final = 0.01
"""Seconds after which a turn is one that goes through a whole big mailbox."""

MOST_IN_A_LONG_TURN: Final = 10
"""Long pauses between two portions at most while such a turn goes on."""

BURST: Final = 0.05
"""Seconds without new mail after which a burst of it is over."""

MOST_IN_A_BURST: Final = 20
"""Long pauses between two portions at most while new mail comes in without end."""

RETRY: Final = 1.0
"""Seconds until a file that was not where it should be is looked for again."""

REST: Final = 60.0
"""Seconds until facts that the index could not keep are offered to it again."""

_Queue = dict[int, list[int]]
"""UIDs by mailbox id; they are taken from the end."""


@dataclass(slots=True)
class _Looked:
    """What became of a portion: how many messages, from the newest, were looked at.

    `missed` are those whose file was not there; `trouble` is a path that can't be read, and why.
    """

    count: int = 0
    learnt: dict[int, Facts] = field(default_factory=dict)
    missed: list[int] = field(default_factory=list)
    trouble: tuple[bytes, str | None] | None = None


class Preparer:
    """What is to be made ready in one account; `folder_of` gives the directory of a mailbox."""

    def __init__(
        self,
        name: str,
        index: Index,
        door: Door,
        folder_of: Callable[[Parts], bytes],
        describe: Callable[[bytes, int], Facts],
    ) -> None:
        self._index = index
        self._door = door
        self._folder_of = folder_of
        self._describe = describe
        self._inbox = 0
        self._unchecked: set[int] = set()
        self._arrived: _Queue = {}
        self._backlog: _Queue = {}
        self._missed: _Queue = {}
        self._again: _Queue = {}
        self._learnt: dict[int, dict[int, Facts]] = {}
        self._learnt_count = self._learnt_octets = 0
        self._troubled: set[int] = set()
        self._last_use = self._last_read = self._last_arrival = self._retry_at = 0.0
        self._readers = 0
        self._progress = Progress(name)
        self._stirred = trio.Event()
        self._through = trio.Event()
        self._limiter = trio.CapacityLimiter(1)

    @property
    def progress(self) -> tuple[int, int]:
        """How many messages of how many are done; equal when nothing is left."""
        return self._progress.done, self._progress.total

    def note(self, arrived: Mapping[int, Sequence[tuple[int, bytes]]]) -> None:
        """A turn brought new messages (UID and name) to mailboxes."""
        for mailbox, messages in arrived.items():
            self._arrived.setdefault(mailbox, []).extend(uid for uid, _name in messages)
            self._progress.add(len(messages))
        if arrived:
            self._last_arrival = time.monotonic()
            self._stir()

    def check(self, mailboxes: Iterable[int]) -> None:
        """Messages of these mailboxes may lack their facts."""
        self._unchecked.update(mailboxes)
        self._stir()

    def give_way(self) -> None:
        """A session does something: let it. May be called in any thread."""
        self._last_use = time.monotonic()

    def stand_back(self) -> None:
        """A session reads a message: leave the processor to it. May be called in any thread."""
        self._last_read = self._last_use = time.monotonic()

    @contextmanager
    def standing_back(self) -> Iterator[None]:
        """Leave the processors to a session as long as this is entered."""
        self._readers += 1
        try:
            yield
        finally:
            self._readers -= 1

    async def run(self) -> None:
        """Prepare what there is, until cancelled."""
        while True:
            await self._prepare_all()
            if self._missed:
                with trio.move_on_at(self._retry_at):
                    await self._stirred.wait()
                if trio.current_time() >= self._retry_at:
                    self._again, self._missed = self._missed, {}
            else:
                self._progress.end()
                self._through.set()
                await self._stirred.wait()
            self._stirred = trio.Event()

    async def finished(self) -> None:
        """Return once nothing is left to prepare."""
        await self._through.wait()

    def finish(self) -> None:
        """Have the index keep what was computed; the server ends."""
        for mailbox, facts in self._learnt.items():
            self._door.post(Learn(mailbox, facts))
        self._learnt = {}

    def _stir(self) -> None:
        if self._through.is_set():
            self._through = trio.Event()
        self._stirred.set()

    async def _prepare_all(self) -> None:
        while True:
            while self._unchecked:
                await self._let_sessions_go_first()
                await self._find_backlog(self._unchecked.pop())
            if self._most_urgent():
                await self._let_sessions_go_first()
                await self._prepare_some(self._most_urgent())
            elif not self._learnt:
                return
            if not self._most_urgent():
                await _pause_while(self._is_disturbing, MOST_BEFORE_A_COMMIT, LONG_PAUSE)
            if not self._most_urgent() or self._has_batch():
                await self._hand_over()

    def _most_urgent(self) -> _Queue:
        return self._arrived or self._backlog or self._again

    def _has_batch(self) -> bool:
        return self._learnt_count >= BATCH or self._learnt_octets >= BATCH_OCTETS

    async def _find_backlog(self, mailbox: int) -> None:
        lacking = await trio.to_thread.run_sync(self._lacking, mailbox, limiter=self._limiter)
        self._progress.add(len(lacking) - len(self._backlog.pop(mailbox, ())))
        if lacking:
            self._backlog[mailbox] = lacking

    def _lacking(self, mailbox: int) -> list[int]:
        """UIDs of the messages whose facts the index doesn't know; they rise."""
        with self._index.snapshot() as snapshot:
            row = snapshot.mailbox(mailbox)
            if row is not None and row.parts == INBOX:
                self._inbox = mailbox
            if snapshot.message_count(mailbox) == snapshot.facts_count(mailbox):
                return []
            known = set(snapshot.sizes(mailbox).uids)
            return [uid for uid in snapshot.columns(mailbox).uids if uid not in known]

    async def _prepare_some(self, queue: _Queue) -> None:
        """Prepare a portion of what waits in `queue`."""
        mailbox = self._inbox if self._inbox in queue else next(iter(queue))
        uids = queue[mailbox]
        end = len(uids)  # others may come behind it meanwhile
        looked = await trio.to_thread.run_sync(
            self._look, mailbox, uids[: -MOST_AT_ONCE - 1 : -1], limiter=self._limiter
        )
        del uids[end - looked.count : end]
        if not uids:
            del queue[mailbox]
        self._progress.advance(looked.count)
        if looked.missed and queue is not self._again:
            if not self._missed:
                self._retry_at = trio.current_time() + RETRY
            self._missed.setdefault(mailbox, []).extend(looked.missed)
            self._progress.add(len(looked.missed))
        if looked.trouble is not None and mailbox not in self._troubled:
            self._troubled.add(mailbox)
            path, reason = looked.trouble
            logger.warning("%s can't be made ready: %s", os.fsdecode(path), reason)
        if looked.learnt:
            self._learnt.setdefault(mailbox, {}).update(looked.learnt)
            self._learnt_count += len(looked.learnt)
            self._learnt_octets += sum(facts.octets for facts in looked.learnt.values())

    def _look(self, mailbox: int, uids: Sequence[int]) -> _Looked:
        """Compute the facts of messages, one after the other, until the portion's time is up."""
        deadline = time.monotonic() + PORTION
        looked = _Looked()
        with self._index.snapshot() as snapshot:
            row = snapshot.mailbox(mailbox)
            rising = sorted(uids)
            sizes = zip(rising, snapshot.sizes_of(mailbox, rising), strict=True)
            names = snapshot.names_of(mailbox, [uid for uid, size in sizes if size is None])
        for uid in uids:
            name = names.get(uid)
            if row is not None and name is not None:
                self._look_at(uid, os.path.join(self._folder_of(row.parts), name), looked)
            looked.count += 1
            if time.monotonic() > deadline:
                break
        return looked

    def _look_at(self, uid: int, path: bytes, looked: _Looked) -> None:
        try:
            content = read_content(path)
            if content.at_rest:
                looked.learnt[uid] = self._describe(content.data, content.internaldate)
            else:
                looked.missed.append(uid)
        except FileNotFoundError:
            looked.missed.append(uid)
        except OSError as error:
            looked.trouble = path, error.strerror
        except Exception:
            logger.exception("%s could not be made ready", os.fsdecode(path))

    async def _hand_over(self) -> None:
        """Have the index keep what was computed, however long that takes."""
        while self._learnt:
            mailbox, facts = next(iter(self._learnt.items()))
            try:
                await self._door.ask_last(Learn(mailbox, facts))
            except (MaildirdError, OSError) as error:
                logger.warning("what was made ready can't be kept now: %s", error)
                await trio.sleep(REST)
            else:
                del self._learnt[mailbox]
        self._learnt_count = self._learnt_octets = 0

    async def _let_sessions_go_first(self) -> None:
        await _pause_while(self._is_disturbing, MOST_PAUSES, PAUSE)
        await _pause_while(self._in_a_long_turn, MOST_IN_A_LONG_TURN, LONG_PAUSE)
        await _pause_while(self._is_reading, MOST_WHILE_READING, LONG_PAUSE)
        await _pause_while(self._in_a_burst, MOST_IN_A_BURST, LONG_PAUSE)

    def _is_disturbing(self) -> bool:
        return self._door.busy or time.monotonic() < self._last_use + LULL

    def _in_a_long_turn(self) -> bool:
        return self._door.running_for > LONG_TURN

    def _is_reading(self) -> bool:
        return self._readers > 0 or time.monotonic() < self._last_read + LONG_LULL

    def _in_a_burst(self) -> bool:
        """Whether so much mail comes in that telling of it is work enough."""
        many = sum(map(len, self._arrived.values())) > MOST_AT_ONCE
        return many and time.monotonic() < self._last_arrival + BURST


async def _pause_while(busy: Callable[[], bool], most: int, seconds: float) -> None:
    for _ in range(most):
        if not busy():
            return
        await trio.sleep(seconds)
