"""The server's side of the Dovecot authentication protocol, version 1.2, without the connection.

It is how Postfix, Exim and others ask a mail server who their clients are. Lines of fields with
tabs between them; what must not stand in a field is escaped with \\001. The server says which
mechanisms there are; the client sends AUTH with a number of its choice, and after each CONT the
client's response, until OK or FAIL comes for the number. Several numbers may be open at a time.

https://doc.dovecot.org/2.4.1/developers/design/auth_protocol.html
"""

import base64
import binascii
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from maildird.server.addresses import Address, address_of_client
from maildird.terms.errors import Malformed

MAJOR: Final = 1
MINOR: Final = 2

LONGEST_LINE: Final = 16 * 1024
"""Octets; what the document expects a line to fit into."""

UNKNOWN: Final = Address("127.0.0.1", 0)
"""Who counts as the client where none is named."""

_PARAMETERS: Final = {
    "PLAIN": ("plaintext",),
    "LOGIN": ("plaintext",),
    "SCRAM-SHA-256": ("mutual-auth",),
}
"""What is said of mechanisms, so that Postfix can leave some out."""

_ESCAPED: Final = {b"\0": b"\x010", b"\x01": b"\x011", b"\t": b"\x01t", b"\r": b"\x01r"} | {
    b"\n": b"\x01n"
}
_UNESCAPED: Final = {b"0": b"\0", b"1": b"\x01", b"t": b"\t", b"r": b"\r", b"n": b"\n"}


@dataclass(frozen=True, slots=True)
class Auth:
    """A client wants to begin an exchange; `initial` is its first response, in base64.

    `peer` is the address of the client's own client.
    """

    id: int
    mechanism: str
    service: str
    peer: Address
    initial: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Response:
    """The client's response in the exchange `id`, in base64."""

    id: int
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Cancel:
    """The client gave up the exchange `id`; it expects no answer."""

    id: int


Command = Auth | Response | Cancel


class AuthProtocol:
    """Reads what one client sends."""

    def __init__(self) -> None:
        self._unread = b""
        self._greeted = False

    def receive_data(self, data: bytes) -> None:
        """Keep what came from the client."""
        self._unread += data

    def next_command(self) -> Command | None:
        """What came next, None when more has to come; Malformed when the connection has to end."""
        while True:
            line, end, rest = self._unread.partition(b"\n")
            if len(line) > LONGEST_LINE:
                raise Malformed(f"a line of more than {LONGEST_LINE} octets")
            if not end:
                return None
            self._unread = rest
            command = self._command(line)
            if command is not None:
                return command

    def _command(self, line: bytes) -> Command | None:
        name, *fields = [_unescape(each) for each in line.split(b"\t")]
        if not self._greeted:
            if name != b"VERSION" or fields[:1] != [b"%d" % MAJOR]:
                raise Malformed(f"expected VERSION {MAJOR}")
            self._greeted = True
            return None
        match name, fields:
            case b"CPID", _:
                return None
            case b"AUTH", [number, mechanism, *parameters]:
                return _auth(_number(number), mechanism, parameters)
            case b"CONT", [number, data, *_]:
                return Response(_number(number), data)
            case b"CANCEL", [number, *_]:
                return Cancel(_number(number))
        raise Malformed(f"{_shown(name)!r} with {len(fields)} parameters is no command here")


def handshake(connection: int, mechanisms: Iterable[str]) -> bytes:
    """What the server says first; `connection` is a number that it gives once only."""
    lines: list[tuple[str, ...]] = [("VERSION", str(MAJOR), str(MINOR))]
    lines += [("MECH", name, *_PARAMETERS.get(name, ())) for name in mechanisms]
    lines += [("SPID", str(os.getpid())), ("CUID", str(connection))]
    lines += [("COOKIE", os.urandom(16).hex()), ("DONE",)]
    return b"".join(_line(*(field.encode("ascii") for field in line)) for line in lines)


def challenge(id: int, data: bytes) -> bytes:
    """CONT: the exchange goes on."""
    return _line(b"CONT", b"%d" % id, base64.b64encode(data))


def success(id: int, user: str) -> bytes:
    """OK."""
    return _line(b"OK", b"%d" % id, b"user=" + user.encode("utf-8"))


def failure(id: int, reason: str, *, name: bytes | None = None, temporary: bool = False) -> bytes:
    """FAIL; the reason is for the client, `name` is who could not log in where that is known."""
    known = [] if name is None else [b"user=" + name]
    until_later = [b"temp", b"code=temp_fail"] if temporary else []
    text = b"reason=" + reason.encode("utf-8")
    return _line(b"FAIL", b"%d" % id, *known, *until_later, text)


def decode(data: bytes) -> bytes:
    """A response without its base64; Malformed when it has none. `=` is an empty one (RFC 4954)."""
    try:
        return b"" if data == b"=" else binascii.a2b_base64(data, strict_mode=True)
    except binascii.Error:
        raise Malformed("the response is not base64 (RFC 4648 section 4)") from None


def _auth(id: int, mechanism: bytes, fields: list[bytes]) -> Auth:
    """Everything behind resp= is part of it or ignored, so that a client can't add parameters."""
    parameters: dict[bytes, bytes] = {}
    for each in fields:
        key, _, value = each.partition(b"=")
        parameters[key] = value
        if key == b"resp":
            break
    return Auth(
        id,
        mechanism.decode("ascii", "replace").upper(),
        parameters.get(b"service", b"").decode("ascii", "replace"),
        _peer(parameters),
        parameters.get(b"resp"),
    )


def _peer(parameters: Mapping[bytes, bytes]) -> Address:
    rip, rport = parameters.get(b"rip", b""), parameters.get(b"rport", b"")
    port = int(rport) if re.fullmatch(rb"\d{1,5}", rport) else 0
    try:
        return address_of_client(rip.decode("ascii"), port if port < 65536 else 0)
    except ValueError:
        return UNKNOWN


def _number(text: bytes) -> int:
    """An identifier: "It must be a 32bit number"."""
    number = int(text) if re.fullmatch(rb"\d{1,10}", text) else 2**32
    if number >= 2**32:
        raise Malformed(f"{_shown(text)} is no number of 32 bits")
    return number


def _line(*fields: bytes) -> bytes:
    return b"\t".join(_escape(each) for each in fields) + b"\n"


def _escape(field: bytes) -> bytes:
    return re.sub(rb"[\0\x01\t\r\n]", lambda match: _ESCAPED[match[0]], field)


def _unescape(field: bytes) -> bytes:
    return re.sub(rb"\x01(.)", lambda match: _UNESCAPED.get(match[1], match[1]), field, flags=re.S)


def _shown(text: bytes) -> str:
    """For people: short, and without what isn't printable ASCII."""
    return re.sub(rb"[^ -~]", b"?", text[:80]).decode("ascii")
