"""Commands about the connection itself: CAPABILITY, NOOP, LOGOUT, ID, ENABLE, IDLE, TLS, login."""

import binascii
import re
from dataclasses import dataclass
from typing import Final

from maildird.imap.grammar import Reader
from maildird.terms.errors import Malformed


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
    """STARTTLS (RFC 3501 section 6.2.1); TLS begins behind the answer's line end."""


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


# base64 = *(4base64-char) [base64-terminal]
_BASE64: Final = re.compile(rb"[A-Za-z0-9+/=]+")
_LONGEST_RESPONSE: Final = 12 * 1024
_MOST_ID_FIELDS: Final = 30


def parse_capability(reader: Reader) -> Capability:
    """capability = "CAPABILITY"."""
    return Capability()


def parse_noop(reader: Reader) -> Noop:
    """noop = "NOOP"."""
    return Noop()


def parse_logout(reader: Reader) -> Logout:
    """logout = "LOGOUT"."""
    return Logout()


def parse_starttls(reader: Reader) -> StartTls:
    """starttls = "STARTTLS"."""
    return StartTls()


def parse_login(reader: Reader) -> Login:
    """login = "LOGIN" SP userid SP password; both are astring."""
    reader.space()
    user = reader.astring("a user name")
    reader.space()
    return Login(user, reader.astring("a password"))


def parse_authenticate(reader: Reader) -> Authenticate:
    """authenticate = "AUTHENTICATE" SP auth-type [SP (base64 / "=")] (RFC 4959 section 4)."""
    reader.space()
    mechanism = reader.word("the name of a SASL mechanism")
    if not reader.try_octets(b" "):
        return Authenticate(mechanism)
    if reader.try_octets(b"="):
        return Authenticate(mechanism, b"")
    return Authenticate(mechanism, sasl_response(reader.match(_BASE64, "base64")[0]))


def sasl_response(text: bytes) -> bytes:
    """A SASL response that was sent in base64; Malformed when it is none, or too long."""
    if len(text) > _LONGEST_RESPONSE:
        raise Malformed(f"a SASL response has at most {_LONGEST_RESPONSE} octets here")
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error:
        raise Malformed("the SASL response is not base64 (RFC 4648 section 4)") from None


def parse_id(reader: Reader) -> Id:
    """id = "ID" SP ("(" [field *(SP field)] ")" / nil); field = string SP nstring (RFC 2971)."""
    reader.space()
    if reader.try_octets(b"NIL"):
        return Id()
    fields: list[tuple[str, str | None]] = []
    reader.octets(b"(")
    while not reader.try_octets(b")"):
        if fields:
            reader.space()
        name = reader.string("the name of a field")
        reader.space()
        value = reader.nstring()
        fields.append((_shown(name), None if value is None else _shown(value)))
        if len(fields) > _MOST_ID_FIELDS:
            raise Malformed(f"ID has at most {_MOST_ID_FIELDS} fields (RFC 2971 section 3.3)")
    return Id(tuple(fields))


def parse_enable(reader: Reader) -> Enable:
    """enable = "ENABLE" 1*(SP capability) (RFC 5161 section 4)."""
    names = []
    while reader.try_octets(b" "):
        names.append(reader.word("the name of a capability"))
    if not names:
        raise reader.expected("the name of a capability")
    return Enable(tuple(names))


def parse_idle(reader: Reader) -> Idle:
    """idle = "IDLE" CRLF "DONE" (RFC 2177 section 4); the connection waits for DONE."""
    return Idle()


def _shown(value: bytes) -> str:
    return value.decode("utf-8", "replace")
