"""EXTERNAL (RFC 4422 appendix A): the certificate that the client showed says who it is."""

from collections.abc import Sequence

from maildird.server.sasl.steps import Proof, Step


class External:
    """`names` are those in the client's certificate, which was verified; there is one at least.

    A client that names nobody is whom the certificate names first.
    """

    name = "EXTERNAL"
    opening = b""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = [name.encode("utf-8") for name in names]

    def respond(self, response: bytes) -> Step:
        """Take the authorization identity."""
        name = response or self._names[0]
        return Proof(name, right=name.lower() in map(bytes.lower, self._names))
