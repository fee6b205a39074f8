"""What a mechanism and whoever carries its messages say to each other.

Theory of operation. A mechanism is one exchange with one client. It reads the client's responses,
one after the other, and says with each what has to be done next; it sends nothing, waits for
nothing and looks no password up. Whoever carries the messages does that, whatever the protocol, and
whatever the mechanism. Octets here are those of the mechanism, without base64.

The client has the first word in most mechanisms. Where the protocol did not bring it along with the
name of the mechanism, `opening` is sent to ask for it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from maildird.server.scram_keys import ScramKeys


@dataclass(frozen=True, slots=True)
class Challenge:
    """Send this to the client, and give the mechanism what it responds.

    With a `name` the response is to show that the client is who it says; one that never comes
    counts as wrong.
    """

    data: bytes
    name: bytes | None = None


@dataclass(frozen=True, slots=True)
class Password:
    """Compare the password, which decides; both are what the client sent, UTF-8 if it is right."""

    name: bytes
    password: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Proof:
    """Whether the client has shown by other means, such as a certificate, to be who it says."""

    name: bytes
    right: bool


@dataclass(frozen=True, slots=True)
class Claim:
    """Take the keys of this name, which decide whether the client's proof is right.

    `last_word` gives what a client with a right one has to hear in any case (RFC 4422 section 3.6,
    additional data with success), and None for a wrong one.
    """

    name: bytes
    last_word: Callable[[ScramKeys], bytes | None]


Step = Challenge | Password | Proof | Claim
"""All but a Challenge are last ones."""


class Mechanism(Protocol):
    """One exchange."""

    name: str
    """As clients call it."""

    opening: bytes
    """The first challenge for a client that did not send a response at once."""

    def respond(self, response: bytes) -> Step:
        """Take the client's next response; Malformed for one that this mechanism does not have."""
