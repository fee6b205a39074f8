"""How `maildird user list` looks."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from maildird.cli.console import printable, printing
from maildird.server.passwd_file import Entry


def show(entries: Sequence[Entry]) -> None:
    """Print a table of users."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("user", overflow="fold")
    table.add_column("password", no_wrap=True)
    table.add_column("uid", justify="right", no_wrap=True)
    table.add_column("home", overflow="fold")
    table.add_column("mail", overflow="fold")
    for entry in entries:
        table.add_row(
            Text(entry.name, "bold"),
            Text("none", "yellow") if entry.password is None else entry.password.scheme,
            "" if entry.uid is None else str(entry.uid),
            printable(entry.home or ""),
            printable(entry.location or ""),
        )
    with printing() as console:
        console.print(table)
