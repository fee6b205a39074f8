"""A connection before login: greeting, a few commands, TLS, a name and a password.

Theory of operation. Who a client is has to be known within a minute, and it may err only so often;
each failure is answered a little later than the one before, which costs that connection alone.
Whoever fails on several connections waits for what `throttle` remembers of them. On success the
client's account takes over with what the client has sent since: nothing else of what was known
before login goes with it.

With STARTTLS everything begins anew but the time. Octets that came behind the command are dropped,
since anybody may have put them there; those that the kernel still holds are no TLS, and end the
connection. What the client knew and what was known of it, the number of its failures included, was
said without TLS, and is forgotten (RFC 3501 section 6.2.1).

Passwords go over the wire as they are (LOGIN, AUTHENTICATE PLAIN), so they are taken on private
connections only: with TLS, from the same machine, or where the listener allows it.
"""

import logging
import math
from dataclasses import dataclass
from typing import Final

import trio

import maildird
from maildird.imap import limits as imap_limits
from maildird.imap.capabilities import AFTER_LOGIN, before_login
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
from maildird.server.accounts import Accounts
from maildird.server.admission import Admission
from maildird.server.reception import Client
from maildird.server.settings import Settings, User
from maildird.server.throttle import Throttle
from maildird.server.users import Users
from maildird.session.session import FAREWELL, serve_account_session
from maildird.terms.codes import Code
from maildird.terms.errors import MaildirdError, Refused

logger = logging.getLogger(__name__)

MOST_FAILURES: Final = 5
"""Failed logins after which the connection is closed."""


