"""The schemes that passwords are stored in: what a hash of each looks like, and how to compare.

A hash that a library refuses although it has the shape is never right. Each library is loaded by
the first password that is compared with its help: most servers need one of them, and loading all
would be a good part of the start.
"""

import base64
import hashlib
import hmac
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from maildird.server.scram_keys import make_scram_keys, read_scram_keys

BCRYPT_LONGEST: Final = 72
"""Octets that bcrypt looks at."""


@dataclass(frozen=True, slots=True)
class Scheme:
    """`shape`: what a hash looks like; its groups are the parameters that the cost hangs on."""

    shape: re.Pattern[str]
    matches: Callable[[str, bytes], bool]


def _matches_plain(stored: str, password: bytes) -> bool:
    key = os.urandom(16)
    digests = (hmac.digest(key, each, "sha256") for each in (stored.encode(), password))
    return hmac.compare_digest(*digests)


def _matches_argon2(stored: str, password: bytes) -> bool:
    import argon2

    try:
        return argon2.PasswordHasher().verify(stored, password)
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHash):
        return False


def _matches_bcrypt(stored: str, password: bytes) -> bool:
    import bcrypt

    try:
        return bcrypt.checkpw(password[:BCRYPT_LONGEST], stored.encode("ascii"))
    except ValueError:  # a salt whose last letter has bits that mean nothing
        return False


def _matches_sha512_crypt(stored: str, password: bytes) -> bool:
    from maildird.server.passlib_parts import sha512_crypt

    return bool(sha512_crypt.verify(password, stored))


def _matches_sha256_crypt(stored: str, password: bytes) -> bool:
    from maildird.server.passlib_parts import sha256_crypt

    return bool(sha256_crypt.verify(password, stored))


def _matches_pbkdf2(stored: str, password: bytes) -> bool:
    _, _, salt, rounds, digest = stored.split("$")
    right = hashlib.pbkdf2_hmac("sha1", password, salt.encode("ascii"), int(rounds))
    return hmac.compare_digest(right, bytes.fromhex(digest))


def _salted(algorithm: str, decode: Callable[[str], bytes]) -> Callable[[str, bytes], bool]:
    """Compares with a digest and, behind it, the salt."""

    def matches(stored: str, password: bytes) -> bool:
        octets = decode(stored)
        size = hashlib.new(algorithm).digest_size
        digest, salt = octets[:size], octets[size:]
        return hmac.compare_digest(hashlib.new(algorithm, password + salt).digest(), digest)

    return matches


def _matches_scram(stored: str, password: bytes) -> bool:
    keys = read_scram_keys(stored)
    made = make_scram_keys(password, keys.salt, keys.iterations)
    return hmac.compare_digest(made.stored_key, keys.stored_key)


_BASE64: Final = r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?"
_UNPADDED: Final = (
    "(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/][AQgw]|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048])?"
)
"""Base64 without `=`, and without bits that mean nothing."""

_HASH64: Final = "[./0-9A-Za-z]"


def _argon2(kind: str) -> Scheme:
    """At least 8 octets of salt and 4 of hash, as the library wants them."""
    cost = r"\$v=(?:16|19)\$m=[1-9]\d{0,9},t=[1-9]\d{0,9},p=[1-9]\d{0,7}\$"
    shape = rf"\${kind}({cost})(?=[^$]{{11}}){_UNPADDED}\$(?=[^$]{{6}}){_UNPADDED}"
    return Scheme(re.compile(shape), _matches_argon2)


def _sha_crypt(number: int, size: int, matches: Callable[[str, bytes], bool]) -> Scheme:
    shape = rf"\${number}\$(rounds=[1-9]\d{{3,8}}\$)?{_HASH64}{{0,16}}\${_HASH64}{{{size}}}"
    return Scheme(re.compile(shape), matches)


def _salted_base64(algorithm: str, shortest: int) -> Scheme:
    shape = re.compile(rf"(?=.{{{shortest}}}){_BASE64}")
    return Scheme(shape, _salted(algorithm, base64.b64decode))


def _salted_hex(algorithm: str, shortest: int) -> Scheme:
    shape = re.compile(rf"(?=.{{{shortest}}})(?:[0-9A-Fa-f]{{2}})+")
    return Scheme(shape, _salted(algorithm, bytes.fromhex))


SCHEMES: Final = {
    "ARGON2ID": _argon2("argon2id"),
    "ARGON2I": _argon2("argon2i"),
    "BLF-CRYPT": Scheme(
        re.compile(rf"\$2[aby]\$((?:0[4-9]|[12]\d|3[01])\$){_HASH64}{{53}}"), _matches_bcrypt
    ),
    "SHA512-CRYPT": _sha_crypt(6, 86, _matches_sha512_crypt),
    "SHA256-CRYPT": _sha_crypt(5, 43, _matches_sha256_crypt),
    "PBKDF2": Scheme(
        re.compile(r"\$1\$[!-#%-9;-~]*(\$[1-9]\d{0,8}\$)[0-9a-f]{40}"), _matches_pbkdf2
    ),
    "SSHA512": _salted_base64("sha512", 88),
    "SSHA512.HEX": _salted_hex("sha512", 130),
    "SSHA256": _salted_base64("sha256", 44),
    "SSHA256.HEX": _salted_hex("sha256", 66),
    "SCRAM-SHA-256": Scheme(
        re.compile(rf"([1-9]\d{{0,8}},){_BASE64},(?=.{{44}},){_BASE64},(?=.{{44}}$){_BASE64}"),
        _matches_scram,
    ),
    "PLAIN": Scheme(re.compile(r".+", re.DOTALL), _matches_plain),
}

QUICK: Final = frozenset({"PLAIN", "SSHA512", "SSHA512.HEX", "SSHA256", "SSHA256.HEX"})
"""Those where comparing takes microseconds."""
