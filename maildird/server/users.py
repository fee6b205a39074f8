"""Who can log in: the users of maildird.toml, of a passwd-file, and of the system by PAM.

Theory of operation. A name is looked for in this order. Passwords are compared in threads, a few at
once, as a good hash takes a good part of a second and much memory; more than `MOST_WAITING` that
wait are turned away. A name that nobody has, and one without a password, costs what the most common
kind of stored password costs: the password is compared with one of these, and whatever comes out is
no. So the time tells nobody which names there are.

SCRAM asks for the salt of a user before it knows whether there is one. Who has no keys gets some
that are made up, the same ones each time, also after a restart.
"""

import hmac
import os
import secrets
from collections import Counter
from collections.abc import Sequence
from typing import Final

import trio

from maildird.server.lasting_key import SIZE, lasting_key
from maildird.server.pam import SystemUsers
from maildird.server.passwords import StoredPassword
from maildird.server.scram_keys import SCRAM_ITERATIONS, ScramKeys, make_scram_keys
from maildird.server.settings import Settings, User
from maildird.server.user_file import UserFile
from maildird.terms.codes import Code
from maildird.terms.errors import Refused

AT_ONCE: Final = min(4, os.cpu_count() or 1)
"""Passwords that are compared at the same time."""

MOST_WAITING: Final = 200
"""Logins that wait for their turn."""

_SALT_SIZE: Final = 16
"""Octets, as Dovecot's salts have them."""


class Users:
    """Knows the users that can log in; SettingsError when the passwd-file can't be read."""

    def __init__(self, settings: Settings) -> None:
        self._listed = {user.name: user for user in settings.users}
        self._file: UserFile | None = None
        self._system: SystemUsers | None = None
        if settings.sources is not None:
            template = settings.sources.template
            if settings.sources.file is not None:
                self._file = UserFile(settings.sources.file, template, settings.users)
                self._file.load()
            if settings.sources.pam is not None:
                self._system = SystemUsers(settings.sources.pam, template)
        self._sources = settings.sources
        self._key: bytes | None = None
        self._hashing = trio.CapacityLimiter(AT_ONCE)
        self._look_at_passwords()

    def everyone(self) -> Sequence[User]:
        """All that are known by name; those of the system come to light when they log in."""
        in_file = self._file.users if self._file is not None else {}
        return [*self._listed.values(), *in_file.values()]

    async def refresh(self) -> None:
        """See whether the passwd-file changed; to be called before `find` and `scram_keys`."""
        if self._file is not None and await self._file.refresh():
            self._look_at_passwords()

    @property
    def have_scram_keys(self) -> bool:
        """Whether anybody has keys for SCRAM-SHA-256, or a password that they can be made from."""
        return self._have_scram_keys

    async def verify(self, name: bytes, password: bytes) -> User | None:
        """The user with this name and password, both octets of UTF-8; None when there is none.

        Raises Refused when too many wait already.
        """
        await self.refresh()
        user = self._known(name.decode("utf-8", "surrogateescape"))
        if user is None and self._system is not None:
            return await self._system.verify(name, password)
        stored = user.password if user is not None else None
        right = await self._matches(stored or self._decoy, password)
        return user if right and stored is not None else None

    def find(self, name: str) -> User | None:
        """The user of this name, whatever their password."""
        user = self._known(name)
        if user is None and self._system is not None:
            return self._system.find(name)
        return user

    def scram_keys(self, name: str) -> ScramKeys:
        """The keys of a user for SCRAM-SHA-256: stored ones, or made from a plain password.

        All others have made-up ones, which no password fits. Each answer takes as long as another.
        """
        user = self._known(name)
        stored = user.password if user is not None else None
        if self._key is None:
            self._key = self._make_key()
        salt = hmac.digest(self._key, name.encode("utf-8"), "sha256")[:_SALT_SIZE]
        secret = stored.plain if stored is not None else None
        made = make_scram_keys(secret or self._key, salt, SCRAM_ITERATIONS)
        return (stored.scram_keys if stored is not None else None) or made

    def _make_key(self) -> bytes:
        """Made when it is first needed, by the server itself: not by a command of another user."""
        if self._sources is None:
            return secrets.token_bytes(SIZE)
        return lasting_key(self._sources.template.state_directory)

    def _look_at_passwords(self) -> None:
        stored = [user.password for user in self.everyone() if user.password is not None]
        self._decoy = _most_common(stored)
        self._have_scram_keys = any(each.has_scram_keys for each in stored)

    def _known(self, name: str) -> User | None:
        user = self._listed.get(name)
        if user is None and self._file is not None:
            return self._file.users.get(name)
        return user

    async def _matches(self, stored: StoredPassword | None, password: bytes) -> bool:
        if stored is None:
            return False
        if stored.is_quick:
            return stored.matches(password)
        if self._hashing.statistics().tasks_waiting >= MOST_WAITING:
            raise Refused(Code.UNAVAILABLE, "too many are logging in now; try again later")
        return await trio.to_thread.run_sync(stored.matches, password, limiter=self._hashing)


def _most_common(stored: Sequence[StoredPassword]) -> StoredPassword | None:
    """One of the kind that most have."""
    if not stored:
        return None
    ((cost, _),) = Counter(each.cost for each in stored).most_common(1)
    return next(each for each in stored if each.cost == cost)
