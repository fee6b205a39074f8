"""The fragmenter: where commands end, what is kept of them, and what becomes of garbage."""

from collections.abc import Iterable, Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from maildird.imap.fragments import (
    Found,
    Fragmenter,
    Fragments,
    LiteralWanted,
    Rejected,
    TooMuch,
)
from maildird.terms.errors import MaildirdError, Malformed
from tests.imap.feeding import octets

LINE, LITERAL, DISCARD = 20, 10, 100


def admit(texts: Sequence[bytes], octets: int, size: int) -> MaildirdError | None:
    return Malformed("literals are too large") if octets + size > LITERAL else None


def found(*pieces: bytes) -> list[Found]:
    fragmenter = Fragmenter(admit, line_limit=LINE, discard_limit=DISCARD)
    all_found: list[Found] = []
    for piece in pieces:
        fragmenter.feed(piece)
        while (each := fragmenter.next()) is not None:
            all_found.append(each)
            if isinstance(each, TooMuch):
                return all_found
    return all_found


def shown(all_found: Iterable[Found]) -> list[object]:
    """With errors as text: exceptions don't compare by value."""
    return [
        (type(each), str(each.error), getattr(each, "beginning", None))
        if isinstance(each, Rejected | TooMuch)
        else each
        for each in all_found
    ]


WHOLE = [
    (b"a NOOP\r\n", [Fragments((b"a NOOP",))]),
    (b"a NOOP\n", [Fragments((b"a NOOP",))]),
    (b"\r\n", [Fragments((b"",))]),
    (b"a\r\r\n", [Fragments((b"a\r",))]),
    (b"a\rb\0c\r\n", [Fragments((b"a\rb\0c",))]),
    (b"a\r\nb\r\nc", [Fragments((b"a",)), Fragments((b"b",))]),
    (b"a {3}\r\nxyz b\r\n", [LiteralWanted(), Fragments((b"a ", b" b"), (b"xyz",))]),
    (b"a {3+}\r\nxyz b\r\n", [Fragments((b"a ", b" b"), (b"xyz",))]),
    (b"a {3+}\nxyz\n", [Fragments((b"a ", b""), (b"xyz",))]),
    (b"a {4+}\r\n\r\n\r\n\r\n", [Fragments((b"a ", b""), (b"\r\n\r\n",))]),
    (b"a {5+}\r\n{9+}\n\r\n", [Fragments((b"a ", b""), (b"{9+}\n",))]),
    (b"a {0+}\r\n{0+}\r\n\r\n", [Fragments((b"a ", b"", b""), (b"", b""))]),
    (b"a {003+}\r\nxyz\r\n", [Fragments((b"a ", b""), (b"xyz",))]),
    (b"{1+}\r\nx\r\n", [Fragments((b"", b""), (b"x",))]),
    (b"a {3} \r\n", [Fragments((b"a {3} ",))]),
    (b"a {-3}\r\n", [Fragments((b"a {-3}",))]),
    (b"a {+}\r\n", [Fragments((b"a {+}",))]),
    (b"a {3++}\r\n", [Fragments((b"a {3++}",))]),
    (b"a {3\r}\r\n", [Fragments((b"a {3\r}",))]),
]


@pytest.mark.parametrize(("data", "expected"), WHOLE)
def test_commands_end_where_they_end(data: bytes, expected: list[Found]) -> None:
    assert found(data) == expected
    assert found(*octets(data)) == expected


BIG, LONG = "literals are too large", "the command line is longer than 20 octets"


