"""Watching an account's folders: what events and times say goes to the door as observations.

Theory of operation. Runs in trio's thread. The monitor's events come in as names (*hints*); while
the door is busy they gather, and one observation takes all that gathered for a mailbox. Behind the
events a sweep compares the directories' times with those that the index is in step with, every
`SWEEP` seconds, so that a lost event costs two seconds and not a message.

An observation that does not settle (the directory is busy, a removal is not proven) is made again
after a pause that doubles from 25 ms to a second while the storm lasts.
"""

import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import trio

from maildird.maildir.folders import folder_mtimes
from maildird.maildir.monitor import Dirty
from maildird.mailbox.disk import Disk
from maildird.mailbox.door import Door
from maildird.mailbox.requests import Observe, Observed, ObserveTree
from maildird.terms.errors import MaildirdError

logger = logging.getLogger(__name__)

SWEEP: Final = 2.0
FIRST_PAUSE: Final = 0.025
LONGEST_PAUSE: Final = 1.0
PATIENCE: Final = 0.2
"""How long `refresh` waits for a removal to be proven (s)."""


@dataclass(slots=True)
class _Pending:
    hints: set[bytes] | None
    due: float
    pause: float = FIRST_PAUSE


class Watcher:
    """What is to be observed, mailbox by mailbox; `mailbox_of` finds the id of a directory."""

    def __init__(
        self,
        door: Door,
        disk: Disk,
        watched: Callable[[], Mapping[int, bytes]],
    ) -> None:
        self._door = door
        self._disk = disk
        self._watched = watched
        self._pending: dict[int, _Pending] = {}
        self._tree_pending = False
        self._stirred = trio.Event()
        self._troubled: set[int] = set()

    def hear(self, dirty: Dirty, mailbox: int | None) -> None:
        """An event came: names in a mailbox, the tree, or "everything may have changed"."""
        if dirty.everything:
            self._disk.all_out_of_step()
            for each in self._watched():
                self.mark(each)
            self._tree_pending = True
        elif mailbox is None:
            self._tree_pending = True
        else:
            self.mark(mailbox, dirty.name)
        self._stirred.set()

    def mark(self, mailbox: int, name: bytes | None = None) -> None:
        """Have a mailbox looked at soon, all of it when no name is given."""
        pending = self._pending.get(mailbox)
        if pending is None:
            self._pending[mailbox] = _Pending({name} if name else None, trio.current_time())
        elif name is None:
            pending.hints = None
        elif pending.hints is not None:
            pending.hints.add(name)
        self._stirred.set()

    async def refresh(self, mailbox: int, folder: bytes) -> None:
        """Return once the index has what the disk has; cheap when nothing changed.

        Raises FileNotFoundError when the folder is gone, Refused when it can't be read.
        """
        if mailbox not in self._pending and self._in_step(mailbox, folder):
            return
        with trio.move_on_after(PATIENCE):
            while (await self._observe(mailbox, None)).suspects:
                await trio.sleep(FIRST_PAUSE)

    async def run(self) -> None:
        """Make observations as they come due, until cancelled."""
        while True:
            with trio.move_on_at(min((p.due for p in self._pending.values()), default=math.inf)):
                await self._stirred.wait()
            self._stirred = trio.Event()
            if self._tree_pending:
                self._tree_pending = False
                await self._try(ObserveTree())
            now = trio.current_time()
            for mailbox, pending in list(self._pending.items()):
                if pending.due <= now:
                    await self._observe_pending(mailbox, pending)

    async def sweep(self) -> None:
        """Compare times every `SWEEP` seconds, until cancelled."""
        while True:
            await trio.sleep(SWEEP)
            watched = dict(self._watched())
            stale = await trio.to_thread.run_sync(self._out_of_step, watched)
            for mailbox in stale:
                self.mark(mailbox)
            self._tree_pending = True
            self._stirred.set()

    async def _observe_pending(self, mailbox: int, pending: _Pending) -> None:
        hints = None if pending.hints is None else frozenset(pending.hints)
        self._pending.pop(mailbox, None)
        try:
            observed = await self._observe(mailbox, hints)
        except (MaildirdError, OSError) as error:
            if mailbox not in self._troubled:
                logger.warning("%s", error)
            self._troubled.add(mailbox)
            return
        self._troubled.discard(mailbox)
        if not observed.settled and mailbox not in self._pending:
            due = trio.current_time() + pending.pause
            self._pending[mailbox] = _Pending(None, due, min(2 * pending.pause, LONGEST_PAUSE))

    async def _observe(self, mailbox: int, hints: frozenset[bytes] | None) -> Observed:
        return await self._door.ask(Observe(mailbox, hints))

    async def _try(self, request: ObserveTree) -> None:
        try:
            await self._door.ask(request)
        except (MaildirdError, OSError) as error:
            logger.warning("%s", error)

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
