"""SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677): both sides prove that they know keys
made of the password, which itself stays with the client.

Theory of operation. The client names itself; the server tells the salt and the number of rounds;
the client proves that it has the key; the server proves the same. All three messages are part of
what is proved, so nobody in between can change one.

With PLUS a value that only the two ends of this TLS connection have is part of it as well (channel
binding, RFC 9266), so nobody can sit in the middle of two connections. The client's first octet
says what it knows of that: "p" that it binds, "n" that it can't, "y" that it could but the server
can't. When the server can, somebody has taken PLUS out of the list that the client got, and a "y"
has to fail (RFC 5802 section 6).

A name that nobody has gets a salt and keys like any other, from whoever knows the users; which of a
name, an identity and a proof was wrong is not said. The keys are asked for with the proof only, as
making them may take a while.
"""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from maildird.server.sasl.steps import Challenge, Claim, Proof, Step
from maildird.server.scram_keys import ScramKeys, ScramSalt
from maildird.terms.errors import Malformed

FindSalt = Callable[[str], ScramSalt]
"""The salt of a user, found at once; a made-up one for a name that nobody has."""

BINDING: Final = b"tls-exporter"
"""The one type of channel binding that there is for TLS 1.3 (RFC 9266 section 3)."""

_NONCE_SIZE: Final = 18
"""Octets of randomness."""

# client-first-message = gs2-header client-first-message-bare
# gs2-header = gs2-cbind-flag "," [authzid] ","
# gs2-cbind-flag = ("p=" cb-name) / "n" / "y"
# authzid = "a=" saslname; GNU SASL has an empty one when it is asked for one
# client-first-message-bare = [reserved-mext ","] username "," nonce ["," extensions]
_CLIENT_FIRST: Final = re.compile(
    rb"((?:p=(?P<binding>[A-Za-z0-9.-]+)|(?P<flag>[ny])),(?:a=(?P<identity>[^,\0]*))?,)"
    rb"(?P<bare>n=(?P<name>[^,\0]+),r=(?P<nonce>[!-+\--~]+)(?:,[A-Za-z]=[^,\0]+)*)"
)

# client-final-message = client-final-message-without-proof "," proof
# client-final-message-without-proof = channel-binding "," nonce ["," extensions]
_CLIENT_FINAL: Final = re.compile(
    rb"(?P<bare>c=(?P<binding>[A-Za-z0-9+/=]+),r=(?P<nonce>[!-+\--~]+)(?:,[A-Za-z]=[^,\0]+)*)"
    rb",p=(?P<proof>[A-Za-z0-9+/=]+)"
)


def make_nonce() -> bytes:
    """The server's part of the nonce."""
    return base64.b64encode(secrets.token_bytes(_NONCE_SIZE))


class Scram:
    """`binding` is the value of `BINDING` for this connection, None where there is none to be had.

    With `plus` the client has to bind, and there has to be one.
    """

    opening = b""

    def __init__(
        self,
        find_salt: FindSalt,
        binding: bytes | None = None,
        *,
        plus: bool = False,
        nonce: Callable[[], bytes] = make_nonce,
    ) -> None:
        self.name = "SCRAM-SHA-256-PLUS" if plus else "SCRAM-SHA-256"
        self._find_salt = find_salt
        self._binding = binding
        self._plus = plus
        self._nonce = nonce
        self._told: _Told | None = None

    def respond(self, response: bytes) -> Step:
        """Take client-first-message, then client-final-message."""
        if self._told is None:
            return self._first(response)
        return self._final(self._told, response)

    def _first(self, message: bytes) -> Step:
        match = _CLIENT_FIRST.fullmatch(message)
        if match is None:
            raise Malformed("expected a client-first-message (RFC 5802 section 7)")
        self._need_flag(match["binding"])
        name = _saslname(match["name"])
        identity = _saslname(match["identity"] or match["name"])
        downgraded = match["flag"] == b"y" and self._binding is not None
        if identity.lower() != name.lower() or downgraded:
            return Proof(name, right=False)
        told = self._find_salt(name.decode("utf-8"))
        nonce = match["nonce"] + self._nonce()
        salt = base64.b64encode(told.salt)
        challenge = b"r=%b,s=%b,i=%d" % (nonce, salt, told.iterations)
        bound = (self._binding or b"") if self._plus else b""
        self._told = _Told(
            name=name,
            nonce=nonce,
            binding=base64.b64encode(match[1] + bound),
            messages=match["bare"] + b"," + challenge,
        )
        return Challenge(challenge, name)

    def _need_flag(self, binding: bytes | None) -> None:
        if self._plus != (binding is not None):
            wanted = "p=" if self._plus else "n or y"
            raise Malformed(f"expected the flag {wanted} for this mechanism (RFC 5802 section 6)")
        if binding not in (None, BINDING):
            raise Malformed(f"the channel binding here is {BINDING.decode('ascii')}")

    def _final(self, told: "_Told", message: bytes) -> Claim:
        match = _CLIENT_FINAL.fullmatch(message)
        if match is None:
            raise Malformed("expected a client-final-message (RFC 5802 section 7)")
        messages = told.messages + b"," + match["bare"]
        proof = _decoded(match["proof"])
        heard = hmac.compare_digest(match["binding"], told.binding) & hmac.compare_digest(
            match["nonce"], told.nonce
        )

        def last_word(keys: ScramKeys) -> bytes | None:
            client_key = _xor(proof, hmac.digest(keys.stored_key, messages, "sha256"))
            digest = hashlib.sha256(client_key).digest()
            if not heard & hmac.compare_digest(digest, keys.stored_key):
                return None
            verifier = hmac.digest(keys.server_key, messages, "sha256")
            return b"v=" + base64.b64encode(verifier)

        return Claim(told.name, last_word)


@dataclass(frozen=True, slots=True)
class _Told:
    """What was said so far. `binding` is what the client has to say of it, in base64."""

    name: bytes
    nonce: bytes
    binding: bytes
    messages: bytes


def _saslname(text: bytes) -> bytes:
    """saslname = 1*(value-safe-char / "=2C" / "=3D")."""
    if re.search(rb"=(?!2C|3D)", text):
        raise Malformed("a = in a name is spelled =3D (RFC 5802 section 5.1)")
    name = text.replace(b"=2C", b",").replace(b"=3D", b"=")
    try:
        name.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("a name has to be UTF-8 (RFC 5802 section 5.1)") from None
    return name


def _decoded(text: bytes) -> bytes:
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error:
        raise Malformed("the proof is not base64 (RFC 4648 section 4)") from None


def _xor(octets: bytes, others: bytes) -> bytes:
    """Of equal length, or something that is no key."""
    if len(octets) != len(others):
        return b""
    return bytes(each ^ other for each, other in zip(octets, others, strict=True))
