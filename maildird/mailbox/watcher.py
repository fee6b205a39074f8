"""Watching an account's folders: what events and times say goes to the door as observations.

Theory of operation. Runs in trio's thread. The monitor's events come in as names (*hints*); while
the door is busy they gather, and one observation takes all that gathered for a mailbox. The door
takes observations in the order in which they are asked for, so hints that were taken from here are
looked at before whatever is asked later.

Whoever needs the index to have all that was done before now (`refresh`) compares the directories'
times with those that the index is in step with. When they differ, or are so fresh that all was not
heard of since, the monitor is asked to tell what its queue holds (`flush`); every change that was
complete before is then among the hints here or in an observation on its way, and a look at those
names brings the mailbox in step, at the same cost in a mailbox of any size (`disk` says why that is
sound). Polling can't say so: there all is listed.

Behind the events a sweep does the same for all mailboxes every `SWEEP` seconds. It looks at which
folders there are when a directory that may have some was changed, and once a minute. And as no
event is to be relied on for ever, mailboxes are listed in turn while nothing else is to be done,
each when the time that its predecessor took is `SHARE` of the time since.

An observation that does not settle (the directory is busy, a removal is not proven) is made again
after a pause that doubles from 25 ms to a second while the storm lasts. In a storm names are looked
at some by some (`hints`), and who only wants to hear what is new (`refresh` with `soon`) doesn't
wait for all. When the folder rests again, what is left of so many is found by one listing.
"""

import logging
import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final

import trio

from maildird.mailbox.busy import Busy
from maildird.mailbox.disk import Disk
from maildird.mailbox.door import Door
from maildird.mailbox.hints import BATCH, Hints
from maildird.mailbox.requests import Observe, Observed, ObserveMove, ObserveTree
from maildird.mailbox.tree_times import TreeTimes
from maildird.mailbox.troubles import Troubles
from maildird.maildir.dirty import Dirty, Moved
from maildird.maildir.folders import all_before, folder_mtimes, stirs
from maildird.terms.codes import Code
from maildird.terms.errors import MaildirdError, Refused

logger = logging.getLogger(__name__)

SWEEP: Final = 2.0
SHARE: Final = 0.001
FIRST_IN_TURN: Final = 60.0
FIRST_PAUSE: Final = 0.025
LONGEST_PAUSE: Final = 1.0
GATHER: Final = 0.01
"""Seconds in which names gather in a mailbox that more was heard of during a look."""
MANY: Final = 2000
"""So many names are quicker looked for in one listing, if it can be stable."""
PATIENCE: Final = 0.2
"""How long `refresh` waits for a removal to be proven (s)."""
FLUSH_PATIENCE: Final = 1.0
"""How long to wait for the monitor to read its queue (s); it may have died."""


@dataclass(frozen=True, slots=True)
class _Later:
    """When a mailbox is to be listed again, and the pause (s) that led there."""

    due: float
    pause: float


