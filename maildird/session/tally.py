"""How many commands were carried out, and how long they took, for those who run the server."""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

BOUNDS: Final = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
"""Seconds: a command is counted for the first bound that it did not exceed."""


@dataclass(slots=True)
class Durations:
    """Of one command: a number for each of `BOUNDS`, one for what took longer, and the sum (s)."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    seconds: float = 0.0


class CommandTally:
    """Counts commands by name; the names are those of the command table, no others."""

    def __init__(self) -> None:
        self._durations: dict[str, Durations] = {}

    def note(self, command: str, seconds: float) -> None:
        """One was carried out, and took so long."""
        durations = self._durations.get(command)
        if durations is None:
            durations = self._durations[command] = Durations()
        durations.counts[bisect_left(BOUNDS, seconds)] += 1
        durations.seconds += seconds

    @property
    def durations(self) -> Mapping[str, Durations]:
        """What was counted, by name."""
        return self._durations
