"""The connection: states, exchanges, literals by state, garbage, and who reads on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maildird.imap.commands.append import Append
from maildird.imap.commands.fetch import Fetch
from maildird.imap.commands.mailboxes import Select
from maildird.imap.commands.messages import Check
from maildird.imap.commands.session import Authenticate, Capability, Idle, Login, Noop
from maildird.imap.connection import (
    MOVES,
    BadRequest,
    Connection,
    Continue,
    Event,
    IdleDone,
    Overrun,
    Request,
    SaslResponse,
)
from maildird.imap.limits import Limits
from maildird.imap.table import State
from maildird.terms.codes import Code
from maildird.terms.errors import BadCharset, MaildirdError, Malformed, Refused
from tests.imap.feeding import LIMITS, comparable, events, octets

BEFORE, AFTER, SELECTED = State.NOT_AUTHENTICATED, State.AUTHENTICATED, State.SELECTED


def said(data: bytes, state: State = SELECTED, limits: Limits = LIMITS) -> list[Event]:
    """What comes of some octets, however they are fed."""
    whole = events(Connection(limits, state), data)
    assert comparable(events(Connection(limits, state), *octets(data))) == comparable(whole)
    return whole


def error_in(event: Event) -> MaildirdError:
    assert isinstance(event, BadRequest | Overrun)
    return event.error


# Commands


def test_a_command_has_a_tag_a_name_and_what_it_says() -> None:
    assert said(b"a1 noop\r\n.2 Select inbox\r\n") == [
        Request(b"a1", "NOOP", Noop()),
        Request(b".2", "SELECT", Select("INBOX")),
    ]


def test_the_name_of_a_uid_command_has_two_words() -> None:
    [event] = said(b"a uid fetch 1 (UID)\r\n")
    assert isinstance(event, Request)
    assert event.name == "UID FETCH"
    assert isinstance(event.command, Fetch)


@pytest.mark.parametrize(
    ("line", "tag", "error"),
    [
        (b"", None, "expected a tag, found the end"),
        (b" NOOP", None, "expected a tag, found ' NOOP'"),
        (b"+ NOOP", None, "expected a tag"),
        (b"* NOOP", None, "expected a tag"),
        (b"a+b NOOP", None, "expected a space, found '+b NOOP'"),
        (b"a\0 NOOP", None, "expected a space, found"),
        (b"\xff\xfe NOOP", None, "expected a tag, found"),
        (b"x" * 256 + b" NOOP", None, "expected a space"),
        (b"a", b"a", "expected a space, found the end"),
        (b"a ", b"a", "expected a command, found the end"),
        (b"a  NOOP", b"a", "expected a command, found ' NOOP'"),
        (b"a (NOOP)", b"a", "expected a command"),
        (b"a\tNOOP", None, "expected a space"),
        (b"a NOPE", b"a", "NOPE is no command here"),
        (b"a UID", b"a", "expected a space"),
        (b"a UID NOOP", b"a", "UID NOOP is no command here"),
        (b"a STARTTLS", b"a", "STARTTLS is no command here"),
        (b"a NOOP now", b"a", "expected the end of the command, found ' now'"),
        (b"a NOOP ", b"a", "expected the end of the command, found ' '"),
        (b"a NOOP\r", b"a", "expected the end of the command, found '\\r'"),
        (b"a NO\0OP", b"a", "NO is no command here"),
        (b"a NOOP {3+}\r\nxyz", b"a", "expected the end of the command, found ' '"),
        (b"a NOOP{3+}\r\nxyz", b"a", "expected the end of the command, found a literal"),
        (b"a LOGIN x y", b"a", "LOGIN can be used before login only"),
    ],
)
def test_what_is_no_command(line: bytes, tag: bytes | None, error: str) -> None:
    bad, following = said(line + b"\r\nnext NOOP\r\n")
    assert isinstance(bad, BadRequest)
    assert bad.tag == tag
    assert isinstance(bad.error, Malformed)
    assert str(bad.error).startswith(error)
    assert following == Request(b"next", "NOOP", Noop())


# States


@pytest.mark.parametrize(
    ("state", "line", "allowed"),
    [
        (BEFORE, b"a CAPABILITY", True),
        (BEFORE, b"a LOGIN x y", True),
        (BEFORE, b"a SELECT INBOX", False),
        (BEFORE, b"a ENABLE QRESYNC", False),
        (BEFORE, b"a IDLE", False),
        (BEFORE, b"a UID SEARCH ALL", False),
        (AFTER, b"a LOGIN x y", False),
        (AFTER, b"a AUTHENTICATE PLAIN", False),
        (AFTER, b"a SELECT INBOX", True),
        (AFTER, b"a CHECK", False),
        (AFTER, b"a UID FETCH 1 FLAGS", False),
        (SELECTED, b"a SELECT INBOX", True),
        (SELECTED, b"a CHECK", True),
        (SELECTED, b"a UID FETCH 1 FLAGS", True),
    ],
)
def test_each_command_has_its_states(state: State, line: bytes, allowed: bool) -> None:
    [event] = said(line + b"\r\n", state)
    assert isinstance(event, Request) is allowed


def test_a_state_says_what_the_command_needs() -> None:
    [event] = said(b"a SELECT x\r\n", BEFORE)
    text = "SELECT can be used after login or with a mailbox selected only"
    assert str(error_in(event)) == text


def test_the_state_of_the_moment_counts_also_for_what_was_received_before() -> None:
    connection = Connection(LIMITS)
    connection.receive_data(b"a LOGIN x y\r\nb SELECT INBOX\r\nc CHECK\r\nd LOGOUT\r\ne NOOP\r\n")
    assert connection.next_event() == Request(b"a", "LOGIN", Login(b"x", b"y"))
    connection.move_to(AFTER)
    assert connection.next_event() == Request(b"b", "SELECT", Select("INBOX"))
    connection.move_to(SELECTED)
    assert connection.next_event() == Request(b"c", "CHECK", Check())
    assert isinstance(connection.next_event(), Request)
    connection.move_to(State.LOGOUT)
    assert connection.next_event() is None


@pytest.mark.parametrize("source", State)
@pytest.mark.parametrize("target", State)
def test_states_lead_where_the_table_says(source: State, target: State) -> None:
    connection = Connection(LIMITS, source)
    if target is source or target in MOVES[source]:
        connection.move_to(target)
        assert connection.state is target
    else:
        with pytest.raises(ValueError, match="no way from"):
            connection.move_to(target)
        assert connection.state is source


# Exchanges


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


# Literals


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


# Garbage


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
        (b"a SEARCH CHARSET x-no ALL", BadCharset),
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


# Who reads on


def test_what_came_after_the_last_event_is_handed_over() -> None:
    connection = Connection(LIMITS)
    connection.receive_data(b"a LOGIN x {1+}\r\ny\r\nb SELECT {5+}\r\nIN")
    assert connection.next_event() == Request(b"a", "LOGIN", Login(b"x", b"y"))
    rest = connection.trailing_data()
    assert connection.next_event() is None
    assert rest == b"b SELECT {5+}\r\nIN"
    assert events(Connection(LIMITS, AFTER), rest, b"BOX\r\n") == [
        Request(b"b", "SELECT", Select("INBOX"))
    ]


def test_what_came_after_an_exchange_is_handed_over() -> None:
    connection = Connection(LIMITS)
    connection.receive_data(b"a AUTHENTICATE PLAIN\r\nAHgAeQ==\r\nb NOOP\r\n")
    connection.next_event()
    assert connection.next_event() == SaslResponse(b"\0x\0y")
    connection.exchange_ended()
    assert connection.trailing_data() == b"b NOOP\r\n"
