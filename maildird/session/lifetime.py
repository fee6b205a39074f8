"""How long a client is waited for, from one sign of life to the next.

A client is heard by a whole command, by DONE, or by taking much of a reply. What it sends of a
command that isn't whole puts its end off, too, but only so far: by the time of silence from the
first octet on, and by a second for each `LEAST_RATE` octets that came since. So a telephone in a
tunnel loses nothing, and a literal that comes octet by octet ends like one that never comes.
"""

from typing import Final

import trio

LEAST_RATE: Final = 1024
"""Octets a second of a command that takes longer than the time of silence."""


class Lifetime:
    """The end of a session, put off by each sign of life; `scope` is cancelled when it comes.

    `silence` is how long (s) nothing may be heard.
    """

    def __init__(self, silence: float) -> None:
        self.scope = trio.CancelScope()
        self._silence = silence
        self._latest: float | None = None
        self.heard()

    def heard(self) -> None:
        """A command was whole, or much of a reply was taken."""
        self._latest = None
        self.scope.deadline = trio.current_time() + self._silence

    def part_came(self, octets: int) -> None:
        """That many octets came of a command that isn't whole."""
        now = trio.current_time()
        if self._latest is None:
            self._latest = now + self._silence
        self._latest += octets / LEAST_RATE
        self.scope.deadline = min(now + self._silence, self._latest)
