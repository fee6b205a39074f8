"""Commands about messages of the selected mailbox, but for FETCH and SEARCH.

A command that names messages has one type for both forms; the type of the set tells them apart:
`SeqSet` for the plain command, `UidSet` for UID. `$` comes as `SavedResult`, and `uid` tells the
form then. Sets are as the client wrote them: `*` is not yet resolved.
"""

import enum
from dataclasses import dataclass

from maildird.imap.grammar import Reader
from maildird.terms.errors import Malformed
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


def parse_check(reader: Reader) -> Check:
    """check = "CHECK"."""
    return Check()


def parse_close(reader: Reader) -> Close:
    """close = "CLOSE"."""
    return Close()


def parse_unselect(reader: Reader) -> Unselect:
    """unselect = "UNSELECT"."""
    return Unselect()


def parse_expunge(reader: Reader) -> Expunge:
    """expunge = "EXPUNGE"."""
    return Expunge()


def parse_uid_expunge(reader: Reader) -> Expunge:
    """uid-expunge = "UID" SP "EXPUNGE" SP sequence-set (RFC 4315 section 4)."""
    reader.space()
    uids = reader.message_set(uid=True)
    assert not isinstance(uids, SeqSet)
    return Expunge(uids)


def parse_store(reader: Reader) -> Store:
    """store = "STORE" SP sequence-set SP store-att-flags."""
    return _store(reader, uid=False)


def parse_uid_store(reader: Reader) -> Store:
    """UID STORE."""
    return _store(reader, uid=True)


def _store(reader: Reader, *, uid: bool) -> Store:
    """Read STORE with its modifiers (RFC 3501 section 9, RFC 7162 section 7).

    store = "STORE" SP sequence-set [SP "(" "UNCHANGEDSINCE" SP mod-sequence-valzer ")"] SP
            ["+" / "-"] "FLAGS" [".SILENT"] SP (flag-list / (flag *(SP flag)))
    """
    reader.space()
    messages = reader.message_set(uid=uid)
    reader.space()
    unchanged_since = None
    if reader.try_octets(b"("):
        reader.octets(b"UNCHANGEDSINCE")
        reader.space()
        unchanged_since = reader.modseq()
        reader.octets(b")")
        reader.space()
    item = reader.word("FLAGS, +FLAGS or -FLAGS")
    silent = item.endswith(".SILENT")
    try:
        how = StoreHow(item.removesuffix(".SILENT"))
    except ValueError:
        raise Malformed(f"{item} can't be stored; FLAGS, +FLAGS and -FLAGS can") from None
    reader.space()
    if reader.ahead(b"("):
        flags = reader.flag_list()
    else:
        loose = [reader.flag()]
        while reader.try_octets(b" "):
            loose.append(reader.flag())
        flags = tuple(loose)
    return Store(messages, uid, how, flags, silent, unchanged_since)


def parse_copy(reader: Reader) -> Copy:
    """copy = "COPY" SP sequence-set SP mailbox."""
    return Copy(*_set_and_mailbox(reader, uid=False))


def parse_uid_copy(reader: Reader) -> Copy:
    """UID COPY."""
    return Copy(*_set_and_mailbox(reader, uid=True))


def parse_move(reader: Reader) -> Move:
    """move = "MOVE" SP sequence-set SP mailbox (RFC 6851 section 4)."""
    return Move(*_set_and_mailbox(reader, uid=False))


def parse_uid_move(reader: Reader) -> Move:
    """UID MOVE."""
    return Move(*_set_and_mailbox(reader, uid=True))


def _set_and_mailbox(
    reader: Reader, *, uid: bool
) -> tuple[SeqSet | UidSet | SavedResult, bool, str]:
    reader.space()
    messages = reader.message_set(uid=uid)
    reader.space()
    return messages, uid, reader.mailbox()
