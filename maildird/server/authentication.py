"""Who is it? Names and passwords compared in the same time, whether or not the user exists."""

import hmac
import secrets
from collections.abc import Sequence

from maildird.server.settings import User


class Authenticator:
    """Knows the users that can log in."""

    def __init__(self, users: Sequence[User]) -> None:
        self._key = secrets.token_bytes(32)
        self._nobody = secrets.token_bytes(32)
        self._users = {
            user.name.encode("utf-8"): (user, self._digest(user.password.encode("utf-8")))
            for user in users
        }

    def user(self, name: bytes, password: bytes) -> User | None:
        """The user with this name and password, both octets of UTF-8; None when there is none.

        Digests are compared, so that neither the length of the right password shows in the time
        nor, by a digest that nothing has, whether there is such a user.
        """
        user, right = self._users.get(name, (None, self._nobody))
        return user if hmac.compare_digest(self._digest(password), right) else None

    def _digest(self, password: bytes) -> bytes:
        return hmac.digest(self._key, password, "sha256")
