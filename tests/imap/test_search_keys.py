"""SEARCH: what keys mean, in which charset their strings are, and how many may nest how deep."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from maildird.imap.limits import Limits
from maildird.imap.rendering import string
from maildird.terms.charsets import CODECS
from maildird.terms.errors import Malformed
from maildird.terms.sets import STAR, SavedResult, SeqSet, UidSet
from tests.imap.feeding import parsed, refused

WIDE = Limits()


def key_of(spelled: bytes) -> SearchKey:
    command = parsed(b"SEARCH " + spelled, WIDE)
    assert isinstance(command, Search)
    return command.key


KEYS: list[tuple[bytes, SearchKey]] = [
    (b"ALL", All()),
    (b"all", All()),
    (b"ANSWERED", HasFlag("\\Answered", True)),
    (b"UNDELETED", HasFlag("\\Deleted", False)),
    (b"unseen", HasFlag("\\Seen", False)),
    (b"KEYWORD $Junk", HasFlag("$Junk", True)),
    (b"UNKEYWORD seen", HasFlag("seen", False)),
    (b"RECENT", IsRecent(True)),
    (b"OLD", IsRecent(False)),
    (b"NEW", And((IsRecent(True), HasFlag("\\Seen", False)))),
    (b"2", InSet(SeqSet(((2, 2),)))),
    (b"2:4,*", InSet(SeqSet(((2, 4), (STAR, STAR))))),
    (b"*", InSet(SeqSet(((STAR, STAR),)))),
    (b"$", InSet(SavedResult())),
    (b"UID 2:4", InSet(UidSet(((2, 4),)))),
    (b"UID *:1", InSet(UidSet(((STAR, 1),)))),
    (b"UID $", InSet(SavedResult())),
    (b"FROM joe", InHeader("From", "joe")),
    (b'to "j o"', InHeader("To", "j o")),
    (b"Cc {3+}\r\njoe", InHeader("Cc", "joe")),
    (b'BCC ""', InHeader("Bcc", "")),
    (b"SUBJECT [a]", InHeader("Subject", "[a]")),
    (b'HEADER List-Id ""', InHeader("List-Id", "")),
    (b"HEADER {7+}\r\nList-Id x", InHeader("List-Id", "x")),
    (b'BODY "a \\"b\\" \\\\c"', InBody('a "b" \\c')),
    (b"TEXT x", InText("x")),
    (b"BEFORE 1-feb-1994", InternalDate(When.BEFORE, date(1994, 2, 1))),
    (b'ON "01-Feb-1994"', InternalDate(When.ON, date(1994, 2, 1))),
    (b'SINCE " 1-Feb-1994"', InternalDate(When.SINCE, date(1994, 2, 1))),
    (b"SENTBEFORE 29-Feb-2024", SentDate(When.BEFORE, date(2024, 2, 29))),
    (b"SENTON 31-Dec-9999", SentDate(When.ON, date(9999, 12, 31))),
    (b"SENTSINCE 1-Jan-0001", SentDate(When.SINCE, date(1, 1, 1))),
    (b"LARGER 0", Larger(0)),
    (b"SMALLER 4294967295", Smaller(4294967295)),
    (b"OLDER 3600", Older(3600)),
    (b"YOUNGER 1", Younger(1)),
    (b"MODSEQ 0", ModSeq(0)),
    (b"MODSEQ 9223372036854775807", ModSeq((1 << 63) - 1)),
    (b'MODSEQ "/flags/\\\\draft" all 620162338', ModSeq(620162338)),
    (b'MODSEQ "/flags/$MDNSent" Priv 1', ModSeq(1)),
    (b"NOT SEEN", Not(HasFlag("\\Seen", True))),
    (b"NOT (SEEN 1)", Not(And((HasFlag("\\Seen", True), InSet(SeqSet(((1, 1),))))))),
    (b"OR SEEN NOT ALL", Or(HasFlag("\\Seen", True), Not(All()))),
    (b"OR (ALL) OR 1 2", Or(All(), Or(InSet(SeqSet(((1, 1),))), InSet(SeqSet(((2, 2),)))))),
    (b"((ALL))", All()),
    (b"ALL SEEN", And((All(), HasFlag("\\Seen", True)))),
    (b"(ALL SEEN) OLD", And((And((All(), HasFlag("\\Seen", True))), IsRecent(False)))),
]


@pytest.mark.parametrize(("spelled", "key"), KEYS)
def test_keys(spelled: bytes, key: SearchKey) -> None:
    assert parsed(b"SEARCH " + spelled) == Search(key, uid=False)
    assert parsed(b"UID SEARCH " + spelled) == Search(key, uid=True)


@pytest.mark.parametrize(
    ("options", "returns"),
    [
        (b"()", {SearchReturn.ALL}),
        (b"(ALL)", {SearchReturn.ALL}),
        (b"(min MAX Count)", {SearchReturn.MIN, SearchReturn.MAX, SearchReturn.COUNT}),
        (b"(SAVE)", {SearchReturn.SAVE}),
        (b"(SAVE COUNT COUNT)", {SearchReturn.SAVE, SearchReturn.COUNT}),
    ],
)
def test_results_to_return(options: bytes, returns: set[SearchReturn]) -> None:
    expected = Search(All(), False, frozenset(returns))
    assert parsed(b"SEARCH RETURN " + options + b" ALL") == expected
    assert parsed(b"SEARCH return " + options + b" CHARSET us-ascii ALL") == expected


@pytest.mark.parametrize(
    ("charset", "octets", "text"),
    [
        (b"UTF-8", "größe".encode(), "größe"),
        (b'"utf-8"', "größe".encode(), "größe"),
        (b"{5+}\r\nutf-8", "größe".encode(), "größe"),
        (b"US-ASCII", b"size", "size"),
        (b"ISO-8859-1", b"gr\xf6\xdfe", "größe"),
        (b"windows-1251", b"\xef\xf0\xe8\xe2\xe5\xf2", "привет"),
        (b"koi8-r", b"\xd0\xd2\xc9\xd7\xc5\xd4", "привет"),
        (b"ISO-2022-JP", b'\x1b$B$"\x1b(B', "あ"),
        (b"Shift_JIS", b"\x82\xa0", "あ"),
        (b"utf-7", b"gr+APY-+AN8-e", "größe"),
        (b"UTF-16LE", b"h\x01", "Ũ"),
    ],
)
def test_strings_are_read_in_the_charset(charset: bytes, octets: bytes, text: str) -> None:
    literal = b"{%d+}\r\n%s" % (len(octets), octets)
    spelled = b"CHARSET " + charset + b" OR SUBJECT " + literal + b" BODY " + literal
    assert key_of(spelled) == Or(InHeader("Subject", text), InBody(text))


def test_without_a_charset_strings_are_utf8_where_they_can_be() -> None:
    assert key_of('TEXT "größe"'.encode()) == InText("größe")
    assert key_of(b'TEXT "gr\xf6\xdfe"') == InText("gr\ufffd\ufffde")


@pytest.mark.parametrize(
    "charset",
    [
        *("x-no-such", "idna", "punycode", "unicode_escape", "undefined", "base64", "rot13"),
        *("zlib", "utf-8-nope", "../etc/passwd", "os", "a.b", "\U0001f600", ""),
    ],
)
def test_charsets_that_are_not_known(charset: str) -> None:
    name = string(charset.encode()).replace(b"}", b"+}")
    assert parsed(b"SEARCH RETURN (SAVE) CHARSET " + name + b" SEEN") == Search(
        HasFlag("\\Seen", True),
        False,
        frozenset({SearchReturn.SAVE}),
        unknown_charset=name_as_read(charset),
    )
    refused(b"SEARCH CHARSET " + name + b" NOPE")


def name_as_read(charset: str) -> str:
    """Octets that are no ASCII are nothing to repeat to a client."""
    return charset.encode().decode("ascii", "replace")


@pytest.mark.parametrize(
    ("charset", "octets"),
    [(b"UTF-8", b"\xff"), (b"US-ASCII", b"\xe4"), (b"utf-7", b"+2AA-"), (b"utf-16le", b"x")],
)
def test_strings_that_are_not_in_the_charset(charset: bytes, octets: bytes) -> None:
    literal = b"{%d+}\r\n%s" % (len(octets), octets)
    error = refused(b"SEARCH CHARSET " + charset + b" TEXT " + literal)
    assert str(error).startswith("what to search for is not in ")


@given(st.sampled_from(sorted(CODECS)), st.binary(max_size=20).filter(lambda b: b"\0" not in b))
def test_no_charset_and_no_octets_are_unexpected(charset: str, octets: bytes) -> None:
    literal = b"{%d+}\r\n%s" % (len(octets), octets)
    line = b"SEARCH CHARSET " + charset.encode() + b" TEXT " + literal
    try:
        key_of(line.removeprefix(b"SEARCH "))
    except AssertionError:
        assert isinstance(refused(line), Malformed)


@pytest.mark.parametrize(
    ("spelled", "error"),
    [
        (b"", "expected a space"),
        (b" ", "expected a search key"),
        (b" NOPE", "NOPE is no search key"),
        (b" SEEN NOPE x", "NOPE is no search key"),
        (b" ALL ", "expected a search key"),
        (b"  ALL", "expected a search key"),
        (b" (ALL", "expected ), found the end"),
        (b" ALL)", "expected the end of the command"),
        (b" ()", "expected a search key"),
        (b" NOT", "expected a space"),
        (b" OR ALL", "expected a space"),
        (b" FROM", "expected a space"),
        (b" FROM (x)", "expected what to search for"),
        (b" FROM {1+}\r\n\0", "a literal can't hold the octet 0"),
        (b" HEADER x", "expected a space"),
        (b" KEYWORD \\Seen", "expected a keyword"),
        (b' KEYWORD "x"', "expected a keyword"),
        (b" BEFORE 30-Feb-2024", "30-Feb-2024 is no date of the calendar"),
        (b" BEFORE 1-Foo-2024", "1-Foo-2024 is no date of the calendar"),
        (b" BEFORE 1-Jan-0000", "1-Jan-0000 is no date of the calendar"),
        (b" BEFORE 00-Jan-2024", "00-Jan-2024 is no date of the calendar"),
        (b" BEFORE  1-Jan-2024", "expected a date like 24-Nov-2026"),
        (b' BEFORE "1-Jan-2024', "expected a date like 24-Nov-2026"),
        (b' BEFORE 1-Jan-2024"', "expected the end of the command"),
        (b" BEFORE 1-Jan-24", "expected a date like 24-Nov-2026"),
        (b" BEFORE 1-Jan-20245", "expected the end of the command"),
        (b" LARGER x", "expected a number of octets"),
        (b" LARGER -1", "expected a number of octets"),
        (b" LARGER 4294967296", "a number of octets is above 4294967295: 4294967296"),
        (b" OLDER 0", "expected a number of seconds above 0, found 0"),
        (b" MODSEQ 9223372036854775808", "a mod-sequence is below 2^63"),
        (b" MODSEQ 99999999999999999999999", "a mod-sequence is below 2^63"),
        (b" MODSEQ -1", "expected a mod-sequence"),
        (b' MODSEQ "x" all 1', 'the entry of MODSEQ is "/flags/" and a flag'),
        (b' MODSEQ "/flags/" all 1', 'the entry of MODSEQ is "/flags/" and a flag'),
        (b' MODSEQ "/flags/x" none 1', "the entry type of MODSEQ is priv, shared or all"),
        (b' MODSEQ "/flags/x" 1', "the entry type of MODSEQ is priv, shared or all"),
        (b" UID x", "expected a sequence set"),
        (b" UID", "expected a space"),
        (b" 0", "a message number or UID is from 1 to 4294967295: 0 is not"),
        (b" 4294967296", "a message number or UID is from 1 to 4294967295: 4294967296 is not"),
        (b" 1,", "expected the end of the command, found ','"),
        (b" 1:", "expected the end of the command, found ':'"),
        (b" $,1", "expected the end of the command"),
        (b" RETURN (NOPE) ALL", "NOPE is no result option of SEARCH"),
        (b" RETURN (MIN", "expected a space"),
        (b" RETURN ALL ALL", "expected ("),
        (b" RETURN (ALL)", "expected a space"),
        (b" CHARSET UTF-8", "expected a space"),
        (b" ALL CHARSET UTF-8 ALL", "CHARSET is no search key"),
    ],
)
def test_what_is_no_search(spelled: bytes, error: str) -> None:
    refusal = refused(b"SEARCH" + spelled)
    assert isinstance(refusal, Malformed)
    assert str(refusal).startswith(error)


def test_ten_thousand_keys_are_enough() -> None:
    wide = Limits(line=1 << 20)
    key = parsed(b"SEARCH" + b" 1" * 10_000, wide)
    assert isinstance(key, Search)
    assert isinstance(key.key, And)
    assert len(key.key.keys) == 10_000
    text = "more than 10000 search keys; use several commands"
    assert str(refused(b"SEARCH" + b" 1" * 10_001, wide)) == text


@pytest.mark.parametrize(
    ("before", "after"),
    [(b"NOT ", b""), (b"(", b")"), (b"OR ALL ", b""), (b"OR (ALL 1) (", b")"), (b"NOT (", b")")],
)
def test_keys_nest_a_hundred_levels_deep(before: bytes, after: bytes) -> None:
    wide = Limits(line=1 << 20)
    levels = sum(before.count(word) for word in (b"NOT", b"OR")) + after.count(b")")
    deepest = 100 // levels
    parsed(b"SEARCH " + before * deepest + b"ALL" + after * deepest, wide)
    error = refused(b"SEARCH " + before * 200 + b"ALL" + after * 200, wide)
    assert str(error) == "search keys are nested deeper than 100 levels"


# Encode and decode again


def spelled(key: SearchKey) -> bytes:
    """A key as a client would write it."""
    match key:
        case All():
            return b"ALL"
        case And(keys):
            return b"(" + b" ".join(map(spelled, keys)) + b")"
        case Or(left, right):
            return b"OR " + spelled(left) + b" " + spelled(right)
        case Not(key):
            return b"NOT " + spelled(key)
        case InSet(UidSet() as uids):
            return b"UID " + bytes(uids)
        case InSet(SeqSet() as seqs):
            return bytes(seqs)
        case InSet():
            return b"$"
        case HasFlag(flag, present):
            if flag.startswith("\\"):
                return (b"" if present else b"UN") + flag[1:].upper().encode()
            return (b"KEYWORD " if present else b"UNKEYWORD ") + flag.encode()
        case IsRecent(recent):
            return b"RECENT" if recent else b"OLD"
        case InHeader(field, value):
            return b"HEADER " + quoted(field) + b" " + quoted(value)
        case InBody(value):
            return b"BODY " + quoted(value)
        case InText(value):
            return b"TEXT " + quoted(value)
        case InternalDate(when, day):
            return when.value.encode() + b" " + day.strftime("%d-%b-").encode() + b"%04d" % day.year
        case SentDate(when, day):
            return b"SENT" + spelled(InternalDate(when, day))
        case Larger(octets):
            return b"LARGER %d" % octets
        case Smaller(octets):
            return b"SMALLER %d" % octets
        case Older(seconds):
            return b"OLDER %d" % seconds
        case Younger(seconds):
            return b"YOUNGER %d" % seconds
        case ModSeq(value):
            return b"MODSEQ %d" % value


def quoted(text: str) -> bytes:
    """A string with its literal, if it has to be one, sent unasked."""
    octets = text.encode()
    rendered = string(octets)
    return rendered if rendered.startswith(b'"') else b"{%d+}\r\n%s" % (len(octets), octets)


NUMBERS = st.integers(1, (1 << 32) - 1)
RANGES = st.lists(st.tuples(NUMBERS | st.just(STAR), NUMBERS), min_size=1, max_size=4).map(tuple)
TEXTS = st.text(max_size=8).filter(lambda text: "\0" not in text)
FLAGS = st.sampled_from(["\\Seen", "\\Deleted", "$Junk", "a.b"])
LEAVES: st.SearchStrategy[SearchKey] = st.one_of(
    st.just(All()),
    st.builds(InSet, RANGES.map(SeqSet) | RANGES.map(UidSet) | st.just(SavedResult())),
    st.builds(HasFlag, FLAGS, st.booleans()),
    st.builds(IsRecent, st.booleans()),
    st.builds(InHeader, TEXTS, TEXTS),
    st.builds(InBody, TEXTS) | st.builds(InText, TEXTS),
    st.builds(InternalDate, st.sampled_from(When), st.dates())
    | st.builds(SentDate, st.sampled_from(When), st.dates()),
    st.builds(Larger, NUMBERS) | st.builds(Smaller, NUMBERS),
    st.builds(Older, NUMBERS) | st.builds(Younger, NUMBERS),
    st.builds(ModSeq, st.integers(0, (1 << 63) - 1)),
)
SEARCH_KEYS = st.recursive(
    LEAVES,
    lambda keys: (
        st.builds(Not, keys)
        | st.builds(Or, keys, keys)
        | st.builds(And, st.lists(keys, min_size=2, max_size=3).map(tuple))
    ),
    max_leaves=8,
)


@given(SEARCH_KEYS)
def test_every_key_can_be_written_and_read(key: SearchKey) -> None:
    assert key_of(spelled(key)) == key
