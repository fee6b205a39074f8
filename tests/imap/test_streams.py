"""However a stream is cut, it means the same."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maildird.imap.commands.session import Noop
from maildird.imap.connection import Connection, Overrun, Request
from maildird.imap.limits import Limits
from maildird.imap.table import State
from tests.imap.feeding import comparable, events, octets

SMALL = Limits(
    line=100,
    login_literal=20,
    literal=30,
    append_message=50,
    append_command=80,
    discard=400,
    bad_before_login=20,
)
TRAILING = b"\r\nz NOOP\r\nz1 BOGUS\r\nz2 "

STREAMS = [
    b"",
    b"a NOOP\r\n",
    b"a NOOP\n",
    b"a NOOP\r\r\n",
    b"\r\n\n",
    b"a NOOP\r\nb NOOP\r\nc BOGUS\r\nd NOOP\r\n",
    b"a LOGIN {3}\r\njoe {2}\r\n\r\n\r\n",
    b"a LOGIN {3+}\r\njoe {0+}\r\n\r\n",
    b"a LOGIN {3+}\njoe {0}\n\n",
    b"a APPEND x {3+}\r\n{9} {2+}\r\n\r\n\r\n",
    b"a APPEND x {50+}\r\n" + b"x" * 50 + b"\r\n",
    b"a APPEND x {51+}\r\n" + b"x" * 51 + b"\r\n",
    b"a APPEND x {51}\r\nb NOOP\r\n",
    b"a APPEND x {50+}\r\n" + b"x" * 50 + b" {31+}\r\n" + b"\n" * 31 + b" {9}\r\n",
    b"a SELECT {31+}\r\n" + b"\n" * 31 + b"\r\nb NOOP\r\n",
    b"a SELECT {31}\r\nb NOOP\r\n",
    b"a NOOP" + b"x" * 93 + b"\r\n",
    b"a NOOP" + b"x" * 94 + b"\r\n",
    b"a NOOP" + b"x" * 95 + b"\r\n",
    b"a NOOP" + b"x" * 126 + b"\r\n",
    b"a NOOP" + b"x" * 158 + b"\r\n",
    b"a NOOP" + b"x" * 159 + b"\r\n",
    b"a NOOP" + b"x" * 200 + b" {5}\r\nb NOOP\r\n",
    b"a NOOP" + b"x" * 200 + b" {5+}\r\nb NO\n more\r\nc NOOP\r\n",
    b"a NOOP" + b"x" * 390 + b"\r\n",
    b"a NOOP" + b"x" * 399 + b"\r\n",
    b"a NOOP" + b"x" * 1000,
    b"a NOOP {401+}\r\n",
    b"a NOOP {99999999999999999999+}\r\nx",
    b"a NOOP {99999999999999999999}\r\nx\r\n",
    b"a NOOP {999999999999999999999}\r\nx\r\n",
    b"a IDLE\r\ndone\r\nb NOOP\r\n",
    b"a IDLE\r\nDONE {3}\r\nb NOOP\r\n",
    b"a IDLE\r\nb {3+}\r\n\r\n\r\r\nb NOOP\r\n",
    b"a IDLE\r\nb" + b"x" * 200 + b"\r\nb NOOP\r\n",
    b"a AUTHENTICATE PLAIN\r\n*\r\nb NOOP\r\n",
    b"a AUTHENTICATE PLAIN\r\nAGEAYg==\r\n\r\n!\r\nb NOOP\r\n",
    b"a AUTHENTICATE PLAIN\r\nAGEA{5}\r\nb NOOP\r\n",
    b"a NO\0OP\r\n\0\r\n\xff\xfe\r\n",
]

STATES = [State.NOT_AUTHENTICATED, State.AUTHENTICATED, State.SELECTED]


def meaning(state: State, *pieces: bytes) -> list[object]:
    """What comes out of a new connection."""
    return comparable(events(Connection(SMALL, state), *pieces))


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("stream", STREAMS)
def test_whole_and_octet_by_octet(stream: bytes, state: State) -> None:
    assert meaning(state, *octets(stream)) == meaning(state, stream)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("stream", STREAMS)
def test_with_trailing_data(stream: bytes, state: State) -> None:
    """What comes later changes nothing of what came before."""
    alone = meaning(state, stream)
    whole = meaning(state, stream + TRAILING)
    assert whole[: len(alone)] == alone
    assert meaning(state, stream, TRAILING) == whole
    assert meaning(state, *octets(stream + TRAILING)) == whole


WORDS = st.sampled_from(
    [
        *(b"LOGIN APPEND SELECT FETCH NOOP IDLE DONE AUTHENTICATE UID SEARCH LIST".split()),
        *(b'PLAIN INBOX FLAGS (FLAGS) () 1:* $ * = NIL AAAA a tag ( ) " \\ & [ ]'.split()),
        *(b" ", b" ", b" ", b"\r\n", b"\r\n", b"\n", b"\r", b"\0", b"\xff", b"{", b"}"),
        b'"quo\\"ted"',
        b"x" * 70,
    ]
)
LITERALS = st.builds(
    lambda octets, announced, plus: b"{%d%s}\r\n" % (announced or len(octets), plus) + octets,
    st.binary(max_size=60),
    st.sampled_from([0, 0, 0, 0, 31, 1000]),
    st.sampled_from([b"", b"+", b"+"]),
)
COMMANDS = st.builds(
    lambda words, end: b"a " + b" ".join(words) + end,
    st.lists(WORDS | LITERALS, max_size=6),
    st.sampled_from([b"\r\n", b"\r\n", b"\n", b""]),
)
GARBAGE = st.lists(COMMANDS | WORDS | LITERALS | st.binary(max_size=20), max_size=12).map(b"".join)


@settings(max_examples=60)
@given(st.sampled_from(STATES), GARBAGE, st.lists(st.integers(0, 300), max_size=8))
def test_any_stream_cut_anywhere(state: State, stream: bytes, cuts: list[int]) -> None:
    places = sorted({0, *(min(cut, len(stream)) for cut in cuts), len(stream)})
    pieces = [stream[a:b] for a, b in pairwise(places)]
    whole = meaning(state, stream)
    assert meaning(state, *pieces) == whole
    assert meaning(state, *octets(stream)) == whole


@settings(max_examples=60)
@given(st.sampled_from([State.AUTHENTICATED, State.SELECTED]), GARBAGE)
def test_after_any_stream_a_command_is_understood(state: State, stream: bytes) -> None:
    """Unless it ended the connection, whatever it was is over after some octets."""
    connection = Connection(SMALL, state)
    padding = [b"x" * 500, b"\r\n", b"DONE\r\n", b"*\r\n", b"after NOOP\r\n"]
    found = events(connection, stream, *padding * 3)
    assert found[-1] == Request(b"after", "NOOP", Noop()) or isinstance(found[-1], Overrun)
