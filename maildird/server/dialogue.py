"""What is said before login, with TLS or without: commands, and exchanges of SASL.

Theory of operation. Who is wrong about the name or the password hears the same words each time, and
later each time, which costs that connection alone; with the last of `MOST_FAILURES` it ends. An
exchange that came to nothing, or a password that was sent where others may listen, is counted, too,
and answered at once.
"""

import base64
import logging
from dataclasses import dataclass
from typing import Final

import trio

import maildird
from maildird.imap.capabilities import before_login
from maildird.imap.codes import Capabilities
from maildird.imap.commands.session import (
    Authenticate,
    Capability,
    Id,
    Login,
    Logout,
    Noop,
    StartTls,
)
from maildird.imap.connection import (
    NO_PRIVACY,
    BadRequest,
    Connection,
    Continue,
    Event,
    Overrun,
    Request,
    SaslResponse,
)
from maildird.imap.responses import (
    CapabilityResponse,
    IdResponse,
    bad,
    bye,
    continuation,
    no,
    ok,
    untagged_ok,
)
from maildird.server.authentication import Authenticator
from maildird.server.reception import Client
from maildird.server.sasl.offering import Offer
from maildird.server.settings import User
from maildird.session.presence import client_named
from maildird.terms.codes import Code
from maildird.terms.errors import Malformed, Refused

logger = logging.getLogger(__name__)

MOST_FAILURES: Final = 5
"""Failed logins after which the connection is closed."""

