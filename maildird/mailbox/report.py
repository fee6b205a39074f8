"""How an account is doing, as plain data for the people who run the server."""

from collections.abc import Sequence
from dataclasses import dataclass

from maildird.maildir.monitor import MonitorState


@dataclass(frozen=True, slots=True)
class Trouble:
    """Mail that can't be looked at: `what` in one line, `since` in Unix seconds."""

    what: str
    since: float


@dataclass(frozen=True, slots=True)
class AccountReport:
    """One account, as the process that serves it knows it.

    `since` is when it was opened, in Unix seconds. `prepared` of `to_prepare` messages were made
    ready in the background, of those that were not. `waiting` counts the requests at the door,
    `turns` those that it ran since then, in `turn_seconds` together; `events` what the monitor told
    and `observations` the looks at mailboxes that came of it, of sweeps and of commands.
    `index_size` is in octets. `troubles` is empty when all mail can be looked at; trouble with the
    tree stands alone.
    """

    name: str
    root: str
    since: float
    monitor: MonitorState
    folders: int
    messages: int
    prepared: int
    to_prepare: int
    waiting: int
    turns: int
    turn_seconds: float
    events: int
    observations: int
    index_size: int
    troubles: Sequence[Trouble]
