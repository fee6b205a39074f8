"""All rows, group by group."""

from typing import Final

from tests.bench import bursts, changing, crowds, encrypted, fetching, monitor, opening, searching

ROWS: Final = [
    *opening.ROWS,
    *fetching.ROWS,
    *changing.ROWS,
    *searching.ROWS,
    *crowds.ROWS,
    *encrypted.ROWS,
    *monitor.ROWS,
    *bursts.ROWS,
]
