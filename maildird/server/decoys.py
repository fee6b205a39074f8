"""What is shown of a name that has no password, so that nobody can tell it from one that has.

Theory of operation. How long a login takes shows which scheme a password is stored in, and SCRAM
tells the size of a salt and the number of rounds before it knows anything else. So a name that
nobody has is treated like one of those that somebody has, by lot: each stored password has as many
chances as another, so a mixture of schemes is the same mixture among the names that nobody has. The
lot is drawn with a key (HMAC), so it is the same one each time and nobody else can draw it. The
passwords are in order, so that one that comes or goes changes the lot of few names.
"""

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Final, TypeVar

from maildird.server.passwords import StoredPassword
from maildird.server.scram_keys import SALT_SIZE, SCRAM_ITERATIONS, ScramKeys, ScramSalt

Drawn = TypeVar("Drawn")


@dataclass(frozen=True, slots=True, order=True)
class ScramCost:
    """What SCRAM shows of a user: rounds, octets of salt, whether keys are made each time."""

    iterations: int
    salt_size: int
    made: bool


PLAIN_COST: Final = ScramCost(SCRAM_ITERATIONS, SALT_SIZE, made=True)
"""Of one whose password itself is stored."""


@dataclass(frozen=True, slots=True)
class Decoys:
    """All that may be shown of a name: passwords, and ways of SCRAM, both in order."""

    passwords: Sequence[StoredPassword]
    ways: Sequence[ScramCost]

    def password(self, key: bytes, name: bytes) -> StoredPassword | None:
        """One of those that are stored; None where none is."""
        return _draw(self.passwords, key, b"password\0" + name)

    def scram_cost(self, key: bytes, name: bytes) -> ScramCost:
        """The cost of one of those who have keys."""
        return _draw(self.ways, key, b"SCRAM\0" + name) or PLAIN_COST


def decoys_among(stored: Iterable[StoredPassword]) -> Decoys:
    """What these passwords may be taken for."""
    passwords = sorted(stored, key=attrgetter("cost"))
    ways = (scram_cost_of(each) for each in passwords)
    return Decoys(passwords, sorted(each for each in ways if each is not None))


def scram_cost_of(stored: StoredPassword) -> ScramCost | None:
    """What SCRAM shows of it; None where there is no SCRAM with this scheme."""
    if stored.plain is not None:
        return PLAIN_COST
    keys = stored.scram_keys
    return None if keys is None else ScramCost(keys.iterations, len(keys.salt), made=False)


def made_up_salt(cost: ScramCost, key: bytes, name: bytes) -> ScramSalt:
    """A salt of this name, the same one each time."""
    seed = hmac.digest(key, b"salt\0" + name, "sha256")
    return ScramSalt(cost.iterations, hashlib.shake_256(seed).digest(cost.salt_size))


def made_up_keys(salt: ScramSalt, key: bytes, name: bytes) -> ScramKeys:
    """Keys that no password fits."""
    stored_key, server_key = (
        hmac.digest(key, label + name, "sha256") for label in (b"stored\0", b"server\0")
    )
    return ScramKeys(salt.iterations, salt.salt, stored_key, server_key)


def _draw(lots: Sequence[Drawn], key: bytes, name: bytes) -> Drawn | None:
    if not lots:
        return None
    number = int.from_bytes(hmac.digest(key, name, "sha256")[:8], "big")
    return lots[number * len(lots) >> 64]
