"""How an account is doing, as plain data for the people who run the server."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Trouble:
    """Mail that can't be looked at: `what` in one line, `since` in Unix seconds."""

    what: str
    since: float


@dataclass(frozen=True, slots=True)
class AccountReport:
    """One account, as the process that serves it knows it.

    `since` is when it was opened, in Unix seconds. `noticed_by` says how changes that other
    programs make are noticed. `waiting` counts the requests at the door. `index_size` is in octets.
    `troubles` is empty when all mail can be looked at; trouble with the tree stands alone.
    """

    name: str
    root: str
    since: float
    idling: int
    noticed_by: Literal["inotify", "polling"]
    folders: int
    messages: int
    waiting: int
    index_size: int
    troubles: Sequence[Trouble]
