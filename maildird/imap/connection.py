"""A server's side of a connection, without the connection: octets in, events out.

Theory of operation. `receive_data` only keeps what came; `next_event` gives what it means, one
event a call, until it gives None: more has to come. The command table says in which state a command
may be used; the caller moves the state (`STATE_AFTER` shows how). Two commands change how the
following lines are read, at once, since a client may have sent them already: AUTHENTICATE without
an initial response is followed by SASL responses until the caller says `exchange_ended`, IDLE by
DONE.
"""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from maildird.imap.commands.session import Authenticate, Idle, decode_base64
from maildird.imap.fragments import Fragmenter, Fragments, LiteralWanted, Rejected, TooMuch
from maildird.imap.grammar import TAG, Reader
from maildird.imap.limits import Limits
from maildird.imap.table import COMMANDS, Entry, State
from maildird.terms.codes import Code
from maildird.terms.errors import MaildirdError, Malformed, Refused

STATE_AFTER: Final = {
    (State.NOT_AUTHENTICATED, "LOGIN"): State.AUTHENTICATED,
    (State.NOT_AUTHENTICATED, "AUTHENTICATE"): State.AUTHENTICATED,
    (State.AUTHENTICATED, "SELECT"): State.SELECTED,
    (State.AUTHENTICATED, "EXAMINE"): State.SELECTED,
    (State.SELECTED, "SELECT"): State.SELECTED,
    (State.SELECTED, "EXAMINE"): State.SELECTED,
    (State.SELECTED, "CLOSE"): State.AUTHENTICATED,
    (State.SELECTED, "UNSELECT"): State.AUTHENTICATED,
}
"""Where a command leads when it succeeds; a SELECT that fails leads to AUTHENTICATED."""

_LONGEST_SASL: Final = 12 * 1024
_SPECIAL: Final = frozenset({"UID"})


@dataclass(frozen=True, slots=True)
class Request:
    """A whole command; `name` is its entry in the command table."""

    tag: bytes
    name: str
    command: object


@dataclass(frozen=True, slots=True)
class Continue:
    """The client waits for a continuation request: a literal may come."""


@dataclass(frozen=True, slots=True)
class BadRequest:
    """What came is no command here; `error` is a Malformed or a Refused. No tag: none was there."""

    tag: bytes | None
    error: MaildirdError


@dataclass(frozen=True, slots=True)
class SaslResponse:
    """A client's response in an exchange; None means that the client gave up (`*`)."""

    data: bytes | None


@dataclass(frozen=True, slots=True)
class IdleDone:
    """The client ended IDLE."""


@dataclass(frozen=True, slots=True)
class Overrun:
    """The connection has to end: too much garbage, or a literal too large to drop."""

    error: MaildirdError


Event = Request | Continue | BadRequest | SaslResponse | IdleDone | Overrun


class _Mode(enum.Enum):
    COMMANDS = enum.auto()
    SASL = enum.auto()
    IDLE = enum.auto()


