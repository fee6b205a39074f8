"""Which mechanisms a client may use, by what is known of its connection.

All of them want a connection that nobody else can listen to: PLAIN and LOGIN for the password, the
others for the mail that comes after it, and since a proof of SCRAM that was overheard lets guess
the password at leisure (RFC 5802 section 9). SCRAM is there when some user has keys for it, and
EXTERNAL when the client has shown a certificate that names somebody.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from maildird.server.sasl.external import External
from maildird.server.sasl.login import Login
from maildird.server.sasl.plain import Plain
from maildird.server.sasl.scram import FindSalt, Scram
from maildird.server.sasl.steps import Mechanism

Offer = Mapping[str, Callable[[], Mechanism]]
"""Names of mechanisms, and what makes one for an exchange."""


@dataclass(frozen=True, slots=True)
class Channel:
    """A client's connection.

    `private` when a password may come over it. `binding` is the value of tls-exporter where TLS
    gives it; `names` are those in the client's certificate.
    """

    private: bool
    binding: bytes | None = None
    names: tuple[str, ...] = ()


def offer(channel: Channel, find_salt: FindSalt | None) -> Offer:
    """The mechanisms for this connection; `find_salt` is None where no user has keys for SCRAM."""
    if not channel.private:
        return {}
    offered: dict[str, Callable[[], Mechanism]] = {"PLAIN": Plain, "LOGIN": Login}
    if find_salt is not None:
        offered |= _scram(channel.binding, find_salt)
    if channel.names:
        offered["EXTERNAL"] = lambda: External(channel.names)
    return offered


def _scram(binding: bytes | None, find_salt: FindSalt) -> dict[str, Callable[[], Mechanism]]:
    offered: dict[str, Callable[[], Mechanism]] = {
        "SCRAM-SHA-256": lambda: Scram(find_salt, binding)
    }
    if binding is not None:
        offered["SCRAM-SHA-256-PLUS"] = lambda: Scram(find_salt, binding, plus=True)
    return offered
