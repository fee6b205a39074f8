"""How `maildird status` shows sessions: a table where it fits, else a line each."""

from collections.abc import Mapping, Sequence
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from maildird.cli.console import TABLE_WIDTH, clock, printable
from maildird.server.status import Status
from maildird.session.presence import Presence

FEW: Final = 12
"""Sessions that are shown without being asked for."""


Session = tuple[str, Presence]
"""The account's name, and the session."""


def print_sessions(
    console: Console, found: Mapping[str, Status | None], *, unbounded: bool
) -> None:
    """Print the sessions of all accounts, the latest last; many only where that is `unbounded`."""
    sessions = [
        (status.account.name, session)
        for status in found.values()
        if status is not None
        for session in status.sessions
    ]
    sessions.sort(key=lambda session: session[1].since)
    if not sessions:
        return
    console.print()
    if len(sessions) > FEW and not unbounded:
        console.print(Text(f"{len(sessions):,} sessions; --sessions shows them", "dim"))
    elif console.width >= TABLE_WIDTH:
        console.print(_table(sessions, with_account=len(found) > 1))
    else:
        for name, session in sessions:
            client, address, tls, since, mailbox = _cells(session)
            where = f"{address}, TLS {tls}, since {since}, {mailbox}"
            console.print(Text(f"{printable(name)}: {client} from {where}", overflow="fold"))


def _table(sessions: Sequence[Session], *, with_account: bool) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    if with_account:
        table.add_column("account", overflow="fold", style="bold")
    table.add_column("client", overflow="fold")
    table.add_column("address", overflow="fold")
    table.add_column("TLS", no_wrap=True)
    table.add_column("since", no_wrap=True)
    table.add_column("mailbox", overflow="fold")
    for name, session in sessions:
        account = [printable(name)] if with_account else []
        table.add_row(*account, *_cells(session))
    return table


def _cells(session: Presence) -> Sequence[str]:
    """Client, address, TLS, time of the login, and mailbox, as people read them."""
    mailbox = "no mailbox" if session.mailbox is None else printable(session.mailbox)
    return (
        printable(session.client) if session.client else "unnamed",
        printable(session.address),
        "none" if session.tls is None else session.tls.removeprefix("TLSv"),
        clock(session.since),
        f"{mailbox}, idling" if session.idling else mailbox,
    )
