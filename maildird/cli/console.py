"""What tables and lists are printed on: a terminal as wide as it is, or a file without folding."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console

_FILE_WIDTH: Final = 1000
"""Columns of what is no terminal: nothing is folded."""


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
