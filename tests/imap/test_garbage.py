"""Garbage: how much of it is borne, that what follows is understood, that it costs little."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maildird.imap.commands.session import Capability, Noop
from maildird.imap.connection import (
    BadRequest,
    Connection,
    Overrun,
    Request,
)
from maildird.imap.limits import Limits
from maildird.imap.table import State
from maildird.terms.errors import Refused
from tests.imap.feeding import LIMITS, error_in, events, octets, said

AFTER, SELECTED = State.AUTHENTICATED, State.SELECTED


def test_three_bad_commands_before_login_end_the_connection() -> None:
    connection = Connection(Limits())
    first, noop, second, third = events(connection, b"a x\r\nb NOOP\r\nc x\r\nd x\r\ne NOOP\r\n")
    assert isinstance(first, BadRequest)
    assert isinstance(noop, Request)
    assert isinstance(second, BadRequest)
    assert isinstance(third, Overrun)
    assert str(third.error) == "too many commands that make no sense"
    assert connection.next_event() == third


def test_twenty_bad_commands_in_a_row_end_the_connection_after_login() -> None:
    connection = Connection(Limits(), AFTER)
    found = events(connection, b"a x\r\n" * 19 + b"b NOOP\r\n" + b"a x\r\n" * 20 + b"c NOOP\r\n")
    assert [type(event) for event in found] == (
        [BadRequest] * 19 + [Request] + [BadRequest] * 19 + [Overrun]
    )


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (b'a SELECT "&bad"', Refused),
        (b"a APPEND x {999}", Refused),
        (b"a SELECT {999}", Refused),
    ],
)
def test_what_is_refused_makes_sense(line: bytes, kind: type[Refused]) -> None:
    found = said((line + b"\r\n") * 50)
    assert [type(error_in(event)) for event in found] == [kind] * 50


GARBAGE = st.one_of(
    st.binary(max_size=60).map(lambda line: line.replace(b"\n", b"").rstrip(b"+}\r")),
    st.integers(101, 300).map(lambda n: b"g SEARCH TEXT {%d}" % n),
    st.binary(max_size=300).map(lambda octets: b"g NOPE {%d+}\r\n%s" % (len(octets), octets)),
    st.binary(max_size=300).map(lambda octets: b"g APPEND x ({%d+}\r\n%s" % (len(octets), octets)),
    st.integers(2001, 5000).map(lambda n: b"g" * n),
    st.integers(2001, 5000).map(lambda n: b"g" * n + b" {4+}\r\n\r\n\r\n"),
)


@settings(max_examples=50)
@given(st.lists(GARBAGE, max_size=8))
def test_garbage_is_survived(garbage: list[bytes]) -> None:
    data = b"".join(
        line + b"\r\nt%d CAPABILITY\r\n" % number for number, line in enumerate(garbage)
    )
    for pieces in ([data], octets(data)):
        found = events(Connection(LIMITS, SELECTED), *pieces)
        understood = [event for event in found if isinstance(event, Request)]
        assert understood == [
            Request(b"t%d" % number, "CAPABILITY", Capability()) for number in range(len(garbage))
        ]


HOSTILE = [
    b"a NOOP " + b"{0+}\r\n" * 16_000 + b"\r\n",
    b"a LIST {0+}\r\n" + b" {0+}\r\n" * 12_000 + b"\r\n",
    b"t" * 250 + b" APPEND x" + b" {0+}\r\n" * 12_000 + b"\r\n",
    b'a SELECT "' + b'\\"' * 32_000 + b"\r\n",
    b'a SELECT "' + b"x" * 65_000 + b"\r\n",
    b"a SEARCH " + b"(" * 65_000 + b"\r\n",
    b"a SEARCH " + b"NOT " * 16_000 + b"ALL\r\n",
    b"a SEARCH " + b"OR " * 21_000 + b"ALL\r\n",
    b"a SEARCH " + b"1 " * 32_000 + b"1\r\n",
    b"a SEARCH " + b"1," * 32_000 + b"\r\n",
    b"a SEARCH " + b"1," * 32_000 + b"x\r\n",
    b"a SEARCH CHARSET " + b"x-" * 32_000 + b" ALL\r\n",
    b"a SEARCH CHARSET punycode TEXT " + b"9" * 65_000 + b"\r\n",
    b"a FETCH 1 (" + b"FLAGS " * 10_000 + b"FLAGS)\r\n",
    b"a FETCH 1 BODY[" + b"1." * 32_000 + b"1]\r\n",
    b"a STORE 1 FLAGS (" + b"x " * 32_000 + b"x)\r\n",
    b'a LIST "" (' + b"* " * 32_000 + b"*)\r\n",
    b'a LIST "" ' + b"&" * 65_000 + b"\r\n",
    b"a ID (" + b'"" "" ' * 10_000 + b")\r\n",
    b"a NOOP " + b"{1" * 32_000 + b"\r\n",
]
"""Commands as long as a line may be, whose parsing would take for ever if it went back."""


@pytest.mark.parametrize("data", HOSTILE, ids=lambda data: repr(data[:20]))
def test_the_longest_commands_are_read_quickly(data: bytes) -> None:
    connection = Connection(Limits(), SELECTED)
    kilobytes = [data[at : at + 1024] for at in range(0, len(data), 1024)]
    *found, following = events(connection, *kilobytes, b"next NOOP\r\n")
    assert len(found) == 1
    assert following == Request(b"next", "NOOP", Noop())
