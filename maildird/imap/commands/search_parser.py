"""The grammar of SEARCH (RFC 3501 section 9; RFC 4731, 5032, 5182, 7162).

    search     = "SEARCH" [search-return-opts] [SP "CHARSET" SP astring] 1*(SP search-key)
    search-key = "ALL" / "ANSWERED" / … / sequence-set / "(" search-key *(SP search-key) ")"

The keys nest by NOT, OR and parentheses; how deep and how many is limited, as each costs work on
every message.
"""

import re
from collections.abc import Callable
from datetime import date
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
from maildird.imap.grammar import Reader
from maildird.terms.charsets import CODECS, normalised
from maildird.terms.errors import Malformed

MOST_KEYS: Final = 10_000

DEEPEST: Final = 100
"""So many parentheses, NOTs and ORs may stand inside each other."""

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

# sequence-set begins so, and no other key does
_SET_BEGINS: Final = re.compile(rb"[\d*$]")

# entry-flag-name = DQUOTE "/flags/" attr-flag DQUOTE, and attr-flag does not include "\Recent"
_ENTRY: Final = re.compile(
    rb'/flags/(?!\\recent\Z)\\?[^\x00-\x20(){%*"\\\]\x7f-\xff]+', re.IGNORECASE
)


def parse_search(reader: Reader) -> Search:
    """SEARCH."""
    return _search(reader, uid=False)


def parse_uid_search(reader: Reader) -> Search:
    """UID SEARCH."""
    return _search(reader, uid=True)


def _search(reader: Reader, *, uid: bool) -> Search:
    returns = _returns(reader) if reader.try_octets(b" RETURN ") else None
    charset = _charset(reader) if reader.try_octets(b" CHARSET ") else None
    codec = None if charset is None else CODECS.get(normalised(charset))
    reader.space()
    key = _Keys(reader, codec).side_by_side()
    return Search(key, uid, returns, charset if codec is None else None)


def _returns(reader: Reader) -> frozenset[SearchReturn]:
    """search-return-opts = SP "RETURN" SP "(" [option *(SP option)] ")" (RFC 4466 section 6)."""
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
    """The name of the charset of the command's strings, be it known or not."""
    return reader.astring("the name of a charset").decode("ascii", "replace")


class _Keys:
    """Reads search keys and counts them."""

    def __init__(self, reader: Reader, codec: str | None) -> None:
        self._reader = reader
        self._codec = codec
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
        if self._depth > DEEPEST:
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
        if reader.ahead_match(_SET_BEGINS):
            return InSet(reader.message_set(uid=False))
        name = reader.word("a search key")
        if name in _PLAIN:
            return _PLAIN[name]
        if name not in _WITH_ARGUMENTS:
            raise Malformed(f"{name} is no search key (RFC 3501 section 6.4.4)")
        reader.space()
        return _WITH_ARGUMENTS[name](self)

    # What follows the name of a key and a space

    def string(self) -> str:
        """astring, in the command's charset; UTF-8 where it names none that is known."""
        octets = self._reader.astring("what to search for")
        if self._codec is None:
            return octets.decode("utf-8", "replace")
        try:
            text = octets.decode(self._codec)
            text.encode()  # UTF-7 and its like can hold a lone surrogate
        except ValueError:
            raise Malformed(f"what to search for is not in {self._codec}") from None
        return text

    def keyword(self) -> str:
        """flag-keyword = atom."""
        return self._reader.atom("a keyword").decode("ascii")

    def number(self) -> int:
        """number, of octets."""
        return self._reader.number("a number of octets")

    def interval(self) -> int:
        """nz-number, of seconds (RFC 5032 section 3)."""
        return self._reader.nz_number("a number of seconds above 0")

    def day(self) -> date:
        """date."""
        return self._reader.date()

    def negated(self) -> SearchKey:
        """ "NOT" SP search-key."""
        return Not(self._key())

    def either(self) -> SearchKey:
        """ "OR" SP search-key SP search-key."""
        left = self._key()
        self._reader.space()
        return Or(left, self._key())

    def header(self) -> SearchKey:
        """ "HEADER" SP header-fld-name SP astring."""
        field = self._reader.astring("the name of a header field").decode("utf-8", "replace")
        self._reader.space()
        return InHeader(field, self.string())

    def uids(self) -> SearchKey:
        """ "UID" SP sequence-set."""
        return InSet(self._reader.message_set(uid=True))

    def modseq(self) -> SearchKey:
        """ "MODSEQ" [search-modseq-ext] SP mod-sequence-valzer (RFC 7162 section 7)."""
        reader = self._reader
        if reader.ahead(b'"'):
            name = reader.string("the name of an entry")
            if not _ENTRY.fullmatch(name):
                raise Malformed(
                    'the entry of MODSEQ is "/flags/" and a flag but \\Recent (RFC 7162 section 7)'
                )
            reader.space()
            if reader.word("priv, shared or all") not in ("PRIV", "SHARED", "ALL"):
                raise Malformed("the entry type of MODSEQ is priv, shared or all")
            reader.space()
        return ModSeq(reader.modseq())


_WITH_ARGUMENTS: Final[dict[str, Callable[[_Keys], SearchKey]]] = {
    "BCC": lambda keys: InHeader("Bcc", keys.string()),
    "BEFORE": lambda keys: InternalDate(When.BEFORE, keys.day()),
    "BODY": lambda keys: InBody(keys.string()),
    "CC": lambda keys: InHeader("Cc", keys.string()),
    "FROM": lambda keys: InHeader("From", keys.string()),
    "HEADER": _Keys.header,
    "KEYWORD": lambda keys: HasFlag(keys.keyword(), True),
    "LARGER": lambda keys: Larger(keys.number()),
    "MODSEQ": _Keys.modseq,
    "NOT": _Keys.negated,
    "OLDER": lambda keys: Older(keys.interval()),
    "ON": lambda keys: InternalDate(When.ON, keys.day()),
    "OR": _Keys.either,
    "SENTBEFORE": lambda keys: SentDate(When.BEFORE, keys.day()),
    "SENTON": lambda keys: SentDate(When.ON, keys.day()),
    "SENTSINCE": lambda keys: SentDate(When.SINCE, keys.day()),
    "SINCE": lambda keys: InternalDate(When.SINCE, keys.day()),
    "SMALLER": lambda keys: Smaller(keys.number()),
    "SUBJECT": lambda keys: InHeader("Subject", keys.string()),
    "TEXT": lambda keys: InText(keys.string()),
    "TO": lambda keys: InHeader("To", keys.string()),
    "UID": _Keys.uids,
    "UNKEYWORD": lambda keys: HasFlag(keys.keyword(), False),
    "YOUNGER": lambda keys: Younger(keys.interval()),
}
