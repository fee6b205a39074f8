"""LOGIN: the name and the password as they are, one after the other.

There is no standard, only an expired draft (draft-murchison-sasl-login). Clients answer whatever
the challenges say; old ones of Microsoft's look for these words.
"""

from maildird.server.sasl.steps import Challenge, Password, Step


class Login:
    """Asks for the name first, unless the client sends it at once, then for the password."""

    name = "LOGIN"
    opening = b"Username:"

    def __init__(self) -> None:
        self._name: bytes | None = None

    def respond(self, response: bytes) -> Step:
        """Take the name, then the password."""
        if self._name is None:
            self._name = response
            return Challenge(b"Password:")
        return Password(self._name, response)
