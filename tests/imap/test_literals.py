"""Literals: which are granted, which refused, and what is dropped, by state and command."""

import pytest

from maildird.imap.commands.append import Append
from maildird.imap.commands.session import Login, Noop
from maildird.imap.connection import (
    BadRequest,
    Connection,
    Continue,
    Overrun,
    Request,
)
from maildird.imap.limits import Limits
from maildird.imap.table import State
from maildird.terms.codes import Code
from maildird.terms.errors import MaildirdError, Malformed, Refused
from tests.imap.feeding import LIMITS, error_in, events, said

BEFORE, AFTER, SELECTED = State.NOT_AUTHENTICATED, State.AUTHENTICATED, State.SELECTED


def test_a_literal_that_the_client_asks_for_is_granted_at_once() -> None:
    connection = Connection(LIMITS)
    assert events(connection, b"a LOGIN {1}\r\n") == [Continue()]
    assert events(connection, b"x {2}\r\n") == [Continue()]
    assert events(connection, b"\r\n\r\n") == [Request(b"a", "LOGIN", Login(b"x", b"\r\n"))]


@pytest.mark.parametrize(
    ("state", "line", "largest", "kind", "code"),
    [
        (BEFORE, b"a LOGIN {%d}", 50, Malformed, None),
        (BEFORE, b"a LOGIN {20+}\r\n12345678901234567890 {%d}", 30, Malformed, None),
        (BEFORE, b"a APPEND x {%d}", 50, Malformed, None),
        (AFTER, b"a SELECT {%d}", 100, Refused, Code.LIMIT),
        (AFTER, b"a RENAME {30+}\r\n" + b"x" * 30 + b" {%d}", 70, Refused, Code.LIMIT),
        (AFTER, b"a APPEND {%d}", 100, Refused, Code.LIMIT),
        (AFTER, b"a APPENDIX x {%d}", 100, Refused, Code.LIMIT),
        (AFTER, b"a APPEND x {%d}", 200, Refused, Code.TOOBIG),
        (AFTER, b"a append x (\\Seen) {%d}", 200, Refused, Code.TOOBIG),
        (AFTER, b"a APPEND {1+}\r\nx {%d}", 200, Refused, Code.TOOBIG),
        (AFTER, b"t" * 255 + b" APPEND x {%d}", 200, Refused, Code.TOOBIG),
        (AFTER, b"a APPEND x {200+}\r\n" + b"x" * 200 + b" {%d}", 100, Refused, Code.LIMIT),
        (SELECTED, b"a SEARCH TEXT {%d}", 100, Refused, Code.LIMIT),
        (SELECTED, b"nonsense {%d}", 100, Refused, Code.LIMIT),
    ],
)
def test_how_large_a_literal_may_be(
    state: State, line: bytes, largest: int, kind: type[MaildirdError], code: Code | None
) -> None:
    assert said(line % largest + b"\r\n", state) == [Continue()]
    refused, following = said(line % (largest + 1) + b"\r\nnext NOOP\r\n", state)
    error = error_in(refused)
    assert type(error) is kind
    assert getattr(error, "code", None) is code
    assert following == Request(b"next", "NOOP", Noop())


def test_a_message_that_is_too_large_is_refused_before_it_is_read() -> None:
    [event] = said(b"a APPEND x {201}\r\n", AFTER)
    assert isinstance(event, BadRequest)
    assert event.tag == b"a"
    assert str(event.error) == "a message has at most 200 octets here"


def test_a_message_that_comes_unasked_is_dropped() -> None:
    content = b"DONE\r\nb NOOP\r\nc {999999}\r\n"
    data = b"a APPEND x {500+}\r\n" + content * 20 + b"\r\nnext NOOP\r\n"
    refused, following = said(data.replace(b"{500+}", b"{%d+}" % (len(content) * 20)), AFTER)
    assert isinstance(refused, BadRequest)
    assert refused.tag == b"a"
    assert following == Request(b"next", "NOOP", Noop())


def test_a_message_that_is_too_large_to_be_dropped_ends_the_connection() -> None:
    connection = Connection(LIMITS, AFTER)
    [event] = events(connection, b"a APPEND x {10001+}\r\n")
    assert isinstance(event, Overrun)
    assert str(event.error) == "a message has at most 200 octets here"
    assert events(connection, b"next NOOP\r\n") == [event]


def test_the_largest_message_is_taken() -> None:
    content = bytes(range(1, 201))
    [event] = said(b"a APPEND x {200+}\r\n" + content + b"\r\n", AFTER)
    assert isinstance(event, Request)
    assert isinstance(event.command, Append)
    assert event.command.messages[0].content == content


def test_limits_unless_others_are_set() -> None:
    kib, mib = 1024, 1024 * 1024
    for state, line, largest in (
        (BEFORE, b"a LOGIN {%d}\r\n", 8 * kib),
        (AFTER, b"a SELECT {%d}\r\n", 64 * kib),
        (AFTER, b"a APPEND x {%d}\r\n", 64 * mib),
    ):
        assert said(line % largest, state, Limits()) == [Continue()]
        [refused] = said(line % (largest + 1), state, Limits())
        assert isinstance(refused, BadRequest)
