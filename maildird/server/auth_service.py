"""Telling other servers of this machine, such as Postfix, who their clients are.

Theory of operation. A connection is that of one process, which may have several exchanges open;
each is a task, to which the reader hands the responses. Connections and exchanges are bounded, and
so is the time that an exchange takes. Postfix waits ten seconds for an answer, and takes silence
for trouble of the server; so a "not now" comes before, and nobody waits for the throttle for long.
The throttle counts by the address of the client that Postfix names.

Whether a password may come over a connection that is not encrypted is for Postfix to decide. There
is neither channel binding nor EXTERNAL, since TLS ends over there.
"""

import itertools
import logging
import math
import socket
from typing import Final

import trio

from maildird.server.auth_protocol import (
    Auth,
    AuthProtocol,
    Cancel,
    Response,
    challenge,
    decode,
    failure,
    handshake,
    success,
)
from maildird.server.authentication import Authenticator
from maildird.server.failures import log_failure
from maildird.server.sasl.offering import Channel
from maildird.server.tally import Tally
from maildird.server.throttle import Throttle
from maildird.server.users import Users
from maildird.terms.errors import Malformed, Refused

logger = logging.getLogger(__name__)

MOST_CONNECTIONS: Final = 500

MOST_EXCHANGES: Final = 64
"""Exchanges of one connection at a time."""

RECEIVE_SIZE: Final = 16 * 1024

PATIENCE: Final = 8.0
"""How long an answer takes at most (s)."""

LONGEST_WAIT: Final = 5.0
"""How much of it may be for the throttle (s)."""

CLIENT_PATIENCE: Final = 150.0
"""How long a response may take to come (s)."""

WRITE_PATIENCE: Final = 2.0
"""How long an answer may wait to be taken (s)."""

NOT_NOW: Final = "that can't be found out now; try again later"
WRONG: Final = "the name or the password is wrong"

_CHANNEL: Final = Channel(private=True)


class AuthService:
    """Answers on the socket, about these users until there are others."""

    def __init__(self, users: Users, throttle: Throttle, tally: Tally | None = None) -> None:
        self._throttle = throttle
        self._tally = tally or Tally()
        self._numbers = itertools.count(1)
        self._connections = 0
        self.use(users)

    def use(self, users: Users) -> None:
        """Ask these from now on."""
        self.authenticator = Authenticator(users, self._throttle, LONGEST_WAIT, self._tally)

    async def answer_all(self, listening: socket.socket) -> None:
        """Answer whoever connects, until cancelled."""
        listener = trio.SocketListener(trio.socket.from_stdlib_socket(listening))
        await trio.serve_listeners(self._attend, [listener])

    async def _attend(self, stream: trio.SocketStream) -> None:
        if self._connections >= MOST_CONNECTIONS:
            logger.warning("SASL socket: more than %d connections", MOST_CONNECTIONS)
            await stream.aclose()
            return
        self._connections += 1
        try:
            async with stream:
                offer = await self.authenticator.offer(_CHANNEL)
                await stream.send_all(handshake(next(self._numbers), offer))
                await _Connection(self, stream).serve()
        except* Malformed as errors:
            logger.warning("SASL socket: a client is sent away: %s", errors.exceptions[0])
        except* (trio.BrokenResourceError, trio.ClosedResourceError) as losses:
            logger.debug("SASL socket: connection lost: %s", losses.exceptions[0])
        except* Exception as failures:
            log_failure(logger, "SASL socket", failures)
        finally:
            self._connections -= 1


class _Connection:
    """One client that has connected."""

    def __init__(self, service: AuthService, stream: trio.SocketStream) -> None:
        self._service = service
        self._stream = stream
        self._sending = trio.Lock()
        self._exchanges: dict[int, _Exchange] = {}

    async def serve(self) -> None:
        """Carry its commands out until it leaves; Malformed when one makes no sense."""
        protocol = AuthProtocol()
        async with trio.open_nursery() as nursery:
            while received := await self._stream.receive_some(RECEIVE_SIZE):
                protocol.receive_data(received)
                while (command := protocol.next_command()) is not None:
                    match command:
                        case Auth():
                            await self._begin(command, nursery)
                        case Response(number, data):
                            await self._hand_over(number, data)
                        case Cancel(number) if number in self._exchanges:
                            self._exchanges[number].scope.cancel()
            nursery.cancel_scope.cancel()

    async def send(self, line: bytes) -> None:
        """Send a whole line, also when the exchange is given up meanwhile."""
        with trio.move_on_after(WRITE_PATIENCE, shield=True) as scope:
            async with self._sending:
                await self._stream.send_all(line)
        if scope.cancelled_caught:
            raise trio.BrokenResourceError("the client takes no answers")

    async def _begin(self, command: Auth, nursery: trio.Nursery) -> None:
        if command.id in self._exchanges:
            raise Malformed(f"the exchange {command.id} is open already")
        if len(self._exchanges) >= MOST_EXCHANGES:
            await self.send(failure(command.id, NOT_NOW, temporary=True))
            return
        self._exchanges[command.id] = _Exchange(self, command)
        nursery.start_soon(self._run, command)

    async def _hand_over(self, number: int, data: bytes) -> None:
        exchange = self._exchanges.get(number)
        if exchange is None or not exchange.take(data):
            await self.send(failure(number, "nobody waits for this response", temporary=True))

    async def _run(self, command: Auth) -> None:
        answer = await self._exchanges[command.id].run(self._service.authenticator)
        del self._exchanges[command.id]
        if answer is not None:
            await self.send(answer)


class _Exchange:
    """One exchange; `scope` is cancelled when the client gives it up."""

    def __init__(self, connection: _Connection, command: Auth) -> None:
        self.scope = trio.CancelScope()
        self._connection = connection
        self._command = command
        self._responses = trio.open_memory_channel[bytes](1)

    def take(self, data: bytes) -> bool:
        """Take a response from the client, if one is waited for."""
        try:
            self._responses[0].send_nowait(data)
        except trio.WouldBlock:
            return False
        return True

    async def run(self, authenticator: Authenticator) -> bytes | None:
        """The last line, OK or FAIL; None where the client gave up."""
        with self.scope:
            with trio.move_on_after(PATIENCE) as patience:
                return await self._answer(authenticator, patience)
            return failure(self._command.id, NOT_NOW, temporary=True)
        return None

    async def _answer(self, authenticator: Authenticator, patience: trio.CancelScope) -> bytes:
        command, peer = self._command, str(self._command.peer)
        make = (await authenticator.offer(_CHANNEL)).get(command.mechanism)
        if make is None:
            return failure(command.id, f"{command.mechanism} is not offered here")

        async def ask(data: bytes) -> bytes:
            patience.deadline = math.inf
            await self._connection.send(challenge(command.id, data))
            patience.deadline = trio.current_time() + CLIENT_PATIENCE
            response = await self._responses[1].receive()
            patience.deadline = trio.current_time() + PATIENCE
            return decode(response)

        try:
            initial = None if command.initial is None else decode(command.initial)
            verdict = await authenticator.exchange(make(), initial, peer, ask)
        except Malformed as error:
            return failure(command.id, str(error))
        except Refused as refusal:
            return failure(command.id, str(refusal), temporary=True)
        if verdict.user is None:
            return failure(command.id, WRONG, name=verdict.name)
        logger.info(
            "%s logged in from %s with %s, for %a",
            verdict.user.name,
            peer,
            command.mechanism,
            command.service,
        )
        return success(command.id, verdict.user.name)
