"""Making stored passwords of new ones."""

import os
from typing import Final

import argon2
import bcrypt

from maildird.server.passlib_parts import sha512_crypt
from maildird.server.password_schemes import BCRYPT_LONGEST
from maildird.server.scram_keys import (
    SALT_SIZE,
    SCRAM_ITERATIONS,
    make_scram_keys,
    write_scram_keys,
)

DEFAULT_SCHEME: Final = "ARGON2ID"

_SHA_CRYPT_ROUNDS: Final = 100_000


def make_password(password: bytes, scheme: str) -> str:
    """`{SCHEME}hash` of a new password, in one of `MAKERS`."""
    return f"{{{scheme}}}{MAKERS[scheme](password)}"


def _make_argon2id(password: bytes) -> str:
    return argon2.PasswordHasher().hash(password)


def _make_bcrypt(password: bytes) -> str:
    """With the letter that also an old Dovecot knows; $2b$ and $2y$ mean the same."""
    salt = bcrypt.gensalt().replace(b"$2b$", b"$2y$")
    return bcrypt.hashpw(password[:BCRYPT_LONGEST], salt).decode("ascii")


def _make_sha512_crypt(password: bytes) -> str:
    return str(sha512_crypt.using(rounds=_SHA_CRYPT_ROUNDS).hash(password))


def _make_scram(password: bytes) -> str:
    return write_scram_keys(make_scram_keys(password, os.urandom(SALT_SIZE), SCRAM_ITERATIONS))


MAKERS: Final = {
    "ARGON2ID": _make_argon2id,
    "BLF-CRYPT": _make_bcrypt,
    "SHA512-CRYPT": _make_sha512_crypt,
    "SCRAM-SHA-256": _make_scram,
}
"""The schemes that new passwords may be stored in."""
