"""How far a long work in the background is, for whoever asks and for the log.

A *run* begins when something is to be done and ends when nothing is left; what comes while it lasts
belongs to it. The log tells of a run that is big: when it begins, each time another tenth is done,
twice a minute in between, and when it ends.
"""

import logging
import time
from typing import Final

logger = logging.getLogger(__name__)

BIG: Final = 500
"""Messages of which the log tells."""

INTERVAL: Final = 30.0
"""Seconds without a word at most."""


class Progress:
    """The present run of an account, or the last one: `done` messages of `total`."""

    def __init__(self, account: str) -> None:
        self.done = 0
        self.total = 0
        self._account = account
        self._began = 0.0
        self._told: float | None = None
        self._told_done = 0

    def add(self, count: int) -> None:
        """So many messages more are to be done."""
        if self.done == self.total:
            self.done = self.total = 0
            self._began = time.monotonic()
        self.total += count

    def advance(self, count: int) -> None:
        """So many messages more are done."""
        if self._told is None and self.total >= BIG:
            self._tell("%s: making messages ready in the background")
        self.done += count
        if self._told is not None and self.done < self.total and self._is_due(self._told):
            self._tell("%s: %d of %d messages are ready", self.done, self.total)

    def end(self) -> None:
        """Nothing is left."""
        if self._told is not None:
            seconds = time.monotonic() - self._began
            self._tell("%s: all %d messages are ready, after %.1f s", self.total, seconds)
        self._told = None
        self._told_done = 0

    def _is_due(self, told: float) -> bool:
        is_tenth = (self.done - self._told_done) * 10 >= self.total
        return is_tenth or time.monotonic() > told + INTERVAL

    def _tell(self, text: str, *numbers: float) -> None:
        logger.info(text, self._account, *numbers)
        self._told = time.monotonic()
        self._told_done = self.done
