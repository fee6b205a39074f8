"""The names of users in clients' certificates."""

import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from maildird.server.client_certificate import UPN, client_names

KEY = ec.generate_private_key(ec.SECP256R1())


def certificate(
    common_names: list[str],
    alternatives: list[x509.GeneralName],
    others: tuple[x509.UnrecognizedExtension, ...] = (),
) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, each) for each in common_names])
    day = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).serial_number(1)
    builder = builder.not_valid_before(day).not_valid_after(day + datetime.timedelta(1))
    if alternatives:
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    for each in others:
        builder = builder.add_extension(each, critical=False)
    return builder.public_key(KEY.public_key()).sign(KEY, SHA256()).public_bytes(Encoding.DER)


def upn(value: bytes) -> x509.GeneralName:
    return x509.OtherName(UPN, value)


ADA = x509.RFC822Name("ada@example.org")


@pytest.mark.parametrize(
    ("common_names", "alternatives", "names"),
    [
        (["ada"], [], ("ada",)),
        (["Ada Lovelace", "ada"], [], ("Ada Lovelace", "ada")),
        (["ada"], [x509.DNSName("laptop.example.org")], ("ada",)),
        (["root"], [ADA], ("ada@example.org",)),
        (["root"], [upn(b"\x0c\x04\xc3\xa8ve")], ("ève",)),
        (["root"], [upn(b"\x0c\x03eve"), ADA], ("ada@example.org", "eve")),
        (["ada"], [x509.OtherName(NameOID.COMMON_NAME, b"\x0c\x04root")], ("ada",)),
        ([], [], ()),
    ],
)
def test_whom_a_certificate_names(
    common_names: list[str], alternatives: list[x509.GeneralName], names: tuple[str, ...]
) -> None:
    assert client_names(certificate(common_names, alternatives)) == names


@pytest.mark.parametrize("value", [b"\x13\x03ada", b"\x0c\x00", b"\x05\x00"])
def test_a_user_principal_name_that_is_none_names_nobody(value: bytes) -> None:
    assert client_names(certificate(["root"], [upn(value)])) == ()


@pytest.mark.parametrize(
    "der", [b"", b"certificate", certificate(["ada"], [ADA])[:-1]], ids=["empty", "text", "cut"]
)
def test_what_can_t_be_read_names_nobody(der: bytes) -> None:
    assert client_names(der) == ()


def extension(last: int, content: bytes = b"\x05\x00") -> x509.UnrecognizedExtension:
    return x509.UnrecognizedExtension(x509.ObjectIdentifier(f"2.5.29.{last}"), content)


def test_a_kind_of_name_that_nobody_uses_names_nobody() -> None:
    x400_address = b"\x30\x04\xa3\x02\x30\x00"
    assert client_names(certificate(["root"], [], (extension(17, x400_address),))) == ()


def test_an_extension_that_is_there_twice_names_nobody() -> None:
    der = certificate(["root"], [ADA], (extension(99), extension(98)))
    assert client_names(der) == ("ada@example.org",)
    assert client_names(der.replace(b"\x55\x1d\x62", b"\x55\x1d\x63")) == ()


def test_an_extension_that_can_t_be_read_names_nobody() -> None:
    der = certificate(["root"], [ADA])
    assert client_names(der.replace(b"ada@example.org", b"ad\xe4@example.org")) == ()
