"""Commands about mailboxes as a whole. Names are Unicode, decoded from modified UTF-7."""

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from maildird.imap.grammar import Reader
from maildird.terms.errors import Malformed
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


_MOST_ITEMS: Final = 100
"""Each pattern of LIST is held against each mailbox."""


def parse_select(reader: Reader) -> Select:
    """select = "SELECT" SP mailbox [select-params]."""
    return _select(reader, read_only=False)


def parse_examine(reader: Reader) -> Select:
    """examine = "EXAMINE" SP mailbox [select-params]."""
    return _select(reader, read_only=True)


def _select(reader: Reader, *, read_only: bool) -> Select:
    """select-params = SP "(" select-param *(SP select-param) ")" (RFC 4466 section 2.1)."""
    reader.space()
    mailbox = reader.mailbox()
    condstore, qresync = False, None
    if not reader.try_octets(b" "):
        return Select(mailbox, read_only)
    reader.octets(b"(")
    while True:
        name = reader.word("CONDSTORE or QRESYNC")
        if name == "CONDSTORE" and not condstore:
            condstore = True
        elif name == "QRESYNC" and qresync is None:
            qresync = _qresync(reader)
        else:
            raise Malformed(f"{name} is no parameter of SELECT, or stands there twice")
        if reader.try_octets(b")"):
            return Select(mailbox, read_only, condstore, qresync)
        reader.space()


def _qresync(reader: Reader) -> Qresync:
    """Read what follows QRESYNC (RFC 7162 section 7).

    select-param =/ "QRESYNC" SP "(" uidvalidity SP mod-sequence-value [SP known-uids]
                    [SP seq-match-data] ")"
    """
    reader.space()
    reader.octets(b"(")
    uidvalidity = reader.nz_number("a UIDVALIDITY")
    reader.space()
    modseq = reader.modseq()
    known, match = None, None
    more = reader.try_octets(b" ")
    if more and not reader.ahead(b"("):
        known = reader.number_set(UidSet, star=False)
        more = reader.try_octets(b" ")
    if more:
        match = _seq_match(reader)
    reader.octets(b")")
    return Qresync(uidvalidity, modseq, known, match)


def _seq_match(reader: Reader) -> SeqMatch:
    """seq-match-data = "(" known-sequence-set SP known-uid-set ")"."""
    reader.octets(b"(")
    seqs = reader.number_set(SeqSet, star=False)
    reader.space()
    uids = reader.number_set(UidSet, star=False)
    reader.octets(b")")
    seqs, uids = seqs.resolve(0), uids.resolve(0)
    if len(seqs) != len(uids):
        raise Malformed("the two sets of sequence match data differ in length (RFC 7162 3.2.5.2)")
    return SeqMatch(seqs, uids)


def parse_create(reader: Reader) -> Create:
    """create = "CREATE" SP mailbox [SP "(" "USE" SP "(" [use-attr *(SP use-attr)] ")" ")"]."""
    reader.space()
    mailbox = reader.mailbox()
    if not reader.try_octets(b" "):
        return Create(mailbox)
    reader.octets(b"(USE (")
    uses: list[str] = []
    while not reader.try_octets(b")"):
        if uses:
            reader.space()
        reader.octets(b"\\")
        uses.append("\\" + reader.atom("a special-use attribute").decode("ascii"))
    reader.octets(b")")
    return Create(mailbox, tuple(uses))


def parse_delete(reader: Reader) -> Delete:
    """delete = "DELETE" SP mailbox."""
    return Delete(_one_mailbox(reader))


def parse_rename(reader: Reader) -> Rename:
    """rename = "RENAME" SP mailbox SP mailbox."""
    source = _one_mailbox(reader)
    return Rename(source, _one_mailbox(reader))


def parse_subscribe(reader: Reader) -> Subscribe:
    """subscribe = "SUBSCRIBE" SP mailbox."""
    return Subscribe(_one_mailbox(reader))


def parse_unsubscribe(reader: Reader) -> Unsubscribe:
    """unsubscribe = "UNSUBSCRIBE" SP mailbox."""
    return Unsubscribe(_one_mailbox(reader))


