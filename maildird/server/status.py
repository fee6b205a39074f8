"""What the process that serves an account tells of itself, and how it is asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from maildird.mailbox.history import Made
from maildird.mailbox.report import AccountReport, Trouble
from maildird.maildir.monitor import MonitorState
from maildird.server.control import another_version, ask
from maildird.session.presence import Presence

STATUS: Final = "status"
"""Asks for a Status."""

HISTORY: Final = "history"
"""Asks, with the id of a mailbox behind it, for what is remembered of its latest changes."""


@dataclass(frozen=True, slots=True)
class Status:
    """An account, its sessions, and the process that serves it.

    `process` is the process id, `memory` what is resident of it, in octets.
    """

    account: AccountReport
    sessions: Sequence[Presence]
    version: str
    process: int
    memory: int

    @property
    def idling(self) -> int:
        """How many sessions are in IDLE."""
        return sum(session.idling for session in self.sessions)


def resident_memory() -> int:
    """What is resident of this process, in octets (proc(5), VmRSS)."""
    with open("/proc/self/status", "rb") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(b"VmRSS:"))


def ask_status(directory: bytes) -> Status:
    """The status of the account that a state directory is for; StatusUnknown says why not."""
    answer = ask(directory, STATUS)
    try:
        return _status(answer)
    except (AttributeError, KeyError, TypeError):
        raise another_version(directory) from None


def ask_history(directory: bytes, mailbox: int) -> Sequence[Made]:
    """How the latest mod-sequences of a mailbox came about; StatusUnknown says why not."""
    answer = ask(directory, f"{HISTORY} {mailbox}")
    try:
        return tuple(Made(**each) for each in answer)
    except TypeError:
        raise another_version(directory) from None


def _status(answer: dict[str, Any]) -> Status:
    account = answer.pop("account")
    monitor = MonitorState(**account.pop("monitor"))
    troubles = tuple(Trouble(**trouble) for trouble in account.pop("troubles"))
    sessions = tuple(Presence(**session) for session in answer.pop("sessions"))
    report = AccountReport(**account, monitor=monitor, troubles=troubles)
    return Status(report, sessions, **answer)
