"""Stored passwords: `{SCHEME}hash`, in the schemes and spellings of Dovecot.

Theory of operation. What is stored is taken apart once, when it is read: a scheme that is not known
or a hash that can't be one is an error then, not at the login. To compare is to hash again, which
is meant to be slow; `is_quick` tells the few schemes for which no thread is worth its while.
`cost` is equal for two stored passwords when comparing takes equally long.

Without a scheme in braces the caller says which one is meant: CRYPT in a passwd-file, as Dovecot
has it, PLAIN in maildird.toml. CRYPT tells by its beginning (`$6$`, `$2y$`) what it is. A password
of more than `LONGEST` octets is never right, so that nobody has the server hash megabytes.
"""

import re
from dataclasses import dataclass, field
from typing import Final

from maildird.server.password_schemes import QUICK, SCHEMES
from maildird.server.scram_keys import ScramKeys, read_scram_keys
from maildird.terms.errors import SettingsError

LONGEST: Final = 1024
"""Octets of a password."""

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


@dataclass(frozen=True, slots=True)
class StoredPassword:
    """A stored password. `cost` stands for what comparing costs."""

    scheme: str
    hash: str = field(repr=False)
    cost: str

    @property
    def is_quick(self) -> bool:
        """Whether comparing takes microseconds."""
        return self.scheme in QUICK

    def matches(self, password: bytes) -> bool:
        """Whether this is the password, in octets; takes as long as the scheme is strong."""
        if len(password) > LONGEST or b"\0" in password:
            return False
        return SCHEMES[self.scheme].matches(self.hash, password)

    @property
    def scram_keys(self) -> ScramKeys | None:
        """The keys, where these are what is stored."""
        return read_scram_keys(self.hash) if self.scheme == "SCRAM-SHA-256" else None

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
    known = SCHEMES.get(scheme)
    if known is None:
        raise _unknown(scheme)
    cost = known.shape.fullmatch(hashed)
    if cost is None:
        raise SettingsError(f"what follows {{{scheme}}} is no hash of this scheme")
    return StoredPassword(scheme, hashed, scheme + "".join(each or "" for each in cost.groups()))


def plain_password(text: str) -> StoredPassword:
    """A password that is known as it is."""
    return StoredPassword("PLAIN", text, "PLAIN")


def _unknown(scheme: str) -> SettingsError:
    if scheme == "CRYPT":
        known = ", ".join(_CRYPT)
        return SettingsError(f"a hash of {{CRYPT}}, or of no scheme, must begin with {known}")
    known = ", ".join([*SCHEMES, "CRYPT"])
    return SettingsError(f"the scheme {{{scheme}}} is not known; these are: {known}")
