"""Commands about mailboxes as a whole. Names are Unicode, decoded from modified UTF-7."""

import enum
from dataclasses import dataclass

from maildird.terms.sets import SeqSet, UidSet


@dataclass(frozen=True, slots=True)
class SeqMatch:
    """Sequence-match data of SELECT QRESYNC (RFC 7162 section 3.2.5.2); both sets as long."""

    seqs: SeqSet
    uids: UidSet


@dataclass(frozen=True, slots=True)
class Qresync:
    """The QRESYNC parameter of SELECT and EXAMINE (RFC 7162 section 3.2.5)."""

    uidvalidity: int
    modseq: int
    known_uids: UidSet | None = None
    seq_match: SeqMatch | None = None


@dataclass(frozen=True, slots=True)
class Select:
    """SELECT, or EXAMINE where `read_only` (RFC 3501 sections 6.3.1 and 6.3.2, RFC 4466)."""

    mailbox: str
    read_only: bool = False
    condstore: bool = False
    qresync: Qresync | None = None


@dataclass(frozen=True, slots=True)
class Create:
    """CREATE (RFC 3501 section 6.3.3), with the USE attributes of RFC 6154 (`\\Trash`)."""

    mailbox: str
    use: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Delete:
    """DELETE (RFC 3501 section 6.3.4)."""

    mailbox: str


@dataclass(frozen=True, slots=True)
class Rename:
    """RENAME (RFC 3501 section 6.3.5)."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Subscribe:
    """SUBSCRIBE (RFC 3501 section 6.3.6)."""

    mailbox: str


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """UNSUBSCRIBE (RFC 3501 section 6.3.7)."""

    mailbox: str


class ListSelect(enum.Enum):
    """Selection options of extended LIST (RFC 5258 section 3.1, RFC 6154)."""

    SUBSCRIBED = "SUBSCRIBED"
    REMOTE = "REMOTE"
    RECURSIVEMATCH = "RECURSIVEMATCH"
    SPECIAL_USE = "SPECIAL-USE"


class ListReturn(enum.Enum):
    """Return options of extended LIST without arguments (RFC 5258 section 3.2, RFC 6154)."""

    SUBSCRIBED = "SUBSCRIBED"
    CHILDREN = "CHILDREN"
    SPECIAL_USE = "SPECIAL-USE"


class StatusItem(enum.Enum):
    """What STATUS may ask for (RFC 3501 section 6.3.10, RFC 7162, RFC 8438)."""

    MESSAGES = "MESSAGES"
    RECENT = "RECENT"
    UIDNEXT = "UIDNEXT"
    UIDVALIDITY = "UIDVALIDITY"
    UNSEEN = "UNSEEN"
    HIGHESTMODSEQ = "HIGHESTMODSEQ"
    SIZE = "SIZE"


@dataclass(frozen=True, slots=True)
class List:
    """LIST, basic (RFC 3501 section 6.3.8) or extended (RFC 5258, RFC 5819).

    `extended` is false for the basic form, in which `patterns` has one entry. `status` holds the
    items of RETURN (STATUS (…)).
    """

    reference: str
    patterns: tuple[str, ...]
    extended: bool = False
    select: frozenset[ListSelect] = frozenset()
    returns: frozenset[ListReturn] = frozenset()
    status: tuple[StatusItem, ...] = ()


@dataclass(frozen=True, slots=True)
class Lsub:
    """LSUB (RFC 3501 section 6.3.9)."""

    reference: str
    pattern: str


@dataclass(frozen=True, slots=True)
class Status:
    """STATUS (RFC 3501 section 6.3.10)."""

    mailbox: str
    items: tuple[StatusItem, ...]


@dataclass(frozen=True, slots=True)
class Namespace:
    """NAMESPACE (RFC 2342)."""


@dataclass(frozen=True, slots=True)
class NewMessage:
    """One message of APPEND; `internaldate` is Unix time in seconds, None for now."""

    content: bytes
    flags: tuple[str, ...] = ()
    internaldate: int | None = None


@dataclass(frozen=True, slots=True)
class Append:
    """APPEND (RFC 3501 section 6.3.11), with several messages by RFC 3502."""

    mailbox: str
    messages: tuple[NewMessage, ...]
