"""Stored passwords: `{SCHEME}hash`, in the schemes and spellings of Dovecot.

Theory of operation. What is stored is taken apart once, when it is read: a scheme that is not known
or a hash that can't be one is an error then, not at the login. To compare is to hash again, which
is meant to be slow; `is_quick` tells the few schemes for which no thread is worth its while.
`cost` is equal for two stored passwords when comparing takes equally long.

Without a scheme in braces the caller says which one is meant: CRYPT in a passwd-file, as Dovecot
has it, PLAIN in maildird.toml. CRYPT tells by its beginning (`$6$`, `$2y$`) what it is. A password
of more than `LONGEST` octets is never right, so that nobody has the server hash megabytes.
"""

import base64
import hashlib
import hmac
import os
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import argon2
import bcrypt

from maildird.terms.errors import SettingsError

with warnings.catch_warnings():
    # passlib looks for Python's crypt module, which is deprecated; it has its own code without.
    warnings.simplefilter("ignore", DeprecationWarning)
    from passlib.hash import sha256_crypt, sha512_crypt
    from passlib.utils import saslprep

for each in (sha256_crypt, sha512_crypt):
    each.set_backend("builtin")  # the other one, crypt(3), is not for threads

LONGEST: Final = 1024
"""Octets of a password."""

_BCRYPT_LONGEST: Final = 72
"""Octets that bcrypt looks at."""

DEFAULT_SCHEME: Final = "ARGON2ID"

SCRAM_ITERATIONS: Final = 4096
"""What RFC 7677 section 4 asks for at least."""

_SHA_CRYPT_ROUNDS: Final = 100_000


@dataclass(frozen=True, slots=True)
class ScramKeys:
    """What a server keeps of a password for SCRAM-SHA-256 (RFC 5802 section 3)."""

    iterations: int
    salt: bytes
    stored_key: bytes = field(repr=False)
    server_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class StoredPassword:
    """A stored password. `cost` stands for what comparing costs."""

    scheme: str
    hash: str = field(repr=False)
    cost: str

    @property
    def is_quick(self) -> bool:
        """Whether comparing takes microseconds."""
        return self.scheme in _QUICK

    def matches(self, password: bytes) -> bool:
        """Whether this is the password, in octets; takes as long as the scheme is strong."""
        if len(password) > LONGEST or b"\0" in password:
            return False
        return _SCHEMES[self.scheme].matches(self.hash, password)

    @property
    def has_scram_keys(self) -> bool:
        """Whether there are keys for SCRAM-SHA-256, or what they can be made from."""
        return self.scheme in ("SCRAM-SHA-256", "PLAIN")

    @property
    def scram_keys(self) -> ScramKeys | None:
        """The keys, where these are what is stored."""
        return _read_scram(self.hash) if self.scheme == "SCRAM-SHA-256" else None

    @property
    def plain(self) -> bytes | None:
        """The password itself, where that is what is stored, in octets of UTF-8."""
        return self.hash.encode("utf-8") if self.scheme == "PLAIN" else None


def read_password(text: str, default: str) -> StoredPassword:
    """What `{SCHEME}hash` says, or a hash of the scheme `default`; SettingsError for neither."""
    match = re.match(r"\{([A-Za-z0-9.-]+)\}", text)
    scheme, hashed = (match[1].upper(), text[match.end() :]) if match else (default, text)
    scheme = _ALIASES.get(scheme, scheme)
    if scheme == "CRYPT":
        scheme = next((each for start, each in _CRYPT.items() if hashed.startswith(start)), "CRYPT")
    known = _SCHEMES.get(scheme)
    if known is None:
        raise _unknown(scheme)
    cost = known.shape.fullmatch(hashed)
    if cost is None:
        raise SettingsError(f"what follows {{{scheme}}} is no hash of this scheme")
    return StoredPassword(scheme, hashed, scheme + "".join(each or "" for each in cost.groups()))


def plain_password(text: str) -> StoredPassword:
    """A password that is known as it is."""
    return StoredPassword("PLAIN", text, "PLAIN")


def make_password(password: bytes, scheme: str) -> str:
    """`{SCHEME}hash` of a new password, in one of `MAKERS`."""
    return f"{{{scheme}}}{MAKERS[scheme](password)}"


def make_scram_keys(password: bytes, salt: bytes, iterations: int) -> ScramKeys:
    """The keys of RFC 5802 section 3, with SHA-256 (RFC 7677)."""
    salted = hashlib.pbkdf2_hmac("sha256", _prepared(password), salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    return ScramKeys(iterations, salt, hashlib.sha256(client_key).digest(), server_key)


def _prepared(password: bytes) -> bytes:
    """As SASLprep has it (RFC 4013); as it is what SASLprep forbids."""
    try:
        prepared: str = saslprep(password.decode("utf-8"))
    except ValueError:
        return password
    return prepared.encode("utf-8")


def _unknown(scheme: str) -> SettingsError:
    if scheme == "CRYPT":
        known = ", ".join(_CRYPT)
        return SettingsError(f"a hash of {{CRYPT}}, or of no scheme, must begin with {known}")
    known = ", ".join([*_SCHEMES, "CRYPT"])
    return SettingsError(f"the scheme {{{scheme}}} is not known; these are: {known}")


@dataclass(frozen=True, slots=True)
class _Scheme:
    """`shape`: what a hash looks like; its groups are the parameters that the cost hangs on."""

    shape: re.Pattern[str]
    matches: Callable[[str, bytes], bool]


def _matches_plain(stored: str, password: bytes) -> bool:
    key = os.urandom(16)
    digests = (hmac.digest(key, each, "sha256") for each in (stored.encode(), password))
    return hmac.compare_digest(*digests)


def _matches_argon2(stored: str, password: bytes) -> bool:
    try:
        return argon2.PasswordHasher().verify(stored, password)
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHash):
        return False


