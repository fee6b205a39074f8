"""FETCH and UID FETCH (RFC 3501 section 6.4.5, RFC 7162 sections 3.1.4 and 3.2.6)."""

import enum
from dataclasses import dataclass

from maildird.terms.section import Section
from maildird.terms.sets import SavedResult, SeqSet, UidSet


class FetchAttribute(enum.Enum):
    """What FETCH may ask for without arguments."""

    FLAGS = "FLAGS"
    UID = "UID"
    INTERNALDATE = "INTERNALDATE"
    RFC822_SIZE = "RFC822.SIZE"
    ENVELOPE = "ENVELOPE"
    BODY = "BODY"
    BODYSTRUCTURE = "BODYSTRUCTURE"
    MODSEQ = "MODSEQ"


@dataclass(frozen=True, slots=True)
class FetchSection:
    """`BODY[…]`, `BODY.PEEK[…]`, `RFC822`, `RFC822.HEADER`, `RFC822.TEXT`.

    `partial` is (first octet, number of octets), the number at least 1. `label` is the name that
    stands in the response, `<origin>` included: `BODY[1.MIME]`, `BODY[]<0>`, `RFC822.TEXT`.
    """

    section: Section
    peek: bool
    label: bytes
    partial: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Fetch:
    """FETCH; macros (ALL, FAST, FULL) come expanded. `vanished` needs `changed_since`."""

    messages: SeqSet | UidSet | SavedResult
    uid: bool
    items: tuple[FetchAttribute | FetchSection, ...]
    changed_since: int | None = None
    vanished: bool = False