def parse_lsub(reader: Reader) -> Lsub:
    """lsub = "LSUB" SP mailbox SP list-mailbox."""
    reference = _reference(reader)
    reader.space()
    return Lsub(reference, reader.list_mailbox())


def parse_status(reader: Reader) -> Status:
    """status = "STATUS" SP mailbox SP "(" status-att *(SP status-att) ")"."""
    mailbox = _one_mailbox(reader)
    reader.space()
    return Status(mailbox, _status_items(reader))


def parse_namespace(reader: Reader) -> Namespace:
    """namespace = "NAMESPACE"."""
    return Namespace()


def parse_list(reader: Reader) -> List:
    """Read LIST, basic or extended (RFC 5258 section 6, RFC 5819 section 4).

    list = "LIST" [SP list-select-opts] SP mailbox SP mbox-or-pat [SP list-return-opts]
    """
    extended = False
    select: frozenset[ListSelect] = frozenset()
    if reader.ahead(b" ("):
        reader.space()
        select = _list_select(reader)
        extended = True
    reference = _reference(reader)
    reader.space()
    if reader.ahead(b"("):
        patterns = _parenthesised(reader, reader.list_mailbox)  # patterns (RFC 5258 section 6)
        extended = True
    else:
        patterns = [reader.list_mailbox()]
    returns, status = _list_return(reader)
    if returns is not None:
        extended = True
    return List(reference, tuple(patterns), extended, select, returns or frozenset(), status)


def _list_select(reader: Reader) -> frozenset[ListSelect]:
    """list-select-opts = "(" [list-select-option *(SP list-select-option)] ")"."""
    if reader.try_octets(b"()"):
        return frozenset()
    names = _parenthesised(reader, lambda: reader.word("a selection option"))
    try:
        select = frozenset(map(ListSelect, names))
    except ValueError:
        raise Malformed(f"no selection option of LIST among {' '.join(names)}") from None
    if ListSelect.RECURSIVEMATCH in select and ListSelect.SUBSCRIBED not in select:
        raise Malformed("RECURSIVEMATCH needs SUBSCRIBED beside it (RFC 5258 section 3.1)")
    return select


def _list_return(
    reader: Reader,
) -> tuple[frozenset[ListReturn] | None, tuple[StatusItem, ...]]:
    """list-return-opts = "RETURN" SP "(" [return-option *(SP return-option)] ")"."""
    if not reader.try_octets(b" RETURN ("):
        return None, ()
    returns: set[ListReturn] = set()
    status: tuple[StatusItem, ...] = ()
    first = True
    while not reader.try_octets(b")"):
        if not first:
            reader.space()
        first = False
        name = reader.word("a return option")
        if name == "STATUS":
            reader.space()
            status = _status_items(reader)
            continue
        try:
            returns.add(ListReturn(name))
        except ValueError:
            raise Malformed(f"{name} is no return option of LIST") from None
    return frozenset(returns), status


def _status_items(reader: Reader) -> tuple[StatusItem, ...]:
    names = _parenthesised(reader, lambda: reader.word("a status item"))
    try:
        return tuple(dict.fromkeys(map(StatusItem, names)))
    except ValueError:
        known = " ".join(item.value for item in StatusItem)
        raise Malformed(f"a status item among {' '.join(names)} is not one of {known}") from None


def _one_mailbox(reader: Reader) -> str:
    reader.space()
    return reader.mailbox()


def _reference(reader: Reader) -> str:
    """A reference is a mailbox name that may be empty."""
    reader.space()
    return reader.list_mailbox()


def _parenthesised(reader: Reader, item: Callable[[], str]) -> list[str]:
    """At least one item between parentheses, and not too many."""
    reader.octets(b"(")
    items = [item()]
    while not reader.try_octets(b")"):
        reader.space()
        items.append(item())
        if len(items) > _MOST_ITEMS:
            raise Malformed(f"more than {_MOST_ITEMS} items in parentheses; use several commands")
    return items
