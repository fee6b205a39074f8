"""What tables and lists are printed on: a terminal as wide as it is, or a file without folding."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final

from rich.console import Console

_FILE_WIDTH: Final = 1000
"""Columns of what is no terminal: nothing is folded."""

TABLE_WIDTH: Final = 72
"""Columns below which a table can't be read; what stands in it is told in lines then."""

_DAY: Final = 86400


@contextmanager
def printing() -> Iterator[Console]:
    """What is put on the console goes to standard output at the end of the `with`.

    No line ends in blanks.
    """
    width = None if sys.stdout.isatty() else _FILE_WIDTH
    console = Console(highlight=False, markup=False, emoji=False, width=width)
    with console.capture() as captured:
        yield console
    for line in captured.get().splitlines():
        print(line.rstrip())


def printable(text: str) -> str:
    """Text of others, with a question mark for what a terminal could take for a command."""
    return "".join(each if each.isprintable() else "?" for each in text)


def clock(at: float) -> str:
    """The time of day of a moment (Unix seconds), or its date with it where that is long ago."""
    shown = datetime.fromtimestamp(at).astimezone()
    return f"{shown:%H:%M:%S}" if time.time() - at < _DAY else f"{shown:%Y-%m-%d %H:%M}"
