"""What a mechanism and whoever carries its messages say to each other.

Theory of operation. A mechanism is one exchange with one client. It reads the client's responses,
one after the other, and says with each what has to be done next; it sends nothing, waits for
nothing and looks no password up. Whoever carries the messages does that, whatever the protocol, and
whatever the mechanism. Octets here are those of the mechanism, without base64.

The client has the first word in most mechanisms. Where the protocol did not bring it along with the
name of the mechanism, `opening` is sent to ask for it.
"""

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Challenge:
    """Send this to the client, and give the mechanism what it responds."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Password:
    """Compare the password, which decides; both are what the client sent, UTF-8 if it is right."""

    name: bytes
    password: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Proof:
    """Whether the client has proved to be who it says.

    `last_word` is for a client that has, which has to hear it in any case (RFC 4422 section 3.6,
    additional data with success).
    """

    name: bytes
    right: bool
    last_word: bytes = b""


Step = Challenge | Password | Proof
"""A Password or a Proof is the last one."""


class Mechanism(Protocol):
    """One exchange."""

    name: str
    """As clients call it."""

    opening: bytes
    """The first challenge for a client that did not send a response at once."""

    def respond(self, response: bytes) -> Step:
        """Take the client's next response; Malformed for one that this mechanism does not have."""
