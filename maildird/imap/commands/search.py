"""SEARCH and UID SEARCH (RFC 3501 section 6.4.4; RFC 4731, 5032, 5182, 7162).

Strings in keys are Unicode, decoded from the command's CHARSET. Keys side by side are `And`.
"""

import enum
from dataclasses import dataclass
from datetime import date

from maildird.terms.sets import SavedResult, SeqSet, UidSet


@dataclass(frozen=True, slots=True)
class All:
    """ALL."""


@dataclass(frozen=True, slots=True)
class And:
    """Several keys; all must match."""

    keys: tuple["SearchKey", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """OR: one of two must match."""

    left: "SearchKey"
    right: "SearchKey"


@dataclass(frozen=True, slots=True)
class Not:
    """NOT."""

    key: "SearchKey"


@dataclass(frozen=True, slots=True)
class InSet:
    """A sequence set, UID with a set, or `$`."""

    messages: SeqSet | UidSet | SavedResult


@dataclass(frozen=True, slots=True)
class HasFlag:
    """SEEN, UNSEEN, KEYWORD x, UNKEYWORD x and their like; `flag` as in `\\Seen` or `$Junk`."""

    flag: str
    present: bool


@dataclass(frozen=True, slots=True)
class IsRecent:
    """RECENT (`recent`), OLD (not `recent`); NEW comes as And(RECENT, UNSEEN)."""

    recent: bool


@dataclass(frozen=True, slots=True)
class InHeader:
    """HEADER, FROM, TO, CC, BCC, SUBJECT: a field whose decoded value contains `value`.

    An empty `value` matches every message that has the field.
    """

    field: str
    value: str


@dataclass(frozen=True, slots=True)
class InBody:
    """BODY: the decoded text of the body contains `value`."""

    value: str


@dataclass(frozen=True, slots=True)
class InText:
    """TEXT: header or body contains `value`."""

    value: str


class When(enum.Enum):
    """How a date is compared; SINCE includes the day itself, BEFORE does not."""

    BEFORE = "BEFORE"
    ON = "ON"
    SINCE = "SINCE"


@dataclass(frozen=True, slots=True)
class InternalDate:
    """BEFORE, ON, SINCE: the internal date, time and zone left out."""

    when: When
    day: date


@dataclass(frozen=True, slots=True)
class SentDate:
    """SENTBEFORE, SENTON, SENTSINCE: the Date field, time and zone left out."""

    when: When
    day: date


@dataclass(frozen=True, slots=True)
class Larger:
    """LARGER: RFC822.SIZE above `octets`."""

    octets: int


@dataclass(frozen=True, slots=True)
class Smaller:
    """SMALLER: RFC822.SIZE below `octets`."""

    octets: int


@dataclass(frozen=True, slots=True)
class Older:
    """OLDER: the internal date is at least `seconds` ago (RFC 5032)."""

    seconds: int


@dataclass(frozen=True, slots=True)
class Younger:
    """YOUNGER: the internal date is at most `seconds` ago (RFC 5032)."""

    seconds: int


@dataclass(frozen=True, slots=True)
class ModSeq:
    """MODSEQ: mod-sequence at or above `value` (RFC 7162 section 3.1.5); the entry is ignored."""

    value: int


SearchKey = (
    All
    | And
    | Or
    | Not
    | InSet
    | HasFlag
    | IsRecent
    | InHeader
    | InBody
    | InText
    | InternalDate
    | SentDate
    | Larger
    | Smaller
    | Older
    | Younger
    | ModSeq
)


class SearchReturn(enum.Enum):
    """Result options of extended SEARCH (RFC 4731 section 3.1, RFC 5182 section 2.1)."""

    MIN = "MIN"
    MAX = "MAX"
    ALL = "ALL"
    COUNT = "COUNT"
    SAVE = "SAVE"


@dataclass(frozen=True, slots=True)
class Search:
    """SEARCH; `returns` is None for the basic form, RETURN () means ALL and comes as {ALL}.

    `unknown_charset` is the name of the CHARSET if there is none of that name: then the strings in
    `key` mean nothing, and the answer is NO.
    """

    key: SearchKey
    uid: bool
    returns: frozenset[SearchReturn] | None = None
    unknown_charset: str | None = None