@pytest.mark.parametrize(
    ("data", "error"),
    [
        pytest.param(b"a {11}\r\n", BIG, id="asked"),
        pytest.param(b"a {12+}\r\n\r\nb {3+}\r\n\r\n\r\n", BIG, id="unasked, with lines in it"),
        pytest.param(b"a {6+}\r\n123456{6}\r\n", BIG, id="the second is too much"),
        pytest.param(b"a {12+}\r\n123456789012{12}\r\n", BIG, id="unasked, then asked"),
        pytest.param(b"a {12+}\r\n123456789012{12+}\r\n123456789012\r\n", BIG, id="two unasked"),
        pytest.param(b"a {12+}\r\n123456789012" + b"x" * 50 + b"\r\n", BIG, id="then a long line"),
        pytest.param(b"a" * 21 + b"\r\n", LONG, id="one octet too many"),
        pytest.param(b"a" * 90 + b"\n", LONG, id="many octets too many"),
        pytest.param(b"a" * 90 + b" {3}\r\n", LONG, id="too long, asks for a literal"),
        pytest.param(b"a" * 70 + b" {3+}\r\n\r\n\n\r\n", LONG, id="too long, with a literal"),
        pytest.param(b"aaaaaaaaaa {3+}\r\nxyz bbbbb\r\n", LONG, id="two texts together"),
        pytest.param(b"a {0+}\r\n{0+}\r\n{0+}\r\n{0+}\r\n{0+}\r\n\r\n", LONG, id="announcements"),
    ],
)
def test_after_a_command_that_is_refused_the_next_is_understood(data: bytes, error: str) -> None:
    for pieces in ([data + b"b\r\n"], octets(data + b"b\r\n")):
        rejected, following = (each for each in found(*pieces) if each != LiteralWanted())
        assert isinstance(rejected, Rejected)
        assert str(rejected.error).startswith(error)
        assert rejected.beginning.startswith(b"a")
        assert following == Fragments((b"b",))


def test_a_line_may_be_as_long_as_the_limit() -> None:
    assert found(b"a" * 20 + b"\r\n") == [Fragments((b"a" * 20,))]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"a {101+}\r\n", id="a literal"),
        pytest.param(b"a {99999999999999999999+}\r\n", id="a huge literal"),
        pytest.param(b"a {60+}\r\n" + b"x" * 60 + b"{41+}\r\n", id="two literals"),
        pytest.param(b"a {60+}\r\n" + b"x" * 60 + b"y" * 41 + b"\r\n", id="a literal and a line"),
        pytest.param(b"a" * 101 + b"\r\n", id="a line"),
        pytest.param(b"a" * 200, id="a line without end"),
        pytest.param(b"a {60+}\r\n" + b"x" * 60 + b"{0+}\r\n" * 20, id="announcements"),
    ],
)
def test_not_everything_is_dropped(data: bytes) -> None:
    for pieces in ([data], octets(data)):
        [only] = found(*pieces)
        assert isinstance(only, TooMuch)


def test_what_belongs_to_no_command_is_given_away() -> None:
    fragmenter = Fragmenter(admit, line_limit=LINE, discard_limit=DISCARD)
    fragmenter.feed(b"a\r\nb\r\nc")
    assert fragmenter.next() == Fragments((b"a",))
    assert fragmenter.unread() == b"b\r\nc"
    assert fragmenter.unread() == b""
    fragmenter.feed(b"d\r\n")
    assert fragmenter.next() == Fragments((b"d",))


PIECE = st.one_of(
    st.sampled_from([b"\r\n", b"\n", b"\r", b" ", b"{", b"}", b"+", b"\0", b"\xff"]),
    st.integers(0, 120).map(lambda n: b"{%d+}\r\n" % n),
    st.integers(0, 20).map(lambda n: b"{%d}\r\n" % n),
    st.integers(0, 130).map(lambda n: b"x" * n),
)


@given(st.lists(PIECE, max_size=12).map(b"".join), st.lists(st.integers(1, 40), max_size=12))
@example(b"x" * 85 + b"{3+}\r\n\r\n\n\r\n\r\n", [84, 1, 1, 1])
def test_pieces_don_t_matter(data: bytes, sizes: list[int]) -> None:
    pieces = []
    rest = data
    for size in sizes:
        pieces.append(rest[:size])
        rest = rest[size:]
    whole = shown(found(data))
    assert shown(found(*pieces, rest)) == whole
    assert shown(found(*octets(data))) == whole
