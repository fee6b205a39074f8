"""Lines that are no commands: SASL responses after AUTHENTICATE, DONE after IDLE."""

import pytest

from maildird.imap.commands.session import Authenticate, Idle, Noop
from maildird.imap.connection import (
    BadRequest,
    Connection,
    IdleDone,
    Request,
    SaslResponse,
)
from maildird.imap.limits import Limits
from maildird.imap.table import State
from tests.imap.feeding import LIMITS, error_in, events, said

BEFORE, AFTER = State.NOT_AUTHENTICATED, State.AUTHENTICATED


def test_authenticate_is_followed_by_responses_until_the_exchange_ended() -> None:
    connection = Connection(LIMITS)
    first, second = events(connection, b"a AUTHENTICATE plain\r\nAHg", b"AeQ==\r\n")
    assert first == Request(b"a", "AUTHENTICATE", Authenticate("PLAIN"))
    assert second == SaslResponse(b"\0x\0y")
    assert events(connection, b"\r\n") == [SaslResponse(b"")]
    connection.exchange_ended()
    assert events(connection, b"b NOOP\r\n") == [Request(b"b", "NOOP", Noop())]


@pytest.mark.parametrize(
    ("line", "initial"),
    [
        (b"AUTHENTICATE PLAIN", None),
        (b"AUTHENTICATE PLAIN =", b""),
        (b"AUTHENTICATE PLAIN AHgAeQ==", b"\0x\0y"),
    ],
)
def test_an_exchange_may_go_on_after_an_initial_response(
    line: bytes, initial: bytes | None
) -> None:
    first, second = said(b"a " + line + b"\r\nAHgAeQ==\r\n", BEFORE)
    assert first == Request(b"a", "AUTHENTICATE", Authenticate("PLAIN", initial))
    assert second == SaslResponse(b"\0x\0y")


def test_the_client_may_give_up_an_exchange() -> None:
    assert said(b"a AUTHENTICATE PLAIN\r\n*\r\nb NOOP\r\n", BEFORE) == [
        Request(b"a", "AUTHENTICATE", Authenticate("PLAIN")),
        SaslResponse(None),
        Request(b"b", "NOOP", Noop()),
    ]


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (b"AHgAeQ", "the SASL response is not base64"),
        (b"AHgAeQ===", "the SASL response is not base64"),
        (b"====", "the SASL response is not base64"),
        (b"AHg AeQ==", "the SASL response is not base64"),
        (b"AHgAeQ==\r", "the SASL response is not base64"),
        (b"\xff\0", "the SASL response is not base64"),
        (b"b NOOP", "the SASL response is not base64"),
        (b"A" * 12_292, "a SASL response has at most 12288 octets"),
        (b"A" * 65_536, "a SASL response has at most 12288 octets"),
        (b"A" * 65_537, "the command line is longer than 65536 octets"),
        (b"A" * 100_000, "the command line is longer than 65536 octets"),
        (b"x {3}", "expected a SASL response in base64, or `*`"),
        (b"x {3+}\r\n*\r\n*", "expected a SASL response in base64, or `*`"),
    ],
)
def test_what_is_no_response_ends_the_exchange(response: bytes, error: str) -> None:
    _, bad, following = said(
        b"a AUTHENTICATE PLAIN\r\n" + response + b"\r\nnext NOOP\r\n", BEFORE, Limits()
    )
    assert isinstance(bad, BadRequest)
    assert bad.tag is None
    assert str(bad.error).startswith(error)
    assert following == Request(b"next", "NOOP", Noop())


def test_the_longest_response_is_read() -> None:
    response = b"A" * 12_288
    _, event = said(b"a AUTHENTICATE PLAIN\r\n" + response + b"\r\n", BEFORE, Limits())
    assert event == SaslResponse(bytes(9216))
    [event] = said(b"a AUTHENTICATE PLAIN " + response + b"\r\n", BEFORE, Limits())
    assert event == Request(b"a", "AUTHENTICATE", Authenticate("PLAIN", bytes(9216)))
    [event] = said(b"a AUTHENTICATE PLAIN AAAA" + response + b"\r\n", BEFORE, Limits())
    assert str(error_in(event)).startswith("a SASL response has at most 12288 octets")


@pytest.mark.parametrize("done", [b"DONE", b"done", b"Done ", b" DONE"])
def test_idle_ends_with_done(done: bytes) -> None:
    assert said(b"a IDLE\r\n" + done + b"\r\nb NOOP\r\n", AFTER) == [
        Request(b"a", "IDLE", Idle()),
        IdleDone(),
        Request(b"b", "NOOP", Noop()),
    ]


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"b NOOP", id="a command"),
        pytest.param(b"", id="an empty line"),
        pytest.param(b"DONE\0", id="nearly"),
        pytest.param(b"b APPEND x {3}", id="it asks for a literal"),
        pytest.param(b"b APPEND x {12+}\r\nDONE\r\nDONE\r\n", id="it has a literal"),
        pytest.param(b"x" * 3000, id="too long"),
    ],
)
def test_anything_else_ends_idle_with_an_error(line: bytes) -> None:
    _, bad, following = said(b"a IDLE\r\n" + line + b"\r\nnext NOOP\r\n", AFTER)
    assert isinstance(bad, BadRequest)
    assert bad.tag is None
    assert following == Request(b"next", "NOOP", Noop())
