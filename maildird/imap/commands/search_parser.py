"""The grammar of SEARCH (RFC 3501 section 9; RFC 4731, 5032, 5182, 7162).

    search     = "SEARCH" [search-return-opts] [SP "CHARSET" SP astring] 1*(SP search-key)
    search-key = "ALL" / "ANSWERED" / … / sequence-set / "(" search-key *(SP search-key) ")"

The keys nest by NOT, OR and parentheses; how deep and how many is limited, as each costs work on
every message.
"""

import codecs
from collections.abc import Callable
from typing import Final

from maildird.imap.commands.search import (
    All,
    And,
    HasFlag,
    InBody,
    InHeader,
    InSet,
    InternalDate,
    InText,
    IsRecent,
    Larger,
    ModSeq,
    Not,
    Older,
    Or,
    Search,
    SearchKey,
    SearchReturn,
    SentDate,
    Smaller,
    When,
    Younger,
)
from maildird.imap.grammar import DEEPEST, Reader
from maildird.terms.errors import BadCharset, Malformed
from maildird.terms.sets import UidSet

MOST_KEYS: Final = 10_000

_FLAGS: Final = {
    "ANSWERED": HasFlag("\\Answered", True),
    "DELETED": HasFlag("\\Deleted", True),
    "DRAFT": HasFlag("\\Draft", True),
    "FLAGGED": HasFlag("\\Flagged", True),
    "SEEN": HasFlag("\\Seen", True),
    "UNANSWERED": HasFlag("\\Answered", False),
    "UNDELETED": HasFlag("\\Deleted", False),
    "UNDRAFT": HasFlag("\\Draft", False),
    "UNFLAGGED": HasFlag("\\Flagged", False),
    "UNSEEN": HasFlag("\\Seen", False),
}

_PLAIN: Final[dict[str, SearchKey]] = {
    "ALL": All(),
    "NEW": And((IsRecent(True), HasFlag("\\Seen", False))),
    "OLD": IsRecent(False),
    "RECENT": IsRecent(True),
    **_FLAGS,
}

_HEADERS: Final = frozenset({"BCC", "CC", "FROM", "SUBJECT", "TO"})


def parse_search(reader: Reader) -> Search:
    """SEARCH."""
    return _search(reader, uid=False)


def parse_uid_search(reader: Reader) -> Search:
    """UID SEARCH."""
    return _search(reader, uid=True)


def _search(reader: Reader, *, uid: bool) -> Search:
    returns = _returns(reader) if reader.try_octets(b" RETURN ") else None
    charset = _charset(reader) if reader.try_octets(b" CHARSET ") else None
    keys = _Keys(reader, charset)
    reader.space()
    return Search(keys.side_by_side(), uid, returns)


def _returns(reader: Reader) -> frozenset[SearchReturn]:
    """search-return-opts = SP "RETURN" SP "(" [search-return-opt *(SP search-return-opt)] ")"."""
    reader.octets(b"(")
    returns: set[SearchReturn] = set()
    while not reader.try_octets(b")"):
        if returns:
            reader.space()
        name = reader.word("a result option")
        try:
            returns.add(SearchReturn(name))
        except ValueError:
            raise Malformed(f"{name} is no result option of SEARCH") from None
    return frozenset(returns or {SearchReturn.ALL})


def _charset(reader: Reader) -> str:
    """The codec of the command's strings; BadCharset for one that isn't known."""
    name = reader.text_argument("the name of a charset").decode("ascii", "replace")
    try:
        codec = codecs.lookup(name)
        b"".decode(codec.name)
    except (LookupError, ValueError):
        raise BadCharset(name) from None
    return codec.name