class Connection:
    """One connection; `state` is moved by the caller."""

    def __init__(self, limits: Limits, state: State = State.NOT_AUTHENTICATED) -> None:
        self.state = state
        self._limits = limits
        self._mode = _Mode.COMMANDS
        self._bad = 0
        self._fragmenter = Fragmenter(
            self._admit, line_limit=limits.line, discard_limit=limits.discard
        )

    def receive_data(self, data: bytes) -> None:
        """Keep what came from the client."""
        self._fragmenter.feed(data)

    def next_event(self) -> Event | None:
        """What came next; None when more has to come."""
        event = self._next_event()
        if isinstance(event, BadRequest):
            self._bad += 1
            if self._bad > self._most_bad:
                return Overrun(Malformed("too many commands that make no sense"))
        elif isinstance(event, Request):
            self._bad = 0 if self.state is not State.NOT_AUTHENTICATED else self._bad
        return event

    def exchange_ended(self) -> None:
        """The SASL exchange is over; commands follow."""
        self._mode = _Mode.COMMANDS

    def trailing_data(self) -> bytes:
        """What came after the last event, for whoever reads the connection from now on."""
        return self._fragmenter.unread()

    @property
    def in_command(self) -> bool:
        """Whether the client has begun a command and not ended it."""
        return self._fragmenter.in_command

    def _next_event(self) -> Event | None:
        if self._mode is _Mode.SASL:
            return self._sasl_response()
        if self._mode is _Mode.IDLE:
            return self._idle_done()
        match self._fragmenter.next():
            case None:
                return None
            case LiteralWanted():
                return Continue()
            case TooMuch(error):
                return Overrun(error)
            case Rejected(text, error):
                return BadRequest(_tag_of(text), error)
            case Fragments() as fragments:
                return self._request(fragments)

    def _request(self, fragments: Fragments) -> Request | BadRequest:
        tag = _tag_of(fragments.texts[0])
        try:
            request = self._parse(fragments)
        except (Malformed, Refused) as error:
            return BadRequest(tag, error)
        if isinstance(request.command, Idle):
            self._mode = _Mode.IDLE
        elif isinstance(request.command, Authenticate) and request.command.initial is None:
            self._mode = _Mode.SASL
        return request

    def _parse(self, fragments: Fragments) -> Request:
        """command = tag SP (command-any / command-auth / command-nonauth / command-select)."""
        reader = Reader(fragments)
        tag = reader.match(TAG, "a tag")[0]
        reader.space()
        name = reader.word("a command")
        if name in _SPECIAL:
            reader.space()
            name += " " + reader.word("a command")
        command = self._entry(name).parse(reader)
        reader.end()
        return Request(tag, name, command)

    def _entry(self, name: str) -> Entry:
        entry = COMMANDS.get(name)
        if entry is None:
            raise Malformed(f"{name} is no command here")
        if self.state not in entry.states:
            states = " or ".join(state.value for state in State if state in entry.states)
            raise Malformed(f"{name} can be used {states} only")
        return entry

    def _sasl_response(self) -> SaslResponse | BadRequest | None:
        line = self._fragmenter.next_line()
        if line is None:
            return None
        if line == b"*":
            return SaslResponse(None)
        try:
            if len(line) > _LONGEST_SASL:
                raise Malformed(f"a SASL response is longer than {_LONGEST_SASL} octets")
            return SaslResponse(decode_base64(line))
        except Malformed as error:
            self._mode = _Mode.COMMANDS
            return BadRequest(None, error)

    def _idle_done(self) -> IdleDone | BadRequest | None:
        line = self._fragmenter.next_line()
        if line is None:
            return None
        self._mode = _Mode.COMMANDS
        if line.strip().upper() == b"DONE":
            return IdleDone()
        return BadRequest(None, Malformed("IDLE ends with DONE (RFC 2177 section 3)"))

    @property
    def _most_bad(self) -> int:
        if self.state is State.NOT_AUTHENTICATED:
            return self._limits.bad_before_login - 1
        return self._limits.bad_after_login - 1

    def _admit(self, text: bytes, sizes: Sequence[int]) -> MaildirdError | None:
        """Whether a command may have these literals."""
        limits = self._limits
        if self.state is State.NOT_AUTHENTICATED:
            most, code = limits.login_literal, None
            if sum(sizes) <= most:
                return None
        elif _is_append(text):
            return self._admit_append(sizes)
        else:
            most, code = limits.literal, Code.LIMIT
            if sum(sizes) <= 4 * most and sizes[-1] <= most:
                return None
        if code is None:
            return Malformed(f"literals before login have at most {most} octets")
        return Refused(code, f"a literal has at most {most} octets here")

    def _admit_append(self, sizes: Sequence[int]) -> MaildirdError | None:
        limits = self._limits
        if sizes[-1] > limits.append_message:
            return Refused(
                Code.TOOBIG, f"a message has at most {limits.append_message} octets here"
            )
        if sum(sizes) > limits.append_command:
            return Refused(
                Code.LIMIT,
                f"messages of one APPEND have at most {limits.append_command} octets together;"
                " use several commands",
            )
        return None


def _tag_of(text: bytes) -> bytes | None:
    match = TAG.match(text)
    if match is None or not text[match.end() :].startswith(b" "):
        return match[0] if match and match.end() == len(text) else None
    return match[0]


def _is_append(text: bytes) -> bool:
    words = text[:1024].split(b" ", 2)
    return len(words) > 1 and words[1].upper() == b"APPEND"
