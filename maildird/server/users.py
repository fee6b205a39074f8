"""Who can log in: the users of maildird.toml, of a passwd-file, and of the system by PAM.

Theory of operation. A name is looked for in this order, whatever the case of its letters. Passwords
are compared in threads, a few at once, as a good hash takes a good part of a second and much
memory; more than `MOST_WAITING` that wait are turned away. A name that nobody has, and one without
a password, is compared with a stored password of somebody (`decoys`), and whatever comes out is no.
So the time tells nobody which names there are. Where PAM is asked for all others, it takes its own
time; there no refusal should be told before `refusal_takes`.

SCRAM asks for the salt of a user before it knows whether there is one. Who has no keys gets a salt
that is made up, the same one each time, also after a restart; and so it is with the keys. Those of
a password that is stored as it is are made each time, in a thread. They are asked for with a
client's proof, not before.
"""

import os
import secrets
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import trio

from maildird.server.decoys import PLAIN_COST, made_up_keys, made_up_salt, scram_cost_of
from maildird.server.lasting_key import SIZE, lasting_key
from maildird.server.login_names import login_name
from maildird.server.pam import SystemUsers
from maildird.server.passwords import StoredPassword
from maildird.server.roll import Roll, roll_of
from maildird.server.scram_keys import ScramKeys, ScramSalt, make_scram_keys
from maildird.server.settings import Settings, User
from maildird.server.user_file import UserFile
from maildird.terms.codes import Code
from maildird.terms.errors import Refused

AT_ONCE: Final = min(4, os.cpu_count() or 1)
"""Passwords that are compared at the same time."""

MOST_WAITING: Final = 200
"""Logins that wait for their turn."""

PAM_REFUSAL: Final = 2.0
"""What a refusal takes where PAM may be asked (s): more than PAM takes without its own delay."""

Made = TypeVar("Made")


class Users:
    """Knows the users that can log in; SettingsError when the passwd-file can't be read.

    `before` are those of the settings from before, which tell what the passwd-file said last.
    """

    def __init__(self, settings: Settings, before: "Users | None" = None) -> None:
        self._file: UserFile | None = None
        self._system: SystemUsers | None = None
        self._sources = settings.sources
        if self._sources is not None and self._sources.file is not None:
            self._file = UserFile(self._sources.file, self._sources.template, settings.users)
            self._file.load(before._file if before is not None else None)
        if self._sources is not None and self._sources.pam is not None:
            self._system = SystemUsers(self._sources.pam, self._sources.template)
        self._listed = roll_of(settings.users)
        self._key = secrets.token_bytes(SIZE) if self._sources is None else None
        self._making_key = trio.Lock()
        self._hashing = trio.CapacityLimiter(AT_ONCE)

    @property
    def roll(self) -> Roll:
        """Who is known by name now; those of the system come to light when they log in."""
        return self._listed if self._file is None else self._file.roll

    @property
    def problems(self) -> Sequence[str]:
        """What is wrong with lines of the passwd-file, each with its number."""
        return () if self._file is None else self._file.problems

    def everyone(self) -> Sequence[User]:
        """All on the roll."""
        return list(self.roll.users.values())

    async def refresh(self) -> None:
        """See whether the passwd-file changed; to be called before the others."""
        if self._file is not None:
            await self._file.refresh()
        if self._key is None:
            await self._make_key()

    async def settle(self) -> None:
        """As `refresh`, but wait for a passwd-file that may be half written; a few seconds."""
        if self._file is not None:
            await self._file.settle()

    @property
    def refusal_takes(self) -> float:
        """How long nobody should hear that a password is wrong (s)."""
        return 0.0 if self._system is None else PAM_REFUSAL

    async def verify(self, name: bytes, password: bytes) -> User | None:
        """The user with this name and password, both octets of UTF-8; None when there is none.

        Raises Refused when too many wait already.
        """
        await self.refresh()
        name, roll = name.lower(), self.roll
        user = roll.find(name.decode("utf-8", "surrogateescape"))
        if user is None and self._system is not None:
            return await self._system.verify(name, password)
        stored = user.password if user is not None else None
        right = await self._matches(stored or roll.decoys.password(self._secret, name), password)
        return user if right and stored is not None else None

    async def exists(self, name: bytes) -> bool:
        """Whether anybody has this name, in octets of UTF-8."""
        await self.refresh()
        known = self.roll.find(name.decode("utf-8", "surrogateescape")) is not None
        return known or (self._system is not None and await self._system.exists(name.lower()))

    async def named(self, name: bytes) -> User | None:
        """The user of this name, who has shown without a password to have it.

        One of the system has to be let in by the rules of PAM for accounts.
        """
        await self.refresh()
        user = self.roll.find(name.decode("utf-8", "surrogateescape"))
        if user is None and self._system is not None:
            return await self._system.admit(name.lower())
        return user

    def find(self, name: str) -> User | None:
        """The user of this name, whatever their password; asks the system, which may take long."""
        user = self.roll.find(name)
        if user is None and self._system is not None:
            return self._system.find(login_name(name))
        return user

    def scram_salt(self, name: str) -> ScramSalt:
        """The salt of a user for SCRAM-SHA-256, after `refresh`; found without hashing a password.

        Who has none has a made-up one.
        """
        octets, stored = self._stored(name)
        keys = stored.scram_keys if stored is not None else None
        if keys is not None:
            return ScramSalt(keys.iterations, keys.salt)
        cost = scram_cost_of(stored) if stored is not None else None
        cost = cost or self.roll.decoys.scram_cost(self._secret, octets)
        return made_up_salt(cost, self._secret, octets)

    async def scram_keys(self, name: str) -> ScramKeys:
        """The keys of a user for SCRAM-SHA-256, after `refresh`: stored, or made of the password.

        All others have made-up ones, which no password fits, and which take as long as those of
        somebody. Raises Refused when too many wait already.
        """
        octets, stored = self._stored(name)
        keys = stored.scram_keys if stored is not None else None
        if keys is not None:
            return keys
        salt = self.scram_salt(name)
        plain = stored.plain if stored is not None else None
        cost = PLAIN_COST if plain else self.roll.decoys.scram_cost(self._secret, octets)
        if not cost.made:
            return made_up_keys(salt, self._secret, octets)
        made = await self._in_thread(make_scram_keys, plain or octets, salt.salt, salt.iterations)
        return made if plain else made_up_keys(salt, self._secret, octets)

    def _stored(self, name: str) -> tuple[bytes, StoredPassword | None]:
        """The name in octets, and the password of who has it."""
        user = self.roll.find(name)
        octets = login_name(name).encode("utf-8", "surrogateescape")
        return octets, user.password if user is not None else None

    @property
    def _secret(self) -> bytes:
        assert self._key is not None, "refresh makes it"
        return self._key

    async def _make_key(self) -> None:
        """Made when it is first needed, by the server itself: not by a command of another user."""
        async with self._making_key:
            if self._key is None and self._sources is not None:
                directory = self._sources.template.state_directory
                self._key = await trio.to_thread.run_sync(lasting_key, directory)

    async def _matches(self, stored: StoredPassword | None, password: bytes) -> bool:
        if stored is None:
            return False
        if stored.is_quick:
            return stored.matches(password)
        return await self._in_thread(stored.matches, password)

    async def _in_thread(self, make: Callable[..., Made], *arguments: object) -> Made:
        if self._hashing.statistics().tasks_waiting >= MOST_WAITING:
            raise Refused(Code.UNAVAILABLE, "too many are logging in now; try again later")
        return await trio.to_thread.run_sync(make, *arguments, limiter=self._hashing)
