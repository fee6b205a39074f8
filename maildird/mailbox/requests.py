"""What can be asked of the door: each request is a piece of a turn, on one or two mailboxes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from maildird.index.rows import Facts
from maildird.mailbox.conditions import Condition
from maildird.mailbox.namespace import Parts
from maildird.mailbox.results import Appended, Copied, Expunged, FlagChangeHow, Incoming, Stored
from maildird.maildir.folders import Staged

Answer = TypeVar("Answer")


class Request(Generic[Answer]):
    """Something to be done behind the door, which is answered with an `Answer`."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Observed:
    """How an observation ended: `settled` when the index equals the disk, else look again soon.

    `suspects` says that messages seem to be gone, which this look could not prove.
    """

    settled: bool
    suspects: bool


@dataclass(frozen=True, slots=True)
class Observe(Request[Observed]):
    """Look at a mailbox's directories and take over what others changed there.

    `hints` are the names (`subdir/file`) that events spoke of; None means: list everything.
    `heard` is the Unix time (ns) until which all events were heard, where the asker made sure of
    that: then the index shall be in step afterwards, by names if they suffice.
    """

    mailbox: int
    hints: frozenset[bytes] | None = None
    heard: int | None = None


@dataclass(frozen=True, slots=True)
class ObserveMove(Request[tuple[Observed, Observed]]):
    """Take over that another program renamed messages from one mailbox into another.

    `names` are the names (`subdir/file`) that each had in `source` and got in `target`. The answer
    says how it ended for `source` and for `target`.
    """

    source: int
    target: int
    names: tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class ObserveTree(Request[None]):
    """Look at which folders there are; one that is new to the index is taken in when opened."""


@dataclass(frozen=True, slots=True)
class Adopt(Request[int]):
    """Take a folder that stands on disk into the index; gives its mailbox id."""

    parts: Parts


@dataclass(frozen=True, slots=True)
class TakeNew(Request[None]):
    """Move a mailbox's messages from new/ to cur/: somebody opened it read-write."""

    mailbox: int


@dataclass(frozen=True, slots=True)
class KeepRecent(Request[None]):
    """Keep the lowest UID that no session was told of as \\Recent."""

    mailbox: int
    first_recent: int


@dataclass(frozen=True, slots=True)
class Store(Request[Stored]):
    """Change flags of `uids` (rising) that meet the condition, if any; see `results.Stored`."""

    mailbox: int
    uids: tuple[int, ...]
    how: FlagChangeHow
    flags: tuple[str, ...]
    condition: Condition | None = None


@dataclass(frozen=True, slots=True)
class Expunge(Request[Expunged]):
    """Remove the messages with \\Deleted, among `uids` (rising), else those below `uidnext`."""

    mailbox: int
    uidnext: int
    uids: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message that is staged in a folder's tmp/, or is to be, and the flags it will have."""

    message: Staged | Incoming
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Deliver(Request[Appended]):
    """Make messages appear, all or none."""

    mailbox: int
    deliveries: tuple[Delivery, ...]


@dataclass(frozen=True, slots=True)
class CopyTo(Request[Copied]):
    """Copy `uids` (rising) to a mailbox, all or none; `move` removes them where they were."""

    source: int
    uids: tuple[int, ...]
    target: int
    move: bool = False


@dataclass(frozen=True, slots=True)
class Create(Request[None]):
    """Make a mailbox."""

    parts: Parts
    use: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Delete(Request[None]):
    """Delete a mailbox with its messages; its children stay."""

    parts: Parts


@dataclass(frozen=True, slots=True)
class Rename(Request[None]):
    """Rename a mailbox and its children; of INBOX only the messages move (RFC 3501 6.3.5)."""

    source: Parts
    target: Parts


@dataclass(frozen=True, slots=True)
class Learn(Request[None]):
    """Keep what was computed about messages."""

    mailbox: int
    facts: Mapping[int, Facts]
