"""How `maildird status` looks: some lines for one account, a table for several.

Names and paths come from the file system and from clients, and may hold anything: what a terminal
could take for a command is shown as a question mark.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from rich.console import Console
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from maildird.cli.console import TABLE_WIDTH, printable, printing
from maildird.cli.sessions_view import print_sessions
from maildird.mailbox.report import AccountReport
from maildird.server.status import Status

_UNITS: Final = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


def show(found: Mapping[str, Status | None], *, all_sessions: bool) -> None:
    """Print what is known of each account; None for one that nobody serves.

    Then come the sessions, if they are few or `all_sessions` are wanted.
    """
    with printing() as console:
        if len(found) > 1 and console.width >= TABLE_WIDTH:
            _print_table(console, found)
        else:
            _print_lines(console, found)
        print_sessions(console, found, unbounded=all_sessions)


def _print_lines(console: Console, found: Mapping[str, Status | None]) -> None:
    for number, (name, status) in enumerate(found.items()):
        if number:
            console.print()
        if status is None:
            console.print(_heading(name, None))
        else:
            console.print(_heading(status.account.name, status))
            console.print(_lines(status))


def _heading(name: str, status: Status | None) -> Text:
    return Text.assemble((printable(name), "bold"), ": ", _state(status))


def _state(status: Status | None) -> Text:
    if status is None:
        return Text("not served", "red")
    if status.account.troubles:
        return Text("unavailable", "red")
    return Text("available", "green")


def _lines(status: Status) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for label, text in _facts(status):
        grid.add_row(f"  {label}", text)
    return grid


def _facts(status: Status) -> Iterator[tuple[str, Text | str]]:
    account = status.account
    yield "Maildir", printable(account.root)
    for trouble in _troubles(account):
        yield "trouble", Text(trouble, "red")
    yield "mail", f"{_count(account.messages, 'message')} in {_count(account.folders, 'folder')}"
    if _is_preparing(account):
        yield "prepared", f"{account.prepared:,} of {account.to_prepare:,} messages"
    yield "changes", _changes(account)
    yield "sessions", f"{len(status.sessions):,}, {status.idling:,} idling"
    yield "requests", f"{account.waiting:,} waiting"
    yield "index", decimal(account.index_size)
    yield "served", f"since {_moment(account.since)}"
    yield "by", _process(status)


def _is_preparing(account: AccountReport) -> bool:
    return account.prepared < account.to_prepare


def _changes(account: AccountReport) -> Text:
    monitor = account.monitor
    text = Text("noticed at once (inotify)")
    if monitor.kind == "polling":
        text = Text("noticed within seconds (polling)", "yellow")
    if monitor.trouble is not None:
        text.append(f"; {printable(monitor.trouble)}")
    if monitor.since is not None:
        text.append(f" (since {_moment(monitor.since)})")
    if monitor.restarts:
        text.append(f"; watching was begun anew {_count(monitor.restarts, 'time')}", "yellow")
    return text


def _troubles(account: AccountReport) -> Sequence[str]:
    return [f"{printable(each.what)} (since {_moment(each.since)})" for each in account.troubles]


def _process(status: Status) -> str:
    memory = decimal(status.memory)
    return f"maildird {printable(status.version)}, process {status.process}, {memory} of memory"


def _print_table(console: Console, found: Mapping[str, Status | None]) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("account", overflow="fold")
    table.add_column("mail", no_wrap=True)
    for name in ("messages", "folders", "sessions"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("changes", no_wrap=True)
    for name, status in found.items():
        table.add_row(Text(printable(name), "bold"), _state(status), *_numbers(status))
    console.print(table)
    served = {name: status for name, status in found.items() if status is not None}
    for name, status in served.items():
        for trouble in _troubles(status.account):
            console.print(Text(f"{printable(name)}: {trouble}", "red"))
        if _is_preparing(status.account):
            done = f"{status.account.prepared:,} of {status.account.to_prepare:,}"
            console.print(f"{printable(name)}: {done} messages are prepared")
    for process in dict.fromkeys(_process(status) for status in served.values()):
        console.print(Text(process, "dim"))


def _numbers(status: Status | None) -> Sequence[str]:
    if status is None:
        return ()
    account = status.account
    numbers = (account.messages, account.folders, len(status.sessions))
    return [*(f"{number:,}" for number in numbers), account.monitor.kind]


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _moment(at: float) -> str:
    """A time, and how long ago that is."""
    ago = max(0, int(time.time() - at))
    size, unit = next((each for each in _UNITS if ago >= each[0]), _UNITS[-1])
    shown = datetime.fromtimestamp(at).astimezone()
    return f"{shown:%Y-%m-%d %H:%M:%S}, {_count(ago // size, unit)} ago"
