"""Wake: who waits for a mailbox hears its new highest MODSEQ, one integer, and pulls for itself.

Runs in trio's thread only. Nothing is queued: an announcement that nobody waits for is kept as the
mailbox's latest value, so that a wait that begins later returns at once.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Final

import trio

GONE: Final = 1 << 64
"""Announced for a mailbox that was deleted: above every MODSEQ."""


class Wake:
    """The latest announced MODSEQ of each mailbox, by mailbox id, and those who wait for more."""

    def __init__(self) -> None:
        self._latest: dict[int, int] = {}
        self._waiting: defaultdict[int, trio.lowlevel.ParkingLot] = defaultdict(
            trio.lowlevel.ParkingLot
        )

    def announce(self, modseqs: Mapping[int, int]) -> None:
        """Tell that mailboxes have reached these mod-sequences."""
        for mailbox, modseq in modseqs.items():
            self._latest[mailbox] = max(modseq, self._latest.get(mailbox, 0))
            if mailbox in self._waiting:
                self._waiting.pop(mailbox).unpark_all()

    def latest(self, mailbox: int) -> int:
        """The latest announced MODSEQ, 0 when there was none."""
        return self._latest.get(mailbox, 0)

    async def beyond(self, mailbox: int, modseq: int) -> None:
        """Return once the mailbox is known to have gone beyond `modseq`."""
        while self.latest(mailbox) <= modseq:
            await self._waiting[mailbox].park()
        await trio.lowlevel.checkpoint_if_cancelled()
