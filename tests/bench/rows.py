"""All rows, group by group."""

from typing import Final

from tests.bench import bursts, monitor

ROWS: Final = [*monitor.ROWS, *bursts.ROWS]
