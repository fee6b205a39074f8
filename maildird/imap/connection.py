"""A server's side of a connection, without the connection: octets in, events out.

Theory of operation. `receive_data` only keeps what came; `next_event` gives what it means, one
event a call, until it gives None: more has to come. The command table says in which state a command
may be used; whether one succeeded only the caller knows, so the caller moves the state, along
`MOVES`. What is read next may depend on it, so a command has to be carried out, and the state
moved, before the next event is asked for.

Two commands change how the following lines are read, at once, since a client may have sent them
already: AUTHENTICATE is followed by SASL responses until the caller says `exchange_ended` or the
client gives up, IDLE by DONE. A literal has no place in these lines; one that stands there all the
same is dropped, as everywhere, and what follows is in step.
"""

import enum
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from maildird.imap.commands.session import Authenticate, Idle, sasl_response
from maildird.imap.fragments import Fragmenter, Fragments, LiteralWanted, Rejected, TooMuch
from maildird.imap.grammar import TAG, Reader
from maildird.imap.limits import Limits
from maildird.imap.table import COMMANDS, Entry, State
from maildird.terms.codes import Code
from maildird.terms.errors import MaildirdError, Malformed, Refused

MOVES: Final[dict[State, frozenset[State]]] = {
    # LOGIN or AUTHENTICATE succeeds
    State.NOT_AUTHENTICATED: frozenset({State.AUTHENTICATED, State.LOGOUT}),
    # SELECT or EXAMINE succeeds
    State.AUTHENTICATED: frozenset({State.SELECTED, State.LOGOUT}),
    # CLOSE or UNSELECT succeeds, SELECT or EXAMINE fails
    State.SELECTED: frozenset({State.AUTHENTICATED, State.LOGOUT}),
    State.LOGOUT: frozenset(),
}
"""Where each state may lead (RFC 3501 section 3); all others stay what they are."""


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
    """What came is no command here; `error` is a Malformed or a Refused.

    Without a tag none could be read, or the line was to be part of an exchange.
    """

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
    """The connection has to end: too much garbage. No other event comes after this one."""

    error: MaildirdError


Event = Request | Continue | BadRequest | SaslResponse | IdleDone | Overrun

NO_PRIVACY: Final = "nobody can log in on a connection that is not encrypted"


class _Lines(enum.Enum):
    """What the next line is part of."""

    COMMANDS = enum.auto()
    SASL = enum.auto()
    IDLE = enum.auto()


_EXPECTED: Final = {
    _Lines.SASL: "expected a SASL response in base64, or `*` (RFC 3501 section 6.2.2)",
    _Lines.IDLE: "expected DONE, which ends IDLE (RFC 2177 section 3)",
}

# the beginning of APPEND up to its mailbox
_APPEND: Final = re.compile(rb"[^ ]{1,255} APPEND ", re.IGNORECASE)

# the beginning of LOGIN up to its name, also where no space stands before that
_LOGIN: Final = re.compile(rb"[^ ]{1,255} LOGIN(?: |\Z)", re.IGNORECASE)


