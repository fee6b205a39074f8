"""The connection: commands, states, and who reads on."""

import pytest

from maildird.imap.commands.fetch import Fetch
from maildird.imap.commands.mailboxes import Select
from maildird.imap.commands.messages import Check
from maildird.imap.commands.session import Login, Noop
from maildird.imap.connection import (
    MOVES,
    BadRequest,
    Connection,
    Request,
    SaslResponse,
)
from maildird.imap.table import State
from maildird.terms.errors import Malformed
from tests.imap.feeding import LIMITS, error_in, events, said

BEFORE, AFTER, SELECTED = State.NOT_AUTHENTICATED, State.AUTHENTICATED, State.SELECTED


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
        (b"a STARTTLS", b"a", "STARTTLS can be used before login only"),
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