TLS_HANDSHAKE: Final = b"\x16\x03"
"""How a client begins that takes this for a port with implicit TLS (RFC 8446 section 5.1)."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """A client that has said who it is; `tag` is that of the command still to be answered.

    `mechanism` is how, LOGIN or that of SASL, and `client` the name that it gave with ID.
    """

    user: User
    tag: bytes
    mechanism: str
    client: str | None = None


@dataclass(frozen=True, slots=True)
class TlsWanted:
    """A client that has to be told with `tag` that TLS may begin."""

    tag: bytes


class Dialogue:
    """Talks to one client until it is known, or begins TLS, or leaves.

    `offer` are the mechanisms that it may use.
    """

    def __init__(
        self, client: Client, connection: Connection, authenticator: Authenticator, offer: Offer
    ) -> None:
        self._client = client
        self._stream = client.stream
        self._peer = client.stream.peer
        self._connection = connection
        self._authenticator = authenticator
        self._failures = 0
        self._client_name: str | None = None
        self._offer = offer
        self._capabilities = before_login(offer, starttls=client.can_start_tls)

    async def greet(self) -> None:
        """The first word on the connection."""
        greeting = f"maildird {maildird.__version__} ready"
        await self._stream.send_all(untagged_ok(greeting, Capabilities(self._capabilities)))

    async def until_admitted(self) -> Admitted | TlsWanted | None:
        """Answer commands until one logs in or asks for TLS; None when the client left or was sent
        away."""
        while True:
            match await self._next_event():
                case None:
                    return None
                case Request(tag, _, Login() | Authenticate() as command):
                    user = await self._log_in(tag, command)
                    if user is not None:
                        return Admitted(user, tag, _mechanism(command), self._client_name)
                case BadRequest(bytes() as tag, Refused(code=Code.PRIVACYREQUIRED) as refusal):
                    self._count_plaintext()
                    await self._stream.send_all(no(tag, str(refusal), refusal.code))
                case Request(tag, _, StartTls()) if self._client.can_start_tls:
                    return TlsWanted(tag)
                case Request(tag, _, StartTls()):
                    text = "TLS has begun already" if self._client.tls else "there is no TLS here"
                    await self._stream.send_all(bad(tag, text))
                case Request(tag, _, Logout()):
                    await self._stream.send_all(bye("good bye") + ok(tag, "LOGOUT done"))
                    return None
                case Request(tag, _, command):
                    await self._stream.send_all(self._answer(command) + ok(tag, "done"))
                case Overrun(error):
                    await self._stream.send_all(bye(str(error)))
                    return None
                case event:
                    await self._stream.send_all(self._answer_to_no_command(event))
            if self._failures >= MOST_FAILURES:
                logger.info("%s: sent away after %d failures", self._peer, self._failures)
                await self._stream.send_all(bye("too many failed logins"))
                return None

    def _answer(self, command: object) -> bytes:
        """The untagged answer to a command that changes nothing."""
        match command:
            case Capability():
                return bytes(CapabilityResponse(self._capabilities))
            case Id(said):
                self._client_name = client_named(dict(said)) or self._client_name
                fields = (("name", "maildird"), ("version", maildird.__version__))
                return bytes(IdResponse(fields))
            case Noop():
                return b""
        raise AssertionError(f"{command} is not in the command table for before login")

    def _answer_to_no_command(self, event: Event) -> bytes:
        match event:
            case Continue():
                return continuation("go on")
            case BadRequest(None, error):
                return bad(None, str(error))
            case BadRequest(bytes() as tag, Refused() as error):
                return no(tag, str(error), error.code)
            case BadRequest(tag, error):
                return bad(tag, str(error))
        raise AssertionError(f"{event} can't come before login")

    async def _log_in(self, tag: bytes, command: Login | Authenticate) -> User | None:
        """LOGIN, or AUTHENTICATE; None when it was refused, which the client has been told."""
        try:
            match command:
                case Login(name, password):
                    user = await self._authenticator.log_in(name, password, self._peer)
                case Authenticate():
                    user = await self._exchange(command)
        except Malformed as error:
            self._failures += 1
            logger.info("%s: AUTHENTICATE came to nothing: %a", self._peer, str(error))
            await self._stream.send_all(bad(tag, str(error)))
            return None
        except Refused as refusal:
            await self._stream.send_all(no(tag, str(refusal), refusal.code))
            return None
        if user is None:
            self._failures += 1
            await trio.sleep(self._failures)
            text = "the name or the password is wrong"
            await self._stream.send_all(no(tag, text, Code.AUTHENTICATIONFAILED))
        return user

    async def _exchange(self, command: Authenticate) -> User | None:
        """AUTHENTICATE (RFC 3501 section 6.2.2)."""
        try:
            make = self._offer.get(command.mechanism)
            if make is None and not self._client.private:
                self._count_plaintext()
                raise Refused(Code.PRIVACYREQUIRED, NO_PRIVACY)
            if make is None:
                names = ", ".join(self._offer)
                raise Refused(
                    Code.CANNOT, f"{command.mechanism} is not offered here; these are: {names}"
                )
            verdict = await self._authenticator.exchange(
                make(), command.initial, self._peer, self._ask
            )
            return verdict.user
        finally:
            self._connection.exchange_ended()

    async def _ask(self, challenge: bytes) -> bytes:
        """The client's response to a challenge; Malformed when it gives up or sends no response."""
        await self._stream.send_all(continuation(base64.b64encode(challenge).decode("ascii")))
        match await self._next_event():
            case SaslResponse(bytes() as response):
                return response
            case SaslResponse():
                raise Malformed("AUTHENTICATE was given up")
            case BadRequest(_, error) | Overrun(error):
                raise Malformed(str(error))
        raise trio.BrokenResourceError("the client left")

    def _count_plaintext(self) -> None:
        self._failures += 1
        logger.info("%s: a login without encryption is refused", self._peer)

    async def _next_event(self) -> Event | None:
        """What comes next; None once the client has ended its side."""
        while True:
            event = self._connection.next_event()
            if event is not None:
                return event
            received = await self._stream.receive_some()
            if not received:
                return None
            if received.startswith(TLS_HANDSHAKE):
                logger.info("%s: the client begins TLS where plain text comes first", self._peer)
                return None
            self._connection.receive_data(received)


def _mechanism(command: Login | Authenticate) -> str:
    return "LOGIN" if isinstance(command, Login) else command.mechanism
