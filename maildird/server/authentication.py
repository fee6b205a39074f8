"""Finding out who somebody is: exchanges of SASL, whatever protocol carries them.

What can be wrong is one thing for the client: a name that nobody has, a password or a proof that
doesn't fit, somebody else's name to act under. Each failure counts with the throttle, which logs
it; an exchange that is given up once the client knows what to prove is one, too. All that takes
long, such as hashing, is done when the throttle lets it, in threads.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import trio

from maildird.server.addresses import Address
from maildird.server.sasl.offering import Channel, Offer, offer
from maildird.server.sasl.steps import Challenge, Claim, Mechanism, Password, Proof
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

Judge = Callable[[], Awaitable[User | None]]
"""Finds out who it is; Refused when nobody can say now."""


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
        have_keys = self._users.roll.have_scram_keys
        return offer(channel, self._users.scram_salt if have_keys else None)

    async def log_in(
        self, name: bytes, password: bytes, peer: Address, mechanism: str = "LOGIN"
    ) -> User | None:
        """The user with this name and password; Refused when nobody can say now."""

        async def judge() -> User | None:
            return await self._users.verify(name, password)

        return await self._judge(name, peer, mechanism, judge)

    async def exchange(
        self, mechanism: Mechanism, initial: bytes | None, peer: Address, ask: Ask
    ) -> Verdict:
        """What an exchange comes out with.

        Raises Malformed for a response that is none, Refused when nobody can say now.
        """
        await self._users.refresh()
        match await self._last_step(mechanism, initial, peer, ask):
            case Password(name, password):
                return Verdict(name, await self.log_in(name, password, peer, mechanism.name))
            case Proof() as proof:
                return Verdict(proof.name, await self._prove(proof, peer, mechanism.name))
            case Claim() as claim:
                return Verdict(claim.name, await self._examine(claim, peer, mechanism.name, ask))

    async def _last_step(
        self, mechanism: Mechanism, initial: bytes | None, peer: Address, ask: Ask
    ) -> Password | Proof | Claim:
        claimed: bytes | None = None
        try:
            response = await ask(mechanism.opening) if initial is None else initial
            while isinstance(step := mechanism.respond(response), Challenge):
                claimed = step.name
                response = await ask(step.data)
        except BaseException:
            if claimed is not None:
                self._throttle.given_up(claimed.lower(), peer)
            raise
        return step

    async def _prove(self, proof: Proof, peer: Address, mechanism: str) -> User | None:
        async def judge() -> User | None:
            return await self._users.named(proof.name) if proof.right else None

        return await self._judge(proof.name, peer, mechanism, judge)

    async def _examine(self, claim: Claim, peer: Address, mechanism: str, ask: Ask) -> User | None:
        last_word: bytes | None = None

        async def judge() -> User | None:
            nonlocal last_word
            name = claim.name.decode("utf-8")
            await self._users.refresh()
            user = self._users.roll.find(name)
            last_word = claim.last_word(await self._users.scram_keys(name))
            return user if last_word is not None else None

        user = await self._judge(claim.name, peer, mechanism, judge)
        if last_word is not None and await ask(last_word):
            raise Malformed("expected an empty response (RFC 5802 section 5)")
        return user

    async def _judge(
        self,
        name: bytes,
        peer: Address,
        mechanism: str,
        judge: Callable[[], Awaitable[User | None]],
    ) -> User | None:
        """Have the throttle say when `judge` may say who it is."""
        began = trio.current_time()
        exists = await self._users.exists(name)
        async with self._throttle.attempt(
            name.lower(),
            peer,
            self._longest,
            exists=exists,
            refusal_takes=began + self._users.refusal_takes - trio.current_time(),
        ) as attempt:
            user = await judge()
            attempt.ended(right=user is not None)
        self._tally.logins[mechanism, user is not None] += 1
        return user