TLS_HANDSHAKE: Final = b"\x16\x03"
"""How a client begins that takes this for a port with implicit TLS (RFC 8446 section 5.1)."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """A client that has said who it is; `tag` is that of the command still to be answered."""

    user: User
    tag: bytes


@dataclass(frozen=True, slots=True)
class TlsWanted:
    """A client that has to be told with `tag` that TLS may begin."""

    tag: bytes


class Doorkeeper:
    """Talks to clients until they have logged in, and hands them over."""

    def __init__(
        self,
        settings: Settings,
        users: Users,
        accounts: Accounts,
        admission: Admission,
        throttle: Throttle,
    ) -> None:
        self._settings = settings
        self._accounts = accounts
        self._admission = admission
        self._users = users
        self._throttle = throttle
        self._limits = imap_limits.Limits(
            append_message=settings.limits.message_size,
            append_command=2 * settings.limits.message_size,
        )

    async def serve(self, client: Client) -> None:
        """Serve a client from the greeting to the end; the caller closes the stream.

        Raises trio.BrokenResourceError when the connection is lost.
        """
        connection = Connection(self._limits)
        admitted = await self._converse(client, connection, greet=True)
        if isinstance(admitted, TlsWanted):
            await self._start_tls(client, connection, admitted.tag)
            connection = Connection(self._limits)
            admitted = await self._converse(client, connection, greet=False)
        if not isinstance(admitted, Admitted):
            return
        with self._admission.admit_user(admitted.user.name) as refusal:
            if refusal is None:
                await self._hand_over(client, connection, admitted)
            else:
                await client.stream.send_all(no(admitted.tag, refusal, Code.LIMIT) + bye(refusal))

    async def _start_tls(self, client: Client, connection: Connection, tag: bytes) -> None:
        injected = connection.trailing_data()
        if injected:
            logger.info("%s: dropped what came behind STARTTLS", client.stream.peer)
        await client.stream.send_all(ok(tag, "begin TLS now"))
        await client.start_tls()

    async def _converse(
        self, client: Client, connection: Connection, *, greet: bool
    ) -> Admitted | TlsWanted | None:
        """Wait until the client has said who it is; None when that came to nothing."""
        last_word: str | None = "the server is shutting down"
        try:
            with trio.move_on_at(client.deadline):
                dialogue = _Dialogue(client, connection, self._users, self._throttle)
                if greet:
                    await dialogue.greet()
                outcome = await dialogue.until_admitted()
                last_word = None
                return outcome
            last_word = "nobody has logged in for too long"
            return None
        except Exception:
            last_word = None
            raise
        finally:
            if last_word is not None:
                with trio.move_on_after(FAREWELL, shield=True):
                    await client.stream.send_all(bye(last_word))

    async def _hand_over(self, client: Client, connection: Connection, admitted: Admitted) -> None:
        """Let the client into its account."""
        name, peer = admitted.user.name, client.stream.peer
        try:
            opened = await self._accounts.open(admitted.user)
        except (MaildirdError, OSError) as error:
            logger.error("account %s can't be opened: %s", name, error)
            text = "your mail can't be reached now; the server's log says why"
            await client.stream.send_all(no(admitted.tag, text, Code.UNAVAILABLE) + bye(text))
            return
        logger.info("%s logged in from %s", name, peer)
        with opened.session() as account:
            await client.stream.send_all(
                ok(admitted.tag, f"welcome, {name}", Capabilities(AFTER_LOGIN))
            )
            await serve_account_session(
                client.stream,
                connection.trailing_data(),
                account,
                self._limits,
                autologout=self._settings.timeouts.idle,
                idle_keepalive=self._settings.idle_keepalive or math.inf,
            )
        logger.debug("%s left, from %s", name, peer)


class _Dialogue:
    """What is said before login."""

    def __init__(
        self, client: Client, connection: Connection, users: Users, throttle: Throttle
    ) -> None:
        self._client = client
        self._stream = client.stream
        self._connection = connection
        self._users = users
        self._throttle = throttle
        self._failures = 0
        self._capabilities = before_login(plaintext=client.private, starttls=client.can_start_tls)

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
                case Request(tag, _, Login(name, password)):
                    admitted = await self._try(tag, name, password)
                case Request(tag, _, Authenticate() as command):
                    admitted = await self._authenticate(tag, command)
                case Request(tag, _, StartTls()) if self._client.can_start_tls:
                    return TlsWanted(tag)
                case Request(tag, _, StartTls()):
                    text = "TLS has begun already" if self._client.tls else "there is no TLS here"
                    await self._stream.send_all(bad(tag, text))
                    continue
                case Request(tag, _, Logout()):
                    await self._stream.send_all(bye("good bye") + ok(tag, "LOGOUT done"))
                    return None
                case Request(tag, _, command):
                    await self._stream.send_all(self._answer(command) + ok(tag, "done"))
                    continue
                case Overrun(error):
                    await self._stream.send_all(bye(str(error)))
                    return None
                case event:
                    await self._stream.send_all(self._answer_to_no_command(event))
                    continue
            if admitted is not None:
                return admitted
            if self._failures >= MOST_FAILURES:
                await self._stream.send_all(bye("too many failed logins"))
                return None

    def _answer(self, command: object) -> bytes:
        """The untagged answer to a command that changes nothing."""
        match command:
            case Capability():
                return bytes(CapabilityResponse(self._capabilities))
            case Id():
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

    async def _authenticate(self, tag: bytes, command: Authenticate) -> Admitted | None:
        """AUTHENTICATE (RFC 3501 section 6.2.2) with PLAIN (RFC 4616)."""
        if command.mechanism != "PLAIN":
            self._connection.exchange_ended()
            text = f"{command.mechanism} is not offered here; PLAIN is"
            await self._stream.send_all(no(tag, text, Code.CANNOT))
            return None
        if not self._client.private:
            self._connection.exchange_ended()
            await self._refuse_plaintext(tag)
            return None
        response = command.initial
        if response is None:
            response = await self._sasl_response(tag)
        if response is None:
            return None
        self._connection.exchange_ended()
        identity, _, rest = response.partition(b"\0")
        name, _, password = rest.partition(b"\0")
        if identity not in (b"", name):
            await self._fail(tag)
            return None
        return await self._try(tag, name, password)

    async def _sasl_response(self, tag: bytes) -> bytes | None:
        """Ask for the client's response; None when the exchange came to nothing."""
        await self._stream.send_all(continuation())
        event = await self._next_event()
        match event:
            case SaslResponse(bytes() as response):
                return response
            case SaslResponse():
                self._connection.exchange_ended()
                await self._stream.send_all(bad(tag, "AUTHENTICATE was given up"))
            case BadRequest(_, error) | Overrun(error):
                await self._stream.send_all(bad(tag, str(error)))
        return None

    async def _try(self, tag: bytes, name: bytes, password: bytes) -> Admitted | None:
        if not self._client.private:
            await self._refuse_plaintext(tag)
            return None
        try:
            async with self._throttle.attempt(name, self._stream.peer) as attempt:
                user = await self._users.verify(name, password)
                attempt.ended(right=user is not None)
        except Refused as refusal:
            await self._stream.send_all(no(tag, str(refusal), refusal.code))
            return None
        if user is None:
            await self._fail(tag)
            return None
        return Admitted(user, tag)

    async def _fail(self, tag: bytes) -> None:
        """One answer for all failures, later each time."""
        self._failures += 1
        await trio.sleep(self._failures)
        text = "the name or the password is wrong"
        await self._stream.send_all(no(tag, text, Code.AUTHENTICATIONFAILED))

    async def _refuse_plaintext(self, tag: bytes) -> None:
        self._failures += 1
        text = "no password is taken on a connection that is not encrypted"
        await self._stream.send_all(no(tag, text, Code.PRIVACYREQUIRED))

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
                logger.info(
                    "%s: the client begins TLS where plain text comes first", self._stream.peer
                )
                return None
            self._connection.receive_data(received)