class Connection:
    """One connection, from `state` on.

    With `login_disabled` LOGIN is refused (RFC 3501 section 6.2.3), and no literal asked for that
    would bring a name or a password.
    """

    def __init__(
        self,
        limits: Limits,
        state: State = State.NOT_AUTHENTICATED,
        *,
        login_disabled: bool = False,
    ) -> None:
        self._limits = limits
        self._state = state
        self._login_disabled = login_disabled
        self._lines = _Lines.COMMANDS
        self._bad = 0
        self._overrun: Overrun | None = None
        self._fragmenter = Fragmenter(
            self._admit, line_limit=limits.line, discard_limit=limits.discard
        )

    @property
    def state(self) -> State:
        """Where the connection stands."""
        return self._state

    def move_to(self, state: State) -> None:
        """What was carried out led to `state`; ValueError where that can't be (see `MOVES`)."""
        if state is not self._state and state not in MOVES[self._state]:
            raise ValueError(f"no way from {self._state} to {state}")
        self._state = state

    def receive_data(self, data: bytes) -> None:
        """Keep what came from the client."""
        self._fragmenter.feed(data)

    def next_event(self) -> Event | None:
        """What came next; None when more has to come, and after LOGOUT."""
        if self._overrun is not None or self._state is State.LOGOUT:
            return self._overrun
        event = self._next_event()
        if isinstance(event, Request) and self._state is not State.NOT_AUTHENTICATED:
            self._bad = 0
        elif isinstance(event, BadRequest) and isinstance(event.error, Malformed):
            self._bad += 1
            if self._bad >= self._most_bad:
                event = Overrun(Malformed("too many commands that make no sense"))
        if isinstance(event, Overrun):
            self._overrun = event
        return event

    def exchange_ended(self) -> None:
        """The SASL exchange is over; commands follow."""
        self._lines = _Lines.COMMANDS

    def trailing_data(self) -> bytes:
        """What came after the last event, for whoever reads the connection from now on.

        It is given away by this. To be asked for right after a Request.
        """
        return self._fragmenter.unread()

    def _next_event(self) -> Event | None:
        match self._fragmenter.next():
            case None:
                return None
            case LiteralWanted():
                return Continue()
            case TooMuch(error):
                return Overrun(error)
            case Rejected(beginning, error):
                in_exchange = self._lines is not _Lines.COMMANDS
                self._lines = _Lines.COMMANDS
                return BadRequest(None if in_exchange else _tag_of(beginning), error)
            case Fragments() as fragments:
                return self._event(fragments)

    def _event(self, fragments: Fragments) -> Event:
        match self._lines:
            case _Lines.COMMANDS:
                return self._request(fragments)
            case _Lines.SASL:
                return self._sasl_response(fragments.texts[0])
            case _Lines.IDLE:
                self._lines = _Lines.COMMANDS
                done = fragments.texts[0].strip().upper() == b"DONE"
                return IdleDone() if done else BadRequest(None, Malformed(_EXPECTED[_Lines.IDLE]))

    def _request(self, fragments: Fragments) -> Request | BadRequest:
        try:
            request = self._parse(fragments)
        except (Malformed, Refused) as error:
            return BadRequest(_tag_of(fragments.texts[0]), error)
        if isinstance(request.command, Idle):
            self._lines = _Lines.IDLE
        elif isinstance(request.command, Authenticate):
            self._lines = _Lines.SASL
        return request

    def _parse(self, fragments: Fragments) -> Request:
        """command = tag SP (command-any / command-auth / command-nonauth / command-select) CRLF.

        uid = "UID" SP (copy / fetch / search / store / …): its second word is part of the name.
        """
        reader = Reader(fragments)
        tag = reader.match(TAG, "a tag")[0]
        reader.space()
        name = reader.word("a command")
        if name == "UID":
            reader.space()
            name += " " + reader.word("a command")
        command = self._entry(name).parse(reader)
        reader.end()
        return Request(tag, name, command)

    def _entry(self, name: str) -> Entry:
        entry = COMMANDS.get(name)
        if entry is None:
            raise Malformed(f"{name} is no command here")
        if self._state not in entry.states:
            states = " or ".join(state.value for state in State if state in entry.states)
            raise Malformed(f"{name} can be used {states} only")
        if name == "LOGIN" and self._login_disabled:
            raise Refused(Code.PRIVACYREQUIRED, NO_PRIVACY)
        return entry

    def _sasl_response(self, line: bytes) -> SaslResponse | BadRequest:
        """What the client sends in an exchange (RFC 3501 section 6.2.2): base64, or `*`."""
        if line == b"*":
            self.exchange_ended()
            return SaslResponse(None)
        try:
            return SaslResponse(sasl_response(line))
        except Malformed as error:
            self.exchange_ended()
            return BadRequest(None, error)

    @property
    def _most_bad(self) -> int:
        if self._state is State.NOT_AUTHENTICATED:
            return self._limits.bad_before_login
        return self._limits.bad_after_login

    # Literals

    def _admit(self, texts: Sequence[bytes], octets: int, size: int) -> MaildirdError | None:
        """Whether a literal may follow; the fragmenter asks."""
        limits = self._limits
        if self._lines is not _Lines.COMMANDS:
            return Malformed(_EXPECTED[self._lines])
        if self._state is State.NOT_AUTHENTICATED:
            if self._login_disabled and _LOGIN.match(texts[0]):
                return Refused(Code.PRIVACYREQUIRED, NO_PRIVACY)
            if octets + size > limits.login_literal:
                return Malformed(
                    f"literals before login have at most {limits.login_literal} octets"
                )
        elif _is_message(texts):
            return self._admit_message(octets, size)
        elif octets + size > limits.literal:
            return Refused(
                Code.LIMIT, f"the literals of a command have at most {limits.literal} octets here"
            )
        return None

    def _admit_message(self, octets: int, size: int) -> Refused | None:
        limits = self._limits
        if size > limits.append_message:
            return Refused(
                Code.TOOBIG, f"a message has at most {limits.append_message} octets here"
            )
        if octets + size > limits.append_command:
            return Refused(
                Code.LIMIT,
                f"the messages of one APPEND have at most {limits.append_command} octets together;"
                " use several commands",
            )
        return None


def _tag_of(beginning: bytes) -> bytes | None:
    """The tag of a command that is none; None where it has no tag, either."""
    tag, _, _ = beginning.partition(b" ")
    return tag if TAG.fullmatch(tag) else None


def _is_message(texts: Sequence[bytes]) -> bool:
    """Whether the literal after these texts is a message of APPEND, and not its mailbox."""
    match = _APPEND.match(texts[0])
    return match is not None and (len(texts) > 1 or match.end() < len(texts[0]))
