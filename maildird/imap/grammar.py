"""Reading a command: what all grammars share (RFC 3501 section 9, with its ABNF beside).

Theory of operation. A `Reader` goes once over a command's texts and literals. It has two kinds of
verbs: `try_…` looks and gives None when something else stands there; the others expect, and raise
Malformed with what was expected. Nothing backtracks, so reading is linear.
"""

import re
from datetime import date, datetime, time, timedelta, timezone
from typing import Final, TypeVar

from maildird.imap.fragments import Fragments
from maildird.terms import mutf7
from maildird.terms.codes import Code
from maildird.terms.errors import Malformed, Refused
from maildird.terms.flags import SYSTEM_FLAGS
from maildird.terms.sets import STAR, NumberSet, SavedResult, SeqSet, UidSet

# ATOM-CHAR = any CHAR except "(" / ")" / "{" / SP / CTL / "%" / "*" / DQUOTE / "\" / "]"
_ATOM: Final = re.compile(rb'[^\x00-\x20(){%*"\\\]\x7f-\xff]+')
# ASTRING-CHAR = ATOM-CHAR / "]"
_ASTRING: Final = re.compile(rb'[^\x00-\x20(){%*"\\\x7f-\xff]+')
# list-char = ATOM-CHAR / list-wildcards / "]"
_LIST: Final = re.compile(rb'[^\x00-\x20(){"\\\x7f-\xff]+')
# tag = 1*<any ASTRING-CHAR except "+">; one that is longer has to be echoed by every response
TAG: Final = re.compile(rb'[^\x00-\x20(){%*"\\\x7f-\xff+]{1,255}')
# quoted = DQUOTE *QUOTED-CHAR DQUOTE; 8-bit octets are let through, clients do send UTF-8
_QUOTED: Final = re.compile(rb'"([^"\\\r\n\x00]*+(?:\\["\\][^"\\\r\n\x00]*+)*+)"')
_ESCAPED: Final = re.compile(rb'\\(["\\])')
# number = 1*DIGIT, so that zeros may lead it
_NUMBER: Final = re.compile(rb"0*(\d{1,20})")
# sequence-set = (seq-number / seq-range) *("," sequence-set)
_SET: Final = re.compile(
    rb"(?:\d{1,10}|\*)(?::(?:\d{1,10}|\*))?(?:,(?:\d{1,10}|\*)(?::(?:\d{1,10}|\*))?)*"
)
# date = date-text / DQUOTE date-text DQUOTE; date-text = date-day "-" date-month "-" date-year
_DATE: Final = re.compile(
    rb'(?P<quote>")?(?P<day>(?(quote) )?\d|\d\d)-(?P<month>[A-Za-z]{3})-(?P<year>\d{4})(?(quote)")'
)
# date-time = DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP zone DQUOTE
_DATE_TIME: Final = re.compile(
    rb'"(?P<day> ?\d|\d\d)-(?P<month>[A-Za-z]{3})-(?P<year>\d{4})'
    rb' (\d\d):(\d\d):(\d\d) ([+-])(\d\d)([0-5]\d)"'
)
_MONTHS: Final = b"jan feb mar apr may jun jul aug sep oct nov dec".split()
_SETTABLE_FLAGS: Final = {name.upper().encode("ascii"): name for name in SYSTEM_FLAGS}

_MAX_NUMBER: Final = (1 << 32) - 1
_MAX_MODSEQ: Final = (1 << 63) - 1

AnySet = TypeVar("AnySet", bound=NumberSet)


