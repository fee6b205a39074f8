"""PLAIN (RFC 4616): the name and the password as they are."""

from maildird.server.sasl.steps import Password, Proof, Step


class Plain:
    """message = [authzid] UTF8NUL authcid UTF8NUL passwd.

    To act as somebody else is not in anybody's power, so authzid is empty or the same as authcid.
    """

    name = "PLAIN"
    opening = b""

    def respond(self, response: bytes) -> Step:
        """Take the message."""
        identity, _, rest = response.partition(b"\0")
        name, _, password = rest.partition(b"\0")
        if identity.lower() not in (b"", name.lower()):
            return Proof(name, right=False)
        return Password(name, password)
