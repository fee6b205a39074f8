"""Certificates and what is agreed on with TLS.

Each certificate has a context of its own. A handshake begins with the first one; when the client
names the server that it wants (SNI, RFC 6066 section 3), the certificate that has the name stands
in for it. A name that none has gets the first: the client will say what it thinks of that. No
session may go on under another name than it began with, and OpenSSL takes it up before it hears the
name. So where there are several certificates no session is kept, and each handshake is a whole one.

The files are looked at when a handshake comes and the last look is half a minute ago: certbot
replaces them without telling anybody. A pair that can't be used, such as one of which the key is
still to come, changes nothing; the log says so once, and the next change is looked at again.

TLS 1.2 comes with forward secrecy and authenticated encryption alone (RFC 9325 section 4.2), and
without renegotiation and compression. With ALPN "imap" is agreed on. A client that offers
protocols, but not this one, has to be refused (RFC 7301 section 3.2): it may be a browser that was
led here, and what it sends to a web server must not mean anything to a mail server.
"""

import contextlib
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import NameOID
from OpenSSL import SSL

from maildird.server.client_certificate import UNREADABLE
from maildird.server.failures import HandshakeFailed
from maildird.server.settings import CertificateFiles, Tls
from maildird.terms.errors import SettingsError

logger = logging.getLogger(__name__)

LOOK_AGAIN: Final = 30.0
"""Age at which what is known of the files is no longer relied on (s)."""

CIPHERS: Final = b"ECDHE+AESGCM:ECDHE+CHACHA20"
"""For TLS 1.2; the suites of TLS 1.3 are all fine."""

ALPN: Final = b"imap"
"""What IMAP is called in ALPN, by IANA's registry."""

_VERSIONS: Final = {"1.2": SSL.TLS1_2_VERSION, "1.3": SSL.TLS1_3_VERSION}

_OPTIONS: Final = SSL.OP_CIPHER_SERVER_PREFERENCE | SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION

_ACCEPT_MOVING_WRITE_BUFFER: Final = 0x02
"""SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER (SSL_CTX_set_mode(3)), which pyOpenSSL has no name for: what
was begun may be finished from a copy."""

_MODE: Final = SSL.MODE_RELEASE_BUFFERS | _ACCEPT_MOVING_WRITE_BUFFER

_Seen = tuple[tuple[int, ...] | None, ...]


class Certificates:
    """The certificates in use. Raises SettingsError when they can't be used at first."""

    def __init__(self, files: Sequence[CertificateFiles], tls: Tls) -> None:
        self._files = files
        self._tls = tls
        self._looked = 0.0
        self._seen = self._look()
        self._context = _context_of_all(files, tls)

    def context(self, now: float) -> SSL.Context:
        """What a handshake begins with; `now` is the time (s) of any clock that never goes back."""
        if not self._looked <= now < self._looked + LOOK_AGAIN:
            self._looked = now
            if self._look() != self._seen:
                self.renew()
        return self._context

    def renew(self) -> None:
        """Have the files read again, or log why those from before stay in use."""
        before, self._seen = self._seen, self._look()
        try:
            self._context = _context_of_all(self._files, self._tls)
        except SettingsError as error:
            logger.error("the certificates from before stay in use: %s", error)
        else:
            if before != self._seen:
                logger.info("certificates were replaced; the new ones are in use")

    def _look(self) -> _Seen:
        paths = [path for each in self._files for path in (each.certificate, each.key)]
        return tuple(map(_identity, filter(None, (*paths, self._tls.client_ca))))


@dataclass(frozen=True, slots=True)
class _Served:
    """A certificate, by the names in it, in lower case."""

    names: frozenset[str]
    context: SSL.Context

    def has(self, name: str) -> bool:
        """Whether a server's name is in it, literally or by a wildcard (RFC 6125 section 6.4)."""
        return name in self.names or f"*.{name.partition('.')[2]}" in self.names


def _context_of_all(files: Sequence[CertificateFiles], tls: Tls) -> SSL.Context:
    served = [_served(each, tls, number) for number, each in enumerate(files, 1)]
    first = served[0].context
    if len(served) == 1:
        return first

    def choose(connection: SSL.Connection) -> None:
        wanted = (connection.get_servername() or b"").decode("latin-1").lower()
        chosen = next((each for each in served if each.has(wanted)), served[0])
        connection.set_context(chosen.context)

    for each in served:
        each.context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        each.context.set_options(SSL.OP_NO_TICKET)
    first.set_tlsext_servername_callback(choose)
    return first