class _Keys:
    """Reads search keys and counts them."""

    def __init__(self, reader: Reader, charset: str | None) -> None:
        self._reader = reader
        self._charset = charset
        self._count = 0
        self._depth = 0

    def side_by_side(self) -> SearchKey:
        """search-key *(SP search-key): all of them."""
        keys = [self._key()]
        while self._reader.try_octets(b" "):
            keys.append(self._key())
        return keys[0] if len(keys) == 1 else And(tuple(keys))

    def _key(self) -> SearchKey:
        self._count += 1
        if self._count > MOST_KEYS:
            raise Malformed(f"more than {MOST_KEYS} search keys; use several commands")
        if self._depth == DEEPEST:
            raise Malformed(f"search keys are nested deeper than {DEEPEST} levels")
        self._depth += 1
        key = self._any_key()
        self._depth -= 1
        return key

    def _any_key(self) -> SearchKey:
        reader = self._reader
        if reader.try_octets(b"("):
            keys = self.side_by_side()
            reader.octets(b")")
            return keys
        if reader.ahead(b"$") or reader.ahead(b"*") or reader.rest[:1].isdigit():
            return InSet(reader.message_set(uid=False))
        name = reader.word("a search key")
        if name in _PLAIN:
            return _PLAIN[name]
        parse = self._with_arguments(name)
        if parse is None:
            raise Malformed(f"{name} is no search key (RFC 3501 section 6.4.4)")
        reader.space()
        return parse()

    def _with_arguments(self, name: str) -> Callable[[], SearchKey] | None:
        reader = self._reader
        if name in _HEADERS:
            return lambda: InHeader(name.capitalize(), self._astring())
        readers: dict[str, Callable[[], SearchKey]] = {
            "BEFORE": lambda: InternalDate(When.BEFORE, reader.date()),
            "BODY": lambda: InBody(self._astring()),
            "HEADER": self._header,
            "KEYWORD": lambda: HasFlag(reader.atom("a keyword").decode("ascii"), True),
            "LARGER": lambda: Larger(reader.number()),
            "MODSEQ": self._modseq,
            "NOT": lambda: Not(self._key()),
            "OLDER": lambda: Older(reader.nz_number()),
            "ON": lambda: InternalDate(When.ON, reader.date()),
            "OR": self._either,
            "SENTBEFORE": lambda: SentDate(When.BEFORE, reader.date()),
            "SENTON": lambda: SentDate(When.ON, reader.date()),
            "SENTSINCE": lambda: SentDate(When.SINCE, reader.date()),
            "SINCE": lambda: InternalDate(When.SINCE, reader.date()),
            "SMALLER": lambda: Smaller(reader.number()),
            "TEXT": lambda: InText(self._astring()),
            "UID": self._uid,
            "UNKEYWORD": lambda: HasFlag(reader.atom("a keyword").decode("ascii"), False),
            "YOUNGER": lambda: Younger(reader.nz_number()),
        }
        return readers.get(name)

    def _either(self) -> SearchKey:
        """ "OR" SP search-key SP search-key."""
        left = self._key()
        self._reader.space()
        return Or(left, self._key())

    def _header(self) -> SearchKey:
        """ "HEADER" SP header-fld-name SP astring."""
        field = self._reader.text_argument("the name of a header field").decode("ascii", "replace")
        self._reader.space()
        return InHeader(field, self._astring())

    def _uid(self) -> SearchKey:
        """ "UID" SP sequence-set."""
        if self._reader.ahead(b"$"):
            return InSet(self._reader.message_set(uid=True))
        return InSet(self._reader.number_set(UidSet))

    def _modseq(self) -> SearchKey:
        """ "MODSEQ" [search-modseq-ext] SP mod-sequence-valzer (RFC 7162 section 7)."""
        reader = self._reader
        if reader.ahead(b'"'):
            name = reader.string("the name of an entry")
            if not name.lower().startswith(b"/flags/"):
                raise Malformed('the entry of MODSEQ is "/flags/" and a flag (RFC 7162 section 7)')
            reader.space()
            if reader.word("priv, shared or all") not in ("PRIV", "SHARED", "ALL"):
                raise Malformed("the entry type of MODSEQ is priv, shared or all")
            reader.space()
        return ModSeq(reader.modseq())

    def _astring(self) -> str:
        """astring, in the command's charset; UTF-8 where it names none."""
        text = self._reader.text_argument("what to search for")
        if self._charset is None:
            return text.decode("utf-8", "replace")
        try:
            return text.decode(self._charset)
        except ValueError:
            raise Malformed(f"what to search for is not in {self._charset}") from None