class Watcher:
    """What is to be observed, mailbox by mailbox.

    `watched` gives the directory of each below `root`, `supervise` sees to it that the monitor
    lives, `flush` is the monitor's.
    """

    def __init__(
        self,
        door: Door,
        disk: Disk,
        root: bytes,
        watched: Callable[[], Mapping[int, bytes]],
        supervise: Callable[[], None],
        flush: Callable[[Callable[[], None]], bool],
    ) -> None:
        self._door = door
        self._disk = disk
        self._watched = watched
        self._supervise = supervise
        self._flush = flush
        self._tree = TreeTimes(root)
        self._listed_last = 0
        self._list_next_at = 0.0
        self._hints = Hints()
        self._later: dict[int, _Later] = {}
        self._busy = Busy()
        self._looking: Counter[int] = Counter()
        self._heard_until = 0
        self._tree_pending = False
        self._stirred = trio.Event()
        self.troubles = Troubles()
        self.events = 0
        """How many events came."""
        self.observations = 0
        """How often a mailbox was looked at."""

    def hear(self, dirty: Dirty, mailbox: int | None) -> None:
        """An event came: names in a mailbox, the tree, or "everything may have changed"."""
        self.events += 1
        if dirty.everything:
            self._disk.all_out_of_step()
            self._mark_all(self._watched())
            self._tree_pending = True
        elif mailbox is None:
            self._tree_pending = True
        else:
            self.mark(mailbox, dirty.name)
        self._stirred.set()

    def hear_move(self, moved: Moved, source: int | None, target: int | None) -> None:
        """A message was renamed from one mailbox into another.

        Where one of them is not in the index, the other has but lost or got a message.
        """
        left, came = moved.source.name, moved.target.name
        if source is None or target is None or left is None or came is None:
            self.hear(moved.source, source)
            self.hear(moved.target, target)
            return
        self.events += 1
        self._hints.mark_move((source, target), left, came)
        self._stirred.set()

    def mark(self, mailbox: int, name: bytes | None = None) -> None:
        """Have a mailbox looked at now, all of it when no name is given."""
        self._hints.mark(mailbox, name)
        self._stirred.set()

    def begin(self, mailbox: int, folder: bytes) -> None:
        """A mailbox came into the index: events named it only now, so look for what came before."""
        try:
            if self._in_step(mailbox, folder):
                return
        except OSError:
            self._tree_pending = True
        self.mark(mailbox)

    async def refresh(self, mailbox: int, folder: bytes, soon: bool = False) -> None:
        """Return once the index has what the disk has; cheap when nothing changed.

        `soon` is for who doesn't wait while others change more than can be looked at in one turn,
        and is content with what the index has by then. Raises FileNotFoundError when the folder is
        gone, Refused when it can't be read.
        """
        if await self._is_surely_in_step(mailbox, folder):
            return
        if soon and self._hints.many(mailbox):
            await trio.lowlevel.checkpoint()
            return
        observed = await self._catch_up(mailbox)
        if not observed.settled:
            self._look_later(mailbox, FIRST_PAUSE)
        patience = trio.current_time() + (0 if soon and self._in_a_storm(mailbox) else PATIENCE)
        while observed.suspects and trio.current_time() < patience:
            await trio.sleep(FIRST_PAUSE)
            if stirs(folder_mtimes(folder)):
                break
            observed = await self._observe(mailbox, None)
        if self._disk.of(mailbox).in_step is not None:
            self._later.pop(mailbox, None)

    async def _is_surely_in_step(self, mailbox: int, folder: bytes) -> bool:
        """Whether nothing is to be looked at, and the directory's times hide nothing either.

        Another program's change in the tick of the clock in which we made one leaves the times as
        they are; so the monitor's queue must have been heard since that tick.
        """
        if mailbox in self._hints or not self._in_step(mailbox, folder):
            return False
        if not self._disk.events_trusted or all_before(folder_mtimes(folder), self._heard_until):
            return True
        await self._hear_all()
        waits = mailbox in self._hints or self._hints.moves(mailbox) or self._looking[mailbox]
        return not waits and self._in_step(mailbox, folder)

    async def run(self) -> None:
        """Make observations as they come due, until cancelled."""
        while True:
            if self._hints.first is None:
                next_due = min((later.due for later in self._later.values()), default=math.inf)
                with trio.move_on_at(next_due):
                    await self._stirred.wait()
            self._stirred = trio.Event()
            if self._tree_pending:
                self._tree_pending = False
                await self._try(ObserveTree())
            await self._observe_moves()
            await self._look_at_next()
            now = trio.current_time()
            for mailbox in [m for m, later in self._later.items() if later.due <= now]:
                if mailbox in self._later and not self._put_off(mailbox):
                    await self._look(mailbox, None)

    async def _look_at_next(self) -> None:
        """Look at some names of the mailbox that waits longest; the others come before its next."""
        mailbox = self._hints.first
        if mailbox is None:
            return
        await self._look(mailbox, self._some_hints(mailbox))
        if self._hints.only(mailbox) and not self._hints.many(mailbox):
            await trio.sleep(GATHER)

    async def sweep(self) -> None:
        """See that the monitor lives, and compare times, every `SWEEP` seconds, until cancelled."""
        self._list_next_at = trio.current_time() + FIRST_IN_TURN
        while True:
            await trio.sleep(SWEEP)
            self._supervise()
            watched = dict(self._watched())
            changed = await trio.to_thread.run_sync(self._tree.changed, watched.values())
            if changed or None in self.troubles:
                self._tree_pending = True
                self._stirred.set()
            await self._sweep(watched)
            await self._list_one_in_turn(watched)

    async def _sweep(self, watched: Mapping[int, bytes]) -> None:
        """Bring in step what is not; what is to be looked at later anyhow waits for that."""
        stale = await trio.to_thread.run_sync(self._out_of_step, watched)
        stale += [each for each in watched if each in self.troubles and each not in stale]
        heard = await self._hear_all() if stale else None
        await self._observe_moves()
        for mailbox in stale:
            if mailbox not in self._later and not self._hints.many(mailbox):
                await self._look(mailbox, self._taken_hints(mailbox, heard), heard)

    async def _list_one_in_turn(self, watched: Mapping[int, bytes]) -> None:
        """List the next mailbox, if it is time and nothing else is to be done."""
        idle = not (self._later or self._door.waiting or self._hints.any_move)
        idle = idle and self._hints.first is None
        began = trio.current_time()
        if idle and watched and self._disk.events_trusted and began >= self._list_next_at:
            mailbox = min((m for m in watched if m > self._listed_last), default=min(watched))
            await self._look(mailbox, None)
            self._listed_last = mailbox
            now = trio.current_time()
            self._list_next_at = now + (now - began) / SHARE

    async def _catch_up(self, mailbox: int) -> Observed:
        """Observe all that was done in a mailbox before now, and not what goes on meanwhile."""
        heard = await self._hear_all()
        await self._observe_moves()
        batches = self._hints.count(mailbox) // BATCH
        try:
            for _ in range(batches):
                if heard is not None and self._hints.many(mailbox):
                    await self._observe(mailbox, self._some_hints(mailbox))
            if heard is not None and self._hints.many(mailbox):
                return await self._observe(mailbox, self._some_hints(mailbox))
            return await self._observe(mailbox, self._taken_hints(mailbox, heard), heard)
        except trio.Cancelled:
            self.mark(mailbox)
            raise

    async def _observe_moves(self) -> None:
        """Observe what was moved between mailboxes; where that fails both are listed."""
        for between, names in self._hints.take_moves():
            try:
                with self._looking_at(*between):
                    observed = await self._door.ask(ObserveMove(*between, names))
            except Exception as error:
                if not isinstance(error, MaildirdError | OSError):
                    logger.exception("a move could not be looked at")
                self._mark_all(between)
            except trio.Cancelled:
                self._mark_all(between)
                raise
            else:
                for mailbox, each in zip(between, observed, strict=True):
                    if not each.settled:
                        self._look_later(mailbox, FIRST_PAUSE)

    def _mark_all(self, mailboxes: Iterable[int]) -> None:
        for mailbox in mailboxes:
            self.mark(mailbox)

    async def _hear_all(self) -> int | None:
        """Hear of all that was done before now; gives the time (ns), None when that can't be."""
        now = time.time_ns()
        heard = trio.Event()
        token = trio.lowlevel.current_trio_token()

        def done() -> None:
            with suppress(trio.RunFinishedError):
                token.run_sync_soon(heard.set)

        if self._flush(done):
            with trio.move_on_after(FLUSH_PATIENCE):
                await heard.wait()
                self._heard_until = max(self._heard_until, now)
                return now
        return None

    def _some_hints(self, mailbox: int) -> frozenset[bytes] | None:
        """The first names that wait to be looked at; None for all of the mailbox."""
        if self._hints.count(mailbox) > MANY and not self._stirs(mailbox):
            self._hints.take(mailbox)
            return None
        return self._hints.take_some(mailbox)

    def _taken_hints(self, mailbox: int, heard: int | None) -> frozenset[bytes] | None:
        """What waits to be looked at in a mailbox; all of it unless events were heard."""
        hints = self._hints.take(mailbox)
        return None if heard is None else hints

    async def _look(
        self, mailbox: int, hints: frozenset[bytes] | None, heard: int | None = None
    ) -> None:
        """One observation; what does not settle is listed again after a pause."""
        before = self._later.get(mailbox)
        try:
            observed = await self._observe(mailbox, hints, heard)
        except (MaildirdError, OSError) as error:
            self._later.pop(mailbox, None)
            if isinstance(error, Refused) and error.code is Code.NONEXISTENT:
                self.troubles.forget(mailbox)  # deleted since the event came
            else:
                self.troubles.note(mailbox, error)
            return
        except Exception:
            self._later.pop(mailbox, None)
            logger.exception("a mailbox could not be looked at")
            return
        if hints is None or heard is not None:
            self.troubles.end(mailbox)
            self._later.pop(mailbox, None)
        if not observed.settled:
            pause = FIRST_PAUSE if before is None else min(2 * before.pause, LONGEST_PAUSE)
            self._look_later(mailbox, pause)

    def _put_off(self, mailbox: int) -> bool:
        """Let a listing that would prove nothing wait longer: others still change the folder."""
        if not (self._disk.of(mailbox).in_doubt and self._stirs(mailbox)):
            return False
        pause = min(2 * self._later[mailbox].pause, LONGEST_PAUSE)
        self._later[mailbox] = _Later(trio.current_time() + pause, pause)
        self._busy.note(mailbox, self._watched().get(mailbox), settled=False)
        return True

    def _stirs(self, mailbox: int) -> bool:
        """Whether others change the folder just now; not so when it can't be looked at."""
        folder = self._watched().get(mailbox)
        with suppress(OSError):
            return folder is not None and stirs(folder_mtimes(folder))
        return False

    def _in_a_storm(self, mailbox: int) -> bool:
        """Whether looks at the mailbox have not settled for some time."""
        later = self._later.get(mailbox)
        return later is not None and later.pause > FIRST_PAUSE

    def _look_later(self, mailbox: int, pause: float) -> None:
        if mailbox not in self._later:
            self._later[mailbox] = _Later(trio.current_time() + pause, pause)
            self._stirred.set()

    async def _observe(
        self, mailbox: int, hints: frozenset[bytes] | None, heard: int | None = None
    ) -> Observed:
        self.observations += 1
        with self._looking_at(mailbox):
            observed = await self._door.ask(Observe(mailbox, hints, heard))
        if hints is None:
            self._busy.note(mailbox, self._watched().get(mailbox), observed.settled)
        return observed

    @contextmanager
    def _looking_at(self, *mailboxes: int) -> Iterator[None]:
        self._looking.update(mailboxes)
        try:
            yield
        finally:
            self._looking.subtract(mailboxes)

    async def _try(self, request: ObserveTree) -> None:
        try:
            await self._door.ask(request)
        except (MaildirdError, OSError) as error:
            self.troubles.note(None, error)
        except Exception:
            logger.exception("the tree could not be looked at")
        else:
            self.troubles.end(None)

    def _in_step(self, mailbox: int, folder: bytes) -> bool:
        in_step = self._disk.of(mailbox).in_step
        return in_step is not None and in_step == folder_mtimes(folder)

    def _out_of_step(self, watched: Mapping[int, bytes]) -> list[int]:
        stale = []
        for mailbox, folder in watched.items():
            try:
                if not self._in_step(mailbox, folder):
                    stale.append(mailbox)
            except OSError:
                stale.append(mailbox)
        return stale
