"""Certificates: chosen, replaced, and what is said of those that can't be used."""

import logging
import os
import re
import ssl
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from OpenSSL import SSL

from maildird.server.settings import CertificateFiles, Tls
from maildird.server.tls import LOOK_AGAIN, Certificates
from maildird.terms.errors import SettingsError
from tests.server.certificates import NAME, Authority


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def shake_hands(
    server: SSL.Context,
    client: ssl.SSLContext,
    name: str | None,
    session: ssl.SSLSession | None = None,
) -> tuple[ssl.SSLObject, SSL.Connection]:
    """Both ends after a handshake in memory."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    near = client.wrap_bio(to_client, to_server, server_hostname=name, session=session)
    far = SSL.Connection(server, None)
    far.set_accept_state()
    done: set[object] = set()
    for _ in range(4):
        with suppress(ssl.SSLWantReadError):
            near.do_handshake()
            done.add(near)
        if to_server.pending:
            far.bio_write(to_server.read())
        with suppress(SSL.WantReadError):
            far.do_handshake()
            done.add(far)
        with suppress(SSL.WantReadError):
            to_client.write(far.bio_read(65536))
    assert done == {near, far}
    far.send(b"*")
    to_client.write(far.bio_read(65536))
    assert near.read(1) == b"*"
    return near, far


def names_served(
    certificates: Certificates, authority: Authority, wanted: str | None, now: float = 0.0
) -> set[str]:
    """The names in the certificate that a client gets."""
    client = authority.context()
    client.check_hostname = False
    near, _ = shake_hands(certificates.context(now), client, wanted)
    found: Any = near.getpeercert()
    return {name for _, name in found["subjectAltName"]}


@pytest.mark.parametrize(
    ("wanted", "served"),
    [
        ("mail.example.org", "mail.example.org"),
        ("MAIL.example.org", "mail.example.org"),
        ("imap.example.com", "*.example.com"),
        ("a.imap.example.com", "mail.example.org"),
        ("example.com", "mail.example.org"),
        ("example.net", "example.net"),
        ("nobody.example", "mail.example.org"),
        (None, "mail.example.org"),
    ],
)
def test_a_certificate_is_chosen_by_the_name_that_the_client_asks_for(
    authority: Authority, wanted: str | None, served: str
) -> None:
    files = [authority.issue(name) for name in (NAME, "*.example.com", "example.net")]
    assert names_served(Certificates(files, Tls()), authority, wanted) == {served}


def test_a_certificate_without_alternative_names_goes_by_its_common_name(
    authority: Authority,
) -> None:
    files = [authority.issue(NAME), authority.issue("x@example.net", common_name="example.net")]
    assert names_served(Certificates(files, Tls()), authority, "example.net") == {"x@example.net"}


@pytest.mark.parametrize(
    ("offered", "agreed"), [(["imap"], "imap"), (["h2", "imap"], "imap"), ([], None)]
)
def test_imap_is_agreed_on_with_alpn_whichever_certificate_is_chosen(
    authority: Authority, offered: list[str], agreed: str | None
) -> None:
    certificates = Certificates([authority.issue(NAME), authority.issue("example.net")], Tls())
    for name in (NAME, "example.net"):
        near, far = shake_hands(certificates.context(0), authority.context(offered), name)
        assert near.selected_alpn_protocol() == agreed
        assert far.get_alpn_proto_negotiated() == (agreed or "").encode()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_no_session_goes_on_under_another_certificate(
    authority: Authority, version: ssl.TLSVersion
) -> None:
    files = [authority.issue(name) for name in (NAME, "example.net")]
    server = Certificates(files, Tls()).context(0)
    client = authority.context()
    client.minimum_version = client.maximum_version = version
    for first, then in ((NAME, "example.net"), ("example.net", NAME)):
        begun, _ = shake_hands(server, client, first)
        near, _ = shake_hands(server, client, then, begun.session)
        assert not near.session_reused


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_session_goes_on_where_there_is_one_certificate(
    authority: Authority, version: ssl.TLSVersion
) -> None:
    server = Certificates([authority.issue(NAME)], Tls()).context(0)
    client = authority.context()
    client.minimum_version = client.maximum_version = version
    begun, _ = shake_hands(server, client, NAME)
    near, _ = shake_hands(server, client, NAME, begun.session)
    assert near.session_reused


def test_the_lowest_version_can_be_raised(authority: Authority) -> None:
    client = authority.context()
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    files = [authority.issue(NAME)]
    near, _ = shake_hands(Certificates(files, Tls()).context(0), client, NAME)
    assert near.version() == "TLSv1.2"
    with pytest.raises(SSL.Error, match="unsupported protocol"):
        shake_hands(Certificates(files, Tls(minimum="1.3")).context(0), client, NAME)


def test_tls_1_2_has_forward_secrecy_and_authenticated_encryption_only(
    authority: Authority,
) -> None:
    context = Certificates([authority.issue(NAME)], Tls()).context(0)
    ciphers = SSL.Connection(context, None).get_cipher_list()
    old = [each for each in ciphers if not each.startswith("TLS_")]  # those are of TLS 1.3
    assert old
    assert all(re.fullmatch(r"ECDHE-.*-(GCM-SHA\d+|CHACHA20-POLY1305)", each) for each in old)


def test_files_that_were_replaced_are_noticed_within_half_a_minute(
    authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    certificates = Certificates([authority.issue(NAME)], Tls())
    assert names_served(certificates, authority, NAME, now=100.0) == {NAME}
    authority.issue("new.example.org", to=NAME)
    assert names_served(certificates, authority, NAME, now=99.0 + LOOK_AGAIN) == {NAME}
    assert not caplog.records
    assert names_served(certificates, authority, NAME, 100.0 + LOOK_AGAIN) == {"new.example.org"}
    assert [each.message for each in caplog.records] == [
        "certificates were replaced; the new ones are in use"
    ]


def test_a_link_that_leads_elsewhere_now_is_noticed(authority: Authority, tmp_path: Path) -> None:
    """As certbot does it: live/…/fullchain.pem is a link into archive/…."""
    old, new = authority.issue(NAME, to="1"), authority.issue("new.example.org", to="2")
    linked = CertificateFiles(str(tmp_path / "fullchain.pem"), str(tmp_path / "privkey.pem"))
    for link, target in ((linked.certificate, old.certificate), (linked.key, old.key)):
        os.symlink(target, link)
    certificates = Certificates([linked], Tls())
    for link, target in ((linked.certificate, new.certificate), (linked.key, new.key)):
        os.symlink(target, f"{link}.new")
        os.replace(f"{link}.new", link)
    assert names_served(certificates, authority, NAME, now=LOOK_AGAIN) == {"new.example.org"}


def test_a_new_pair_that_is_broken_leaves_the_old_one_in_use_until_it_is_whole(
    authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    files = authority.issue(NAME)
    old_key = Path(files.key).read_bytes()
    certificates = Certificates([files], Tls())
    authority.issue("new.example.org", to=NAME)
    new_key = Path(files.key).read_bytes()
    Path(files.key).write_bytes(old_key)
    for minute in (1, 2):
        assert names_served(certificates, authority, NAME, now=60.0 * minute) == {NAME}
    (record,) = caplog.records
    assert record.levelname == "ERROR"
    assert record.message == (
        f"the certificates from before stay in use: certificates#1: {files.key}: this is not the"
        f" key of the certificate in {files.certificate}"
    )
    Path(files.key).write_bytes(new_key)
    assert names_served(certificates, authority, NAME, now=180.0) == {"new.example.org"}


def encrypted(key: bytes) -> bytes:
    return load_pem_private_key(key, None).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")
    )


def test_a_key_that_is_encrypted_is_refused_without_asking(authority: Authority) -> None:
    files = authority.issue(NAME)
    path = Path(files.key)
    path.write_bytes(encrypted(path.read_bytes()))
    with pytest.raises(SettingsError, match=r"\.key: this key is encrypted; nobody could type"):
        Certificates([files], Tls())


@pytest.mark.parametrize("what", ["certificate", "key"])
@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, r"No such file or directory; name a file that can be read"),
        (b"", r"there is no (certificate|private key) in PEM in this file"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n", r"there is no (certificate|private key) in PEM"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(
    authority: Authority, what: str, content: bytes | None, complaint: str
) -> None:
    files = authority.issue(NAME)
    path = Path(getattr(files, what))
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    place = re.escape(f"certificates#1: {path}: ")
    with pytest.raises(SettingsError, match=f"^{place}{complaint}"):
        Certificates([files], Tls())


SM2_KEY = b"""-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqBHM9VAYItBG0wawIBAQQgCtPNp3uBNNbMY7Zq
onrTp8+140B/d6blXNTO5bxCuqKhRANCAARa1sL02f07+tb3zg3/8y5SRcyMTOko
yEaJasBJ3uRnVFzgWW1LUqXSQJET/Lg9ZF7Uc/xdmUufg1GwSYpMbqhL
-----END PRIVATE KEY-----
"""


def test_a_key_of_a_kind_that_is_not_supported_is_refused(authority: Authority) -> None:
    files = authority.issue(NAME)
    Path(files.key).write_bytes(SM2_KEY)
    with pytest.raises(SettingsError, match=r"\.key: keys of this kind are not supported; take an"):
        Certificates([files], Tls())


def test_a_key_of_another_certificate_is_refused(authority: Authority) -> None:
    files, other = authority.issue(NAME), authority.issue("example.net")
    mixed = CertificateFiles(files.certificate, other.key)
    with pytest.raises(SettingsError, match=r"example\.net\.key: this is not the key of the"):
        Certificates([mixed], Tls())


@pytest.mark.parametrize("content", [None, b"", b"no certificate\n"])
def test_what_is_wrong_with_the_clients_authorities_is_said(
    authority: Authority, tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "clients.pem"
    if content is not None:
        path.write_bytes(content)
    said = rf"^tls\.client_ca: {path}: (No such file|there is no certificate)"
    with pytest.raises(SettingsError, match=said):
        Certificates([authority.issue(NAME)], Tls(client_ca=str(path)))


def test_a_certificate_that_has_expired_is_used_with_a_warning(
    authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    files = authority.issue(NAME, expires=datetime(2020, 2, 3, tzinfo=UTC))
    Certificates([files], Tls())
    assert [each.message for each in caplog.records] == [
        f"{files.certificate}: this certificate expired on 2020-02-03"
    ]
