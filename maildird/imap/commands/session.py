"""Commands about the connection itself: CAPABILITY, NOOP, LOGOUT, ID, ENABLE, IDLE, login."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Capability:
    """CAPABILITY (RFC 3501 section 6.1.1)."""


@dataclass(frozen=True, slots=True)
class Noop:
    """NOOP (RFC 3501 section 6.1.2)."""


@dataclass(frozen=True, slots=True)
class Logout:
    """LOGOUT (RFC 3501 section 6.1.3)."""


@dataclass(frozen=True, slots=True)
class StartTls:
    """STARTTLS (RFC 3501 section 6.2.1)."""


@dataclass(frozen=True, slots=True)
class Login:
    """LOGIN (RFC 3501 section 6.2.3); both are the octets that the client sent."""

    user: bytes
    password: bytes


@dataclass(frozen=True, slots=True)
class Authenticate:
    """AUTHENTICATE (RFC 3501 section 6.2.2), with the initial response of RFC 4959.

    `mechanism` is in upper case. `initial` is the decoded initial response, None where there is
    none (`=` is an empty one).
    """

    mechanism: str
    initial: bytes | None = None


@dataclass(frozen=True, slots=True)
class Id:
    """ID (RFC 2971): field names and values, None where the client said NIL."""

    fields: tuple[tuple[str, str | None], ...] = ()


@dataclass(frozen=True, slots=True)
class Enable:
    """ENABLE (RFC 5161); names in upper case, unknown ones included."""

    capabilities: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Idle:
    """IDLE (RFC 2177); ends with the line DONE."""
