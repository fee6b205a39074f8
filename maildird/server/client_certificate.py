"""Whom a client's certificate is for."""

import contextlib
from typing import Final

from cryptography import x509
from cryptography.x509.oid import NameOID

UPN: Final = x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3")
"""User principal name, as Microsoft's authorities have it, among the alternative names."""

UNREADABLE: Final = (
    ValueError,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""What is raised for certificates that are not as they should be, or have what nobody uses."""

_UTF8_STRING: Final = 0x0C


def client_names(certificate: bytes) -> tuple[str, ...]:
    """The users in a certificate (DER): e-mail addresses and user principal names.

    Without any it is the common names. Beside them these don't count: where an authority verifies
    the address, the common name is often what somebody liked to be called (RFC 6125 section 6.4.4,
    for servers). A certificate that can't be read names nobody.
    """
    try:
        return tuple(filter(None, _names(x509.load_der_x509_certificate(certificate))))
    except UNREADABLE:
        return ()


def _names(certificate: x509.Certificate) -> list[str]:
    names: list[str] = []
    with contextlib.suppress(x509.ExtensionNotFound):
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        names = extension.value.get_values_for_type(x509.RFC822Name)
        others = extension.value.get_values_for_type(x509.OtherName)
        names += [_utf8_string(each.value) for each in others if each.type_id == UPN]
    if names:
        return names
    found = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return [str(each.value) for each in found]


def _utf8_string(der: bytes) -> str:
    """UTF8String (X.690 section 8.21) of up to 127 octets; empty when it is none."""
    if len(der) < 2 or der[0] != _UTF8_STRING or der[1] != len(der) - 2:
        return ""
    return der[2:].decode("utf-8", "replace")
