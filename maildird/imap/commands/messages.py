"""Commands about messages of the selected mailbox, but for FETCH and SEARCH.

A command that names messages has one type for both forms; the type of the set tells them apart:
`SeqSet` for the plain command, `UidSet` for UID. `$` comes as `SavedResult`, and `uid` tells the
form then. Sets are as the client wrote them: `*` is not yet resolved.
"""

import enum
from dataclasses import dataclass

from maildird.terms.sets import SavedResult, SeqSet, UidSet


@dataclass(frozen=True, slots=True)
class Check:
    """CHECK (RFC 3501 section 6.4.1)."""


@dataclass(frozen=True, slots=True)
class Close:
    """CLOSE (RFC 3501 section 6.4.2)."""


@dataclass(frozen=True, slots=True)
class Unselect:
    """UNSELECT (RFC 3691)."""


@dataclass(frozen=True, slots=True)
class Expunge:
    """EXPUNGE (RFC 3501 section 6.4.3); with `uids` it is UID EXPUNGE (RFC 4315 section 2.1)."""

    uids: UidSet | SavedResult | None = None


class StoreHow(enum.Enum):
    """What STORE does with the flags it names."""

    REPLACE = "FLAGS"
    ADD = "+FLAGS"
    REMOVE = "-FLAGS"


@dataclass(frozen=True, slots=True)
class Store:
    """STORE and UID STORE (RFC 3501 section 6.4.6, RFC 7162 section 3.1.3)."""

    messages: SeqSet | UidSet | SavedResult
    uid: bool
    how: StoreHow
    flags: tuple[str, ...]
    silent: bool = False
    unchanged_since: int | None = None


@dataclass(frozen=True, slots=True)
class Copy:
    """COPY and UID COPY (RFC 3501 section 6.4.7)."""

    messages: SeqSet | UidSet | SavedResult
    uid: bool
    mailbox: str


@dataclass(frozen=True, slots=True)
class Move:
    """MOVE and UID MOVE (RFC 6851)."""

    messages: SeqSet | UidSet | SavedResult
    uid: bool
    mailbox: str