def _served(files: CertificateFiles, tls: Tls, number: int) -> _Served:
    try:
        certificate = _certificate(files)
        context = _context(files, tls)
    except SettingsError as error:
        raise SettingsError(f"certificates#{number}: {error}") from None
    if tls.client_ca is not None:
        _ask_for_certificates(context, tls.client_ca)
    return _Served(_names(certificate), context)


def _context(files: CertificateFiles, tls: Tls) -> SSL.Context:
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(_VERSIONS[tls.minimum])
    context.set_cipher_list(CIPHERS)
    context.set_options(_OPTIONS)
    context.set_mode(_MODE)
    context.set_session_id(b"maildird")
    context.set_alpn_select_callback(_select_protocol)
    try:
        context.use_certificate_chain_file(files.certificate)
        context.use_privatekey_file(files.key)
    except SSL.Error as error:
        raise SettingsError(f"{files.certificate}: can't be used: {_reason(error)}") from None
    return context


def _ask_for_certificates(context: SSL.Context, authorities: str) -> None:
    """A client may show a certificate; one that it shows has to be of these authorities."""
    try:
        _read(authorities)
        context.load_verify_locations(authorities)
    except SettingsError as error:
        raise SettingsError(f"tls.client_ca: {error}") from None
    except SSL.Error:
        raise SettingsError(
            f"tls.client_ca: {authorities}: there is no certificate in PEM in this file"
        ) from None
    context.set_verify(SSL.VERIFY_PEER)


def _select_protocol(_: SSL.Connection, offered: Sequence[bytes]) -> bytes:
    if ALPN not in offered:
        shown = b", ".join(offered)[:80].decode("latin-1")
        raise HandshakeFailed(f"the client wants to speak {shown!a}, and not imap")
    return ALPN


def _certificate(files: CertificateFiles) -> x509.Certificate:
    """The certificate, which goes with its key."""
    try:
        certificate = x509.load_pem_x509_certificates(_read(files.certificate))[0]
    except ValueError:
        raise SettingsError(
            f"{files.certificate}: there is no certificate in PEM in this file"
        ) from None
    try:
        key = load_pem_private_key(_read(files.key), password=None)
        belongs = key.public_key() == certificate.public_key()
    except TypeError:
        raise SettingsError(
            f"{files.key}: this key is encrypted; nobody could type its password, so decrypt it"
        ) from None
    except ValueError:
        raise SettingsError(f"{files.key}: there is no private key in PEM in this file") from None
    except UnsupportedAlgorithm:
        raise SettingsError(
            f"{files.key}: keys of this kind are not supported; take an EC or RSA key"
        ) from None
    if not belongs:
        raise SettingsError(
            f"{files.key}: this is not the key of the certificate in {files.certificate}"
        )
    _warn_of_dates(files, certificate)
    return certificate


def _warn_of_dates(files: CertificateFiles, certificate: x509.Certificate) -> None:
    now = datetime.now(UTC)
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now > end:
        logger.warning("%s: this certificate expired on %s", files.certificate, f"{end:%F}")
    elif now < begin:
        logger.warning(
            "%s: this certificate is not valid before %s", files.certificate, f"{begin:%F}"
        )


def _names(certificate: x509.Certificate) -> frozenset[str]:
    """Its alternative names for servers; without any its common name (RFC 6125 section 6.4.4)."""
    names: list[str] = []
    with contextlib.suppress(x509.ExtensionNotFound, *UNREADABLE):
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        names = extension.value.get_values_for_type(x509.DNSName)
    if not names:
        common = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        names = [str(each.value) for each in common]
    return frozenset(name.lower() for name in names)


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}; name a file that can be read") from None


def _identity(path: str) -> tuple[int, ...] | None:
    """What tells a file from the one that was there before, or one that was written again."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _reason(error: SSL.Error) -> str:
    return ", ".join(reason for _, _, reason in error.args[0]) or "no reason is known"
