"""How `maildird log` looks: a table with one line a change, or some words where that won't fit."""

import os
from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from maildird.cli.console import TABLE_WIDTH, clock, printable, printing
from maildird.mailbox.changelog import Entry, Kind

Shown = tuple[Entry, str | None]
"""An entry, and its message's subject."""

_KINDS: Final[dict[Kind, tuple[str, str]]] = {
    "arrival": ("arrived", "green"),
    "flags": ("flags", ""),
    "removal": ("removed", "red"),
    "change": ("changed", "dim"),
}
"""How each kind is called, and its colour."""


def show(found: Sequence[Shown]) -> None:
    """Print entries."""
    with printing() as console:
        if console.width >= TABLE_WIDTH:
            console.print(_table(found))
        else:
            _print_lines(console, found)


def _table(found: Sequence[Shown]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("time", no_wrap=True)
    table.add_column("MODSEQ", no_wrap=True, justify="right")
    table.add_column("UID", no_wrap=True, justify="right")
    table.add_column("change", no_wrap=True)
    table.add_column("by", no_wrap=True)
    table.add_column("flags", overflow="fold")
    table.add_column("message")
    for entry, subject in found:
        table.add_row(
            "" if entry.made is None else clock(entry.made.at),
            str(entry.modseq),
            str(entry.uid),
            Text(*_KINDS[entry.kind]),
            "" if entry.made is None else entry.made.cause,
            _flags(entry),
            Text(_message(entry, subject), no_wrap=True, overflow="ellipsis"),
        )
    return table


def _print_lines(console: Console, found: Sequence[Shown]) -> None:
    for entry, subject in found:
        made = entry.made
        by = "" if made is None else f" by {made.cause} at {clock(made.at)}"
        head = f"{entry.modseq}: UID {entry.uid} {_KINDS[entry.kind][0]}{by}"
        parts = [part for part in (head, _flags(entry), _message(entry, subject)) if part]
        console.print(Text(", ".join(parts), overflow="fold"))


def _flags(entry: Entry) -> str:
    return printable(" ".join(entry.flags))


def _message(entry: Entry, subject: str | None) -> str:
    return printable(subject or os.fsdecode(entry.name))
