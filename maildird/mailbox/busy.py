"""Mailboxes that don't settle: other programs change them without a pause, so removals wait.

A removal is believed only when a directory rests for a moment. One that never does is said in the
log, once, after a time in which any burst should have ended.
"""

import logging
import os
import time
from typing import Final

logger = logging.getLogger(__name__)

LONG: Final = 90.0
"""Seconds without a settled listing until that is logged; a half-finished move takes 60."""


class Busy:
    """Since when listings of mailboxes have not settled."""

    def __init__(self) -> None:
        self._since: dict[int, float] = {}
        self._said: set[int] = set()

    def note(self, mailbox: int, directory: bytes | None, settled: bool) -> None:
        """How a listing of a mailbox ended; None as `directory` is a mailbox that is gone."""
        if settled or directory is None:
            self._since.pop(mailbox, None)
            self._said.discard(mailbox)
            return
        since = self._since.setdefault(mailbox, time.time())
        if time.time() - since > LONG and mailbox not in self._said:
            self._said.add(mailbox)
            logger.warning(
                "%s has been busy since %s without a pause: messages that go there stay in sight",
                os.fsdecode(directory),
                time.strftime("%H:%M:%S", time.localtime(since)),
            )
