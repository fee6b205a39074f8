"""Telling other servers of this machine, such as Postfix, who their clients are.

Theory of operation. A connection is that of one process, which may have several exchanges open;
each is a task, to which the reader hands the responses. An exchange is open until its last word, or
until the client gives it up, or responds where nothing was asked; from then on its number is free
for another one, and nothing is said of it any more, even where a password is still being compared.
So it is with Dovecot 2.3, but that a FAIL which it holds back comes all the same.

Connections and exchanges are bounded, and so is the time that an exchange takes. Postfix waits ten
seconds for an answer, and takes silence for trouble of the server; so a "not now" comes before, and
nobody waits for the throttle for long. The throttle counts by the address of the client that
Postfix names. A process of Postfix that finds its connection closed makes another, so that one
without an exchange can be closed where room is needed.

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
from maildird.server.failures import connection_failures
from maildird.server.room import Place, Room
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

WHERE: Final = "SASL socket"
"""What the log calls it."""

NOT_NOW: Final = "that can't be found out now; try again later"
WRONG: Final = "the name or the password is wrong"

_CHANNEL: Final = Channel(private=True)


class AuthService:
    """Answers on the socket, about these users until there are others."""

    def __init__(self, users: Users, throttle: Throttle, tally: Tally | None = None) -> None:
        self._throttle = throttle
        self._tally = tally or Tally()
        self._numbers = itertools.count(1)
        self._room = Room(WHERE, MOST_CONNECTIONS)
        self.use(users)

    def use(self, users: Users) -> None:
        """Ask these from now on."""
        self.authenticator = Authenticator(users, self._throttle, LONGEST_WAIT, self._tally)

    async def answer_all(self, listening: socket.socket) -> None:
        """Answer whoever connects, until cancelled."""
        listener = trio.SocketListener(trio.socket.from_stdlib_socket(listening))
        await trio.serve_listeners(self._attend, [listener])

    async def _attend(self, stream: trio.SocketStream) -> None:
        with connection_failures(logger, lambda: WHERE):
            async with stream:
                with self._room.place() as place:
                    if place is not None:
                        offer = await self.authenticator.offer(_CHANNEL)
                        await stream.send_all(handshake(next(self._numbers), offer))
                        await _Connection(self, stream, place).serve()


class _Connection:
    """One client that has connected."""

    def __init__(self, service: AuthService, stream: trio.SocketStream, place: Place) -> None:
        self._service = service
        self._stream = stream
        self._place = place
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
                        case Cancel(number):
                            self._give_up(number)
            nursery.cancel_scope.cancel()

    async def send(self, line: bytes) -> None:
        """Send a line: all of it, also when the exchange is given up meanwhile, or nothing."""
        async with self._sending:
            with trio.move_on_after(WRITE_PATIENCE, shield=True) as scope:
                await self._stream.send_all(line)
        if scope.cancelled_caught:
            raise trio.BrokenResourceError("the client takes no answers")

    async def _begin(self, command: Auth, nursery: trio.Nursery) -> None:
        if command.id in self._exchanges:
            raise Malformed(f"the exchange {command.id} is open already")
        if len(nursery.child_tasks) >= MOST_EXCHANGES:
            await self.send(failure(command.id, NOT_NOW, temporary=True))
            return
        exchange = self._exchanges[command.id] = _Exchange(self, command)
        self._place.occupy()
        nursery.start_soon(self._run, exchange)

    async def _hand_over(self, number: int, data: bytes) -> None:
        exchange = self._exchanges.get(number)
        if exchange is None or not exchange.take(data):
            self._give_up(number)
            await self.send(failure(number, "nobody waits for this response", temporary=True))

    async def _run(self, exchange: "_Exchange") -> None:
        answer = await exchange.run(self._service.authenticator)
        if answer is not None and self._exchanges.get(exchange.id) is exchange:
            del self._exchanges[exchange.id]
            await self.send(answer)
        if not self._exchanges:
            self._place.vacate()

    def _give_up(self, number: int) -> None:
        exchange = self._exchanges.pop(number, None)
        if exchange is not None:
            exchange.scope.cancel()


class _Exchange:
    """One exchange; `scope` is cancelled when the client gives it up."""

    def __init__(self, connection: _Connection, command: Auth) -> None:
        self.id = command.id
        self.scope = trio.CancelScope()
        self._connection = connection
        self._command = command
        self._asked = False
        self._responses = trio.open_memory_channel[bytes](1)

    def take(self, data: bytes) -> bool:
        """Take a response from the client, if one was asked for."""
        asked, self._asked = self._asked, False
        if asked:
            self._responses[0].send_nowait(data)
        return asked

    async def run(self, authenticator: Authenticator) -> bytes | None:
        """The last word, OK or FAIL; None where the client gave up."""
        with self.scope:
            with trio.move_on_after(PATIENCE) as patience:
                return await self._answer(authenticator, patience)
            return failure(self._command.id, NOT_NOW, temporary=True)
        return None

    async def _answer(self, authenticator: Authenticator, patience: trio.CancelScope) -> bytes:
        command = self._command
        make = (await authenticator.offer(_CHANNEL)).get(command.mechanism)
        if make is None:
            return failure(command.id, "this mechanism is not offered here")

        async def ask(data: bytes) -> bytes:
            patience.deadline = math.inf
            self._asked = True
            await self._connection.send(challenge(command.id, data))
            patience.deadline = trio.current_time() + CLIENT_PATIENCE
            response = await self._responses[1].receive()
            patience.deadline = trio.current_time() + PATIENCE
            return decode(response)

        try:
            initial = None if command.initial is None else decode(command.initial)
            verdict = await authenticator.exchange(make(), initial, command.peer, ask)
        except Malformed as error:
            return failure(command.id, str(error))
        except Refused as refusal:
            return failure(command.id, str(refusal), temporary=True)
        if verdict.user is None:
            return failure(command.id, WRONG, name=verdict.name)
        logger.info(
            "%s logged in from %s with %s, for %.40a",
            verdict.user.name,
            command.peer,
            command.mechanism,
            command.service,
        )
        return success(command.id, verdict.user.name)
