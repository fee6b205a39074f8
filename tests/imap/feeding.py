"""Octets into a connection, in every way that they can come."""

from collections.abc import Iterable, Iterator

from maildird.imap.commands.session import Authenticate, Idle, Noop
from maildird.imap.connection import BadRequest, Connection, Continue, Event, Overrun, Request
from maildird.imap.limits import Limits
from maildird.imap.table import COMMANDS, State
from maildird.terms.errors import MaildirdError

LIMITS = Limits(
    line=2000,
    login_literal=50,
    literal=100,
    append_message=200,
    append_command=300,
    discard=10_000,
)
"""Small enough to be reached in a test."""


def events(connection: Connection, *pieces: bytes) -> list[Event]:
    """All events of what comes, piece by piece, up to an overrun."""
    found: list[Event] = []
    for piece in pieces:
        connection.receive_data(piece)
        while (event := connection.next_event()) is not None:
            found.append(event)
            if isinstance(event, Overrun):
                return found
    return found


def octets(data: bytes) -> Iterator[bytes]:
    """The slowest client: one octet at a time."""
    return (data[at : at + 1] for at in range(len(data)))


def comparable(found: Iterable[Event]) -> list[object]:
    """Events with their errors by kind and text: exceptions don't compare by value."""
    return [
        (type(event), getattr(event, "tag", None), type(event.error), str(event.error))
        if isinstance(event, BadRequest | Overrun)
        else event
        for event in found
    ]


def said(data: bytes, state: State = State.SELECTED, limits: Limits = LIMITS) -> list[Event]:
    """What comes of some octets, however they are fed."""
    whole = events(Connection(limits, state), data)
    assert comparable(events(Connection(limits, state), *octets(data))) == comparable(whole)
    return whole


def error_in(event: Event) -> MaildirdError:
    assert isinstance(event, BadRequest | Overrun)
    return event.error


def outcome(line: bytes, limits: Limits = LIMITS) -> Request | BadRequest:
    """What one command comes to, however it is fed; the command behind it is understood, too.

    `line` has neither tag nor line end; literals stand in it as on the wire.
    """
    data = b"a " + line + b"\r\n"
    whole = _answered(events(_connection_for(line, limits), data))
    slowly = _answered(events(_connection_for(line, limits), *octets(data)))
    assert comparable(slowly) == comparable(whole)
    trailing = _answered(events(_connection_for(line, limits), data + b"next NOOP\r\n"))
    assert comparable(trailing[:1]) == comparable(whole)
    [event] = whole
    assert isinstance(event, Request | BadRequest)
    assert event.tag == b"a"
    if not (isinstance(event, Request) and isinstance(event.command, Idle | Authenticate)):
        assert trailing[1:] == [Request(b"next", "NOOP", Noop())]
    return event


def parsed(line: bytes, limits: Limits = LIMITS) -> object:
    """The command that a line is."""
    event = outcome(line, limits)
    assert isinstance(event, Request), event
    return event.command


def refused(line: bytes, limits: Limits = LIMITS) -> MaildirdError:
    """Why a line is no command."""
    event = outcome(line, limits)
    assert isinstance(event, BadRequest), event
    return event.error


def _connection_for(line: bytes, limits: Limits) -> Connection:
    """A connection in a state in which the command of a line may be used."""
    words = line.upper().split(b" ")[:2]
    name = (b" ".join(words) if words[0] == b"UID" else words[0]).decode("latin-1")
    allowed = COMMANDS[name].states if name in COMMANDS else {State.SELECTED}
    return Connection(limits, next(state for state in State if state in allowed))


def _answered(found: Iterable[Event]) -> list[Event]:
    """Events without the leave that was given for literals."""
    return [event for event in found if not isinstance(event, Continue)]