class Reader:
    """One command, read from its beginning to its end."""

    def __init__(self, fragments: Fragments) -> None:
        self._texts = fragments.texts
        self._literals = fragments.literals
        self._piece = 0
        self._text = fragments.texts[0]
        self._at = 0

    # What stands here

    @property
    def at_end(self) -> bool:
        """Whether everything was read."""
        return self._at == len(self._text) and self._piece == len(self._literals)

    def ahead(self, octets: bytes) -> bool:
        """Whether these octets stand here; case doesn't count."""
        end = self._at + len(octets)
        return self._text[self._at : end].upper() == octets

    def ahead_match(self, pattern: re.Pattern[bytes]) -> bool:
        """Whether what stands here matches."""
        return pattern.match(self._text, self._at) is not None

    def try_match(self, pattern: re.Pattern[bytes]) -> re.Match[bytes] | None:
        """Read what matches, if it does."""
        match = pattern.match(self._text, self._at)
        if match is not None:
            self._at = match.end()
        return match

    def try_octets(self, octets: bytes) -> bool:
        """Read these octets (upper case; theirs may be lower), if they stand here."""
        if not self.ahead(octets):
            return False
        self._at += len(octets)
        return True

    def match(self, pattern: re.Pattern[bytes], what: str) -> re.Match[bytes]:
        """Read what matches `pattern`; `what` names it in the error."""
        match = self.try_match(pattern)
        if match is None:
            raise self.expected(what)
        return match

    def octets(self, octets: bytes) -> None:
        """Read just these octets (upper case; theirs may be lower)."""
        if not self.try_octets(octets):
            raise self.expected(octets.decode("ascii"))

    def space(self) -> None:
        """SP."""
        if not self.try_octets(b" "):
            raise self.expected("a space")

    def end(self) -> None:
        """Nothing may follow."""
        if not self.at_end:
            raise self.expected("the end of the command")

    def expected(self, what: str) -> Malformed:
        """The error that `what` should stand here."""
        if self._at < len(self._text):
            found = ascii(self._text[self._at : self._at + 20].decode("latin-1"))
        elif self._piece < len(self._literals):
            found = "a literal"
        else:
            found = "the end"
        return Malformed(f"expected {what}, found {found}")

    # Words and strings

    def atom(self, what: str = "an atom") -> bytes:
        """atom = 1*ATOM-CHAR."""
        return self.match(_ATOM, what)[0]

    def word(self, what: str = "a word") -> str:
        """An atom in upper case, for what has a fixed set of names."""
        return self.atom(what).upper().decode("ascii")

    def try_string(self) -> bytes | None:
        """string = quoted / literal; CHAR8 = any octet but NUL."""
        literal = self._try_literal()
        if literal is not None:
            if b"\0" in literal:
                raise Malformed("a literal can't hold the octet 0 (RFC 3501 section 9)")
            return literal
        match = self.try_match(_QUOTED)
        if match is None:
            return None
        return _ESCAPED.sub(rb"\1", match[1]) if b"\\" in match[1] else match[1]

    def string(self, what: str = "a string") -> bytes:
        """string, which must stand here."""
        found = self.try_string()
        if found is None:
            raise self.expected(what)
        return found

    def astring(self, what: str = "an atom or a string") -> bytes:
        """astring = 1*ASTRING-CHAR / string."""
        found = self.try_string()
        return self.match(_ASTRING, what)[0] if found is None else found

    def nstring(self) -> bytes | None:
        """nstring = string / nil."""
        found = self.try_string()
        if found is None:
            self.octets(b"NIL")
        return found

    def literal(self, what: str) -> bytes:
        """literal, NUL included: what to say of that is the caller's business."""
        found = self._try_literal()
        if found is None:
            raise self.expected(what)
        return found

    def _try_literal(self) -> bytes | None:
        if self._at < len(self._text) or self._piece == len(self._literals):
            return None
        found = self._literals[self._piece]
        self._piece += 1
        self._text, self._at = self._texts[self._piece], 0
        return found

    # Mailboxes

    def mailbox(self) -> str:
        """mailbox = "INBOX" / astring; Refused (CANNOT) for what is not modified UTF-7."""
        name = self.astring("a mailbox name")
        if name.upper() == b"INBOX":
            return "INBOX"
        try:
            return mutf7.decode(name.decode("ascii"))
        except ValueError:
            raise Refused(
                Code.CANNOT,
                "the mailbox name is not in modified UTF-7 (RFC 3501 section 5.1.3)",
            ) from None

    def list_mailbox(self) -> str:
        """list-mailbox = 1*list-char / string; what is not modified UTF-7 stays as it is."""
        found = self.try_string()
        pattern = self.match(_LIST, "a mailbox pattern")[0] if found is None else found
        text = pattern.decode("utf-8", "replace")
        try:
            return mutf7.decode(text)
        except ValueError:
            return text

    # Numbers

    def number(self, what: str = "a number") -> int:
        """number = 1*DIGIT, below 2^32."""
        value = int(self.match(_NUMBER, what)[1])
        if value > _MAX_NUMBER:
            raise Malformed(f"{what} is above {_MAX_NUMBER}: {value}")
        return value

    def nz_number(self, what: str = "a number above 0") -> int:
        """nz-number = digit-nz *DIGIT."""
        value = self.number(what)
        if value == 0:
            raise Malformed(f"expected {what}, found 0")
        return value

    def modseq(self) -> int:
        """mod-sequence-valzer = "0" / mod-sequence-value, below 2^63 (RFC 7162 section 7)."""
        value = int(self.match(_NUMBER, "a mod-sequence")[1])
        if value > _MAX_MODSEQ:
            raise Malformed(f"a mod-sequence is below 2^63: {value} is not")
        return value

    def number_set(self, kind: type[AnySet], *, star: bool = True) -> AnySet:
        """sequence-set; without `star` it is the known-uids kind of RFC 7162, which has no `*`."""
        spelled = self.match(_SET, "a sequence set")[0]
        if not star and b"*" in spelled:
            raise Malformed("`*` can't stand in this set (RFC 7162 section 7)")
        ranges = []
        for part in spelled.split(b","):
            low, colon, high = part.partition(b":")
            first = _set_number(low)
            ranges.append((first, _set_number(high) if colon else first))
        return kind(tuple(ranges))

    def message_set(self, *, uid: bool) -> SeqSet | UidSet | SavedResult:
        """sequence-set =/ "$" (RFC 5182 section 5)."""
        if self.try_octets(b"$"):
            return SavedResult()
        return self.number_set(UidSet) if uid else self.number_set(SeqSet)

    # Flags

    def flag(self) -> str:
        """flag = "\\Answered" / "\\Flagged" / "\\Deleted" / "\\Seen" / "\\Draft" / flag-keyword.

        System flags come in this spelling, keywords in the client's. \\Recent can't be set, nor can
        flags that nobody knows (flag-extension).
        """
        if not self.try_octets(b"\\"):
            return self.atom("a flag").decode("ascii")
        name = self.atom("a flag")
        flag = _SETTABLE_FLAGS.get(b"\\" + name.upper())
        if flag is None:
            raise Malformed(
                f"\\{name.decode('ascii')} can't be set;"
                f" {' '.join(SYSTEM_FLAGS)} and keywords can (RFC 3501 section 2.3.2)"
            )
        return flag

    def flag_list(self) -> tuple[str, ...]:
        """flag-list = "(" [flag *(SP flag)] ")"."""
        flags: list[str] = []
        self.octets(b"(")
        while not self.try_octets(b")"):
            if flags:
                self.space()
            flags.append(self.flag())
        return tuple(flags)

    # Dates

    def date(self) -> date:
        """date = date-text / DQUOTE date-text DQUOTE."""
        return _day(self.match(_DATE, "a date like 24-Nov-2026"))

    def date_time(self) -> int:
        """date-time, as Unix time in seconds; a leap second is the one before it."""
        match = self.match(_DATE_TIME, 'a date and time like "24-Nov-2026 09:30:00 +0100"')
        day = _day(match)
        hour, minute, second, zone_hours, zone_minutes = map(int, match.group(4, 5, 6, 8, 9))
        zone = timedelta(hours=zone_hours, minutes=zone_minutes)
        try:
            at = time(hour, minute, second - (second == 60))
            moment = datetime.combine(day, at, timezone(-zone if match[7] == b"-" else zone))
        except ValueError as error:
            raise Malformed(f"{_spelled(match)} is no date and time: {error}") from None
        return int(moment.timestamp())


def _set_number(spelled: bytes) -> int:
    """seq-number = nz-number / "*"."""
    if spelled == b"*":
        return STAR
    number = int(spelled)
    if not 0 < number <= _MAX_NUMBER:
        raise Malformed(f"a message number or UID is from 1 to {_MAX_NUMBER}: {number} is not")
    return number


def _day(match: re.Match[bytes]) -> date:
    """The day of a match with the groups day, month and year."""
    try:
        month = _MONTHS.index(match["month"].lower()) + 1
        return date(int(match["year"]), month, int(match["day"]))
    except ValueError:
        raise Malformed(f"{_spelled(match)} is no date of the calendar") from None


def _spelled(match: re.Match[bytes]) -> str:
    return match[0].decode("ascii")
