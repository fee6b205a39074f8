"""The keys that a server keeps of a password for SCRAM-SHA-256 (RFC 5802, RFC 7677)."""

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Final

SCRAM_ITERATIONS: Final = 4096
"""What RFC 7677 section 4 asks for at least."""

SALT_SIZE: Final = 16
"""Octets, as Dovecot's salts have them."""


@dataclass(frozen=True, slots=True)
class ScramSalt:
    """What a client has to know to make its keys of a password."""

    iterations: int
    salt: bytes


@dataclass(frozen=True, slots=True)
class ScramKeys:
    """What a server keeps of a password for SCRAM-SHA-256 (RFC 5802 section 3)."""

    iterations: int
    salt: bytes
    stored_key: bytes = field(repr=False)
    server_key: bytes = field(repr=False)


def make_scram_keys(password: bytes, salt: bytes, iterations: int) -> ScramKeys:
    """The keys of RFC 5802 section 3, with SHA-256 (RFC 7677)."""
    salted = hashlib.pbkdf2_hmac("sha256", _prepared(password), salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    return ScramKeys(iterations, salt, hashlib.sha256(client_key).digest(), server_key)


def _prepared(password: bytes) -> bytes:
    """As SASLprep has it (RFC 4013), to which ASCII is all the same; as it is what that forbids."""
    if password.isascii():
        return password
    from maildird.server.passlib_parts import saslprep

    try:
        prepared: str = saslprep(password.decode("utf-8"))
    except ValueError:
        return password
    return prepared.encode("utf-8")


def read_scram_keys(text: str) -> ScramKeys:
    """Those that are stored as Dovecot stores them; the caller has looked at its shape."""
    iterations, *encoded = text.split(",")
    salt, stored_key, server_key = (base64.b64decode(each) for each in encoded)
    return ScramKeys(int(iterations), salt, stored_key, server_key)


def write_scram_keys(keys: ScramKeys) -> str:
    """As Dovecot stores them: numbers of rounds, salt and both keys."""
    encoded = (base64.b64encode(each) for each in (keys.salt, keys.stored_key, keys.server_key))
    return ",".join([str(keys.iterations), *(each.decode("ascii") for each in encoded)])
