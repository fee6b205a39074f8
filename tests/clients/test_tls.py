"""curl and mbsync with TLS, from the first octet on and from STARTTLS on."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.clients.maildirs import messages
from tests.server.tls_service import Service, tls_service

MAIL = {f"Subject: {number}\n\nHello.\n".encode() for number in range(20)}

MBSYNC = """\
FSync no
IMAPStore far
Host 127.0.0.1
Port {port}
User ada
Pass secret
{option} {kind}
CertificateFile {authority}
AuthMechs LOGIN

MaildirStore near
Path {near}/
Inbox {near}/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Both
Expunge Both
SyncState *
"""


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with tls_service(tmp_path) as service:
        for number, content in enumerate(sorted(MAIL)):
            new = tmp_path / "mail" / "ada" / "new"
            (new / f"{1700000000 + number}.M1P1.host").write_bytes(content)
        yield service


@pytest.mark.parametrize("kind", ["implicit", "starttls"])
def test_curl_reads_over_tls(service: Service, program: Callable[[str], str], kind: str) -> None:
    scheme = "imaps" if kind == "implicit" else "imap"
    done = subprocess.run(
        [
            *(program("curl"), "--silent", "--show-error", "--user", "ada:secret", "--ssl-reqd"),
            *("--cacert", str(service.authority.file)),
            f"{scheme}://127.0.0.1:{getattr(service, kind)}/INBOX;UID=1",
        ],
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.replace(b"\r\n", b"\n") in MAIL


@pytest.mark.parametrize("kind", ["implicit", "starttls"])
def test_mbsync_agrees_over_tls(
    service: Service, program: Callable[[str], str], tmp_path: Path, kind: str
) -> None:
    find = program("mbsync")
    version = subprocess.run([find, "--version"], capture_output=True, text=True, check=True)
    near, config = tmp_path / "near", tmp_path / "mbsyncrc"
    near.mkdir()
    config.write_text(
        MBSYNC.format(
            port=getattr(service, kind),
            option="SSLType" if version.stdout.split()[1] < "1.5" else "TLSType",
            kind="IMAPS" if kind == "implicit" else "STARTTLS",
            authority=service.authority.file,
            near=near,
        )
    )
    done = subprocess.run(
        [find, "--config", str(config), "--all", "--quiet"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert {content for content, _ in messages(near / "INBOX")} == MAIL
