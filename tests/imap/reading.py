"""Feeding a connection, and what comes out of it."""

from collections.abc import Iterable, Iterator

from maildird.imap.connection import Connection, Event, Overrun, Request
from maildird.imap.limits import Limits
from maildird.imap.table import State
from maildird.terms.errors import MaildirdError

LIMITS = Limits()


def events_of(connection: Connection) -> Iterator[Event]:
    """All events that are there; nothing comes after an overrun."""
    while (event := connection.next_event()) is not None:
        yield event
        if isinstance(event, Overrun):
            return


def fed(connection: Connection, pieces: Iterable[bytes]) -> list[Event]:
    """What came out while `pieces` went in, one after the other."""
    events: list[Event] = []
    for piece in pieces:
        connection.receive_data(piece)
        events += events_of(connection)
    return events


def events(stream: bytes, *, state: State = State.SELECTED, limits: Limits = LIMITS) -> list[Event]:
    """What a stream means to a new connection."""
    return fed(Connection(limits, state), [stream])


def command(words: bytes, state: State = State.SELECTED) -> object:
    """The one command that `words` are; literals stand in it as `{n+}`."""
    event, *more = events(b"tag " + words + b"\r\n", state=state)
    assert not more
    assert isinstance(event, Request), event
    return event.command


def shown(event: object) -> object:
    """An event that compares equal to another one that says the same."""
    error = getattr(event, "error", None)
    if not isinstance(error, MaildirdError):
        return event
    return type(event), getattr(event, "tag", None), type(error), str(error)