def _matches_bcrypt(stored: str, password: bytes) -> bool:
    try:
        return bcrypt.checkpw(password[:_BCRYPT_LONGEST], stored.encode("ascii"))
    except ValueError:  # a salt whose last letter has bits that mean nothing
        return False


def _matches_sha512_crypt(stored: str, password: bytes) -> bool:
    return bool(sha512_crypt.verify(password, stored))


def _matches_sha256_crypt(stored: str, password: bytes) -> bool:
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
    keys = _read_scram(stored)
    made = make_scram_keys(password, keys.salt, keys.iterations)
    return hmac.compare_digest(made.stored_key, keys.stored_key)


def _read_scram(stored: str) -> ScramKeys:
    iterations, *encoded = stored.split(",")
    salt, stored_key, server_key = (base64.b64decode(each) for each in encoded)
    return ScramKeys(int(iterations), salt, stored_key, server_key)


def _make_argon2id(password: bytes) -> str:
    return argon2.PasswordHasher().hash(password)


def _make_bcrypt(password: bytes) -> str:
    """With the letter that also an old Dovecot knows; $2b$ and $2y$ mean the same."""
    salt = bcrypt.gensalt().replace(b"$2b$", b"$2y$")
    return bcrypt.hashpw(password[:_BCRYPT_LONGEST], salt).decode("ascii")


def _make_sha512_crypt(password: bytes) -> str:
    return str(sha512_crypt.using(rounds=_SHA_CRYPT_ROUNDS).hash(password))


def _make_scram(password: bytes) -> str:
    keys = make_scram_keys(password, os.urandom(16), SCRAM_ITERATIONS)
    encoded = (base64.b64encode(each) for each in (keys.salt, keys.stored_key, keys.server_key))
    return ",".join([str(keys.iterations), *(each.decode("ascii") for each in encoded)])


MAKERS: Final = {
    "ARGON2ID": _make_argon2id,
    "BLF-CRYPT": _make_bcrypt,
    "SHA512-CRYPT": _make_sha512_crypt,
    "SCRAM-SHA-256": _make_scram,
}
"""The schemes that new passwords may be stored in."""

_BASE64: Final = r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?"
_HASH64: Final = "[./0-9A-Za-z]"


def _argon2(kind: str) -> _Scheme:
    shape = rf"\${kind}(\$v=\d+\$m=\d+,t=\d+,p=\d+\$)[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+"
    return _Scheme(re.compile(shape), _matches_argon2)


def _sha_crypt(number: int, size: int, matches: Callable[[str, bytes], bool]) -> _Scheme:
    shape = rf"\${number}\$(rounds=[1-9]\d{{3,8}}\$)?{_HASH64}{{0,16}}\${_HASH64}{{{size}}}"
    return _Scheme(re.compile(shape), matches)


def _salted_base64(algorithm: str, shortest: int) -> _Scheme:
    shape = re.compile(rf"(?=.{{{shortest}}}){_BASE64}")
    return _Scheme(shape, _salted(algorithm, base64.b64decode))


def _salted_hex(algorithm: str, shortest: int) -> _Scheme:
    shape = re.compile(rf"(?=.{{{shortest}}})(?:[0-9A-Fa-f]{{2}})+")
    return _Scheme(shape, _salted(algorithm, bytes.fromhex))


_SCHEMES: Final = {
    "ARGON2ID": _argon2("argon2id"),
    "ARGON2I": _argon2("argon2i"),
    "BLF-CRYPT": _Scheme(
        re.compile(rf"\$2[aby]\$((?:0[4-9]|[12]\d|3[01])\$){_HASH64}{{53}}"), _matches_bcrypt
    ),
    "SHA512-CRYPT": _sha_crypt(6, 86, _matches_sha512_crypt),
    "SHA256-CRYPT": _sha_crypt(5, 43, _matches_sha256_crypt),
    "PBKDF2": _Scheme(
        re.compile(r"\$1\$[!-#%-9;-~]*(\$[1-9]\d{0,8}\$)[0-9a-f]{40}"), _matches_pbkdf2
    ),
    "SSHA512": _salted_base64("sha512", 88),
    "SSHA512.HEX": _salted_hex("sha512", 130),
    "SSHA256": _salted_base64("sha256", 44),
    "SSHA256.HEX": _salted_hex("sha256", 66),
    "SCRAM-SHA-256": _Scheme(
        re.compile(rf"([1-9]\d{{0,8}},){_BASE64},(?=.{{44}},){_BASE64},(?=.{{44}}$){_BASE64}"),
        _matches_scram,
    ),
    "PLAIN": _Scheme(re.compile(r".+", re.DOTALL), _matches_plain),
}

_QUICK: Final = frozenset({"PLAIN", "SSHA512", "SSHA512.HEX", "SSHA256", "SSHA256.HEX"})

_ALIASES: Final = {
    "CLEAR": "PLAIN",
    "CLEARTEXT": "PLAIN",
    "SSHA512.B64": "SSHA512",
    "SSHA512.BASE64": "SSHA512",
    "SSHA256.B64": "SSHA256",
    "SSHA256.BASE64": "SSHA256",
}

_CRYPT: Final = {
    "$2a$": "BLF-CRYPT",
    "$2b$": "BLF-CRYPT",
    "$2y$": "BLF-CRYPT",
    "$5$": "SHA256-CRYPT",
    "$6$": "SHA512-CRYPT",
    "$argon2id$": "ARGON2ID",
    "$argon2i$": "ARGON2I",
}
"""How the hashes of crypt(5) begin."""
