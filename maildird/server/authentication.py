"""Finding out who somebody is: exchanges of SASL, whatever protocol carries them.

What can be wrong is one thing for the client: a name that nobody has, a password or a proof that
doesn't fit, somebody else's name to act under. Each failure counts with the throttle, which logs
it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from maildird.server.addresses import Address
from maildird.server.sasl.offering import Channel, Offer, offer
from maildird.server.sasl.steps import Challenge, Mechanism, Password, Proof
from maildird.server.settings import User
from maildird.server.tally import Tally
from maildird.server.throttle import LONGEST_OF_ADDRESS, Throttle
from maildird.server.users import Users
from maildird.terms.errors import Malformed


@dataclass(frozen=True, slots=True)
class Verdict:
    """Who a client said it was, in the octets that it sent, and the user that it is."""

    name: bytes
    user: User | None


Ask = Callable[[bytes], Awaitable[bytes]]
"""Sends a challenge and gives the response; raises what ends the exchange."""


class Authenticator:
    """Asks `users` who it is, and `throttle` when; no answer waits longer than `longest` (s).

    What comes of it is counted in `tally`.
    """

    def __init__(
        self,
        users: Users,
        throttle: Throttle,
        longest: float = LONGEST_OF_ADDRESS,
        tally: Tally | None = None,
    ) -> None:
        self._users = users
        self._throttle = throttle
        self._longest = longest
        self._tally = tally or Tally()

    async def offer(self, channel: Channel) -> Offer:
        """The mechanisms for a connection."""
        await self._users.refresh()
        return offer(channel, self._users.scram_keys if self._users.have_scram_keys else None)

    async def log_in(
        self, name: bytes, password: bytes, peer: Address, mechanism: str = "LOGIN"
    ) -> User | None:
        """The user with this name and password; Refused when nobody can say now."""
        async with self._throttle.attempt(name, peer, self._longest) as attempt:
            user = await self._users.verify(name, password)
            attempt.ended(right=user is not None)
        self._tally.logins[mechanism, user is not None] += 1
        return user

    async def exchange(
        self, mechanism: Mechanism, initial: bytes | None, peer: Address, ask: Ask
    ) -> Verdict:
        """What an exchange comes out with.

        Raises Malformed for a response that is none, Refused when nobody can say now.
        """
        await self._users.refresh()
        response = await ask(mechanism.opening) if initial is None else initial
        while True:
            match mechanism.respond(response):
                case Challenge(data):
                    response = await ask(data)
                case Password(name, password):
                    user = await self.log_in(name, password, peer, mechanism.name)
                    return Verdict(name, user)
                case Proof() as proof:
                    user = await self._judge(proof, peer, ask)
                    self._tally.logins[mechanism.name, user is not None] += 1
                    return Verdict(proof.name, user)

    async def _judge(self, proof: Proof, peer: Address, ask: Ask) -> User | None:
        async with self._throttle.attempt(proof.name, peer, self._longest) as attempt:
            name = proof.name.decode("utf-8", "replace")
            user = self._users.find(name) if proof.right else None
            attempt.ended(right=user is not None)
        if user is not None and proof.last_word and await ask(proof.last_word):
            raise Malformed("expected an empty response (RFC 5802 section 5)")
        return user
