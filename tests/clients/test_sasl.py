"""Other programs log in with each mechanism, with TLS and without."""

import base64
import imaplib
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from scramp import ScramClient

from tests.server.tls_service import Service, Talk, tls_service

MORE = """
[tls]
client_ca = "{directory}/ca.pem"
[[accounts]]
name = "eve@example.org"
password = "secret"
"""

MBSYNC = """\
IMAPStore far
Host 127.0.0.1
Port {port}
User ada
Pass {password}
{option} {kind}
CertificateFile {authority}
AuthMechs {mechanism}

MaildirStore near
Path {near}/
Inbox {near}/INBOX

Channel all
Far :far:
Near :near:
Patterns *
"""

WRONG = "the name or the password is wrong"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    directory = tmp_path_factory.mktemp("sasl")
    for subdir in ("cur", "new", "tmp"):
        (directory / "mail" / "eve@example.org" / subdir).mkdir(parents=True)
    with tls_service(directory, more=MORE) as service:
        yield service


def run(*command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL
    )


# imaplib, with scramp for SCRAM


def test_imaplib_logs_in_with_scram(service: Service) -> None:
    with imaplib.IMAP4("127.0.0.1", service.none, timeout=60) as client:
        assert "AUTH=SCRAM-SHA-256" in client.capabilities
        scram = ScramClient(["SCRAM-SHA-256"], "ada", "secret")
        said: list[str] = []

        def respond(challenge: bytes) -> bytes:
            said.append(challenge.decode())
            if len(said) == 1:
                return str(scram.get_client_first()).encode()
            if len(said) == 2:
                scram.set_server_first(said[-1])
                return str(scram.get_client_final()).encode()
            scram.set_server_final(said[-1])
            return b""

        client.authenticate("SCRAM-SHA-256", respond)
        assert len(said) == 3
        assert client.select("INBOX")[0] == "OK"


@pytest.mark.parametrize(
    ("mechanism", "responses"), [("PLAIN", [b"\0ada\0secret"]), ("LOGIN", [b"ada", b"secret"])]
)
def test_imaplib_logs_in_with_passwords(
    service: Service, mechanism: str, responses: list[bytes]
) -> None:
    with imaplib.IMAP4("127.0.0.1", service.none, timeout=60) as client:
        left = iter(responses)
        client.authenticate(mechanism, lambda _: next(left))
        assert client.select("INBOX")[0] == "OK"


# GNU SASL


@pytest.mark.parametrize("kind", ["starttls", "none"])
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "SCRAM-SHA-256"])
@pytest.mark.parametrize("password", ["secret", "wrong"])
def test_gsasl(
    service: Service,
    program: Callable[[str], str],
    kind: str,
    mechanism: str,
    password: str,
) -> None:
    tls = f"--x509-ca-file={service.authority.file}" if kind == "starttls" else "--no-starttls"
    done = run(
        *(program("gsasl"), "--imap", "--no-cb", f"--connect=127.0.0.1:{getattr(service, kind)}"),
        *(f"--mechanism={mechanism}", "--authentication-id=ada", "--authorization-id="),
        *(f"--password={password}", tls),
    )
    assert (done.returncode == 0) == (password == "secret"), done.stdout + done.stderr
    assert (WRONG in done.stdout) == (password == "wrong")


@pytest.mark.parametrize("password", ["secret", "wrong"])
def test_gsasl_binds_to_the_channel(
    service: Service, program: Callable[[str], str], password: str
) -> None:
    done = run(
        *(program("gsasl"), "--imap", f"--connect=127.0.0.1:{service.starttls}"),
        *("--mechanism=SCRAM-SHA-256-PLUS", "--authentication-id=ada", "--authorization-id="),
        *(f"--password={password}", f"--x509-ca-file={service.authority.file}"),
    )
    assert (done.returncode == 0) == (password == "secret"), done.stdout + done.stderr
    assert (WRONG in done.stdout) == (password == "wrong")


@pytest.mark.parametrize(
    ("version", "answer"), [("TLSv1_3", b"NO [AUTHENTICATIONFAILED] "), ("TLSv1_2", b"+ cj1hYm")]
)
def test_who_was_told_of_no_channel_binding_is_refused_where_there_is_some(
    service: Service, version: str, answer: bytes
) -> None:
    context = service.authority.context()
    context.maximum_version = getattr(ssl.TLSVersion, version)
    hello = base64.b64encode(b"y,,n=ada,r=abc")
    with Talk(service.implicit) as talk:
        talk.encrypt(context)
        assert (b"AUTH=SCRAM-SHA-256-PLUS" in talk.hear()) == (version == "TLSv1_3")
        talk.say(b"a AUTHENTICATE SCRAM-SHA-256 " + hello + b"\r\n")
        assert talk.hear().removeprefix(b"a ").startswith(answer)


# curl


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize("sasl_ir", [(), ("--sasl-ir",)])
def test_curl(
    service: Service, program: Callable[[str], str], mechanism: str, sasl_ir: tuple[str, ...]
) -> None:
    done = run(
        *(program("curl"), "--silent", "--show-error", "--user", "ada:secret", *sasl_ir),
        *("--login-options", f"AUTH={mechanism}", f"imap://127.0.0.1:{service.none}/"),
    )
    assert "INBOX" in done.stdout, done.stderr


@pytest.mark.parametrize(
    ("shown", "user", "right"),
    [
        ("eve@example.org", "eve@example.org", True),
        ("eve@example.org", "ada", False),
        ("bob@example.org", "bob@example.org", False),
    ],
)
def test_curl_shows_a_certificate_in_place_of_a_password(
    service: Service, program: Callable[[str], str], shown: str, user: str, right: bool
) -> None:
    certificate = service.authority.issue(shown, common_name="ada")
    done = run(
        *(program("curl"), "--silent", "--show-error", "--user", f"{user}:"),
        *("--cert", certificate.certificate, "--key", certificate.key),
        *("--cacert", str(service.authority.file), "--login-options", "AUTH=EXTERNAL"),
        f"imaps://127.0.0.1:{service.implicit}/",
    )
    assert (done.returncode == 0) == right, done.stderr


def test_a_client_without_a_certificate_is_not_offered_external(service: Service) -> None:
    with Talk(service.implicit) as talk:
        talk.encrypt(service.authority.context())
        assert b"EXTERNAL" not in talk.hear()
        refusal = talk.ask(b"a AUTHENTICATE EXTERNAL =")[-1]
        assert refusal.startswith(b"a NO [CANNOT] EXTERNAL is not offered here; these are: PLAIN,")


def test_a_client_that_names_nobody_is_whom_its_certificate_names(service: Service) -> None:
    shown = service.authority.issue("eve@example.org", common_name="ada")
    context = service.authority.context()
    context.load_cert_chain(shown.certificate, shown.key)
    with Talk(service.starttls) as talk:
        assert b"EXTERNAL" not in talk.hear()
        talk.ask(b"a STARTTLS")
        talk.encrypt(context)
        assert b" AUTH=EXTERNAL" in talk.ask(b"b CAPABILITY")[0]
        assert talk.ask(b"c AUTHENTICATE EXTERNAL =")[-1].endswith(b" welcome, eve@example.org")


# mbsync, by Cyrus SASL


@pytest.mark.parametrize("kind", ["implicit", "none"])
@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256"])
@pytest.mark.parametrize("password", ["secret", "wrong"])
def test_mbsync(
    service: Service,
    program: Callable[[str], str],
    tmp_path: Path,
    kind: str,
    mechanism: str,
    password: str,
) -> None:
    find, config = program("mbsync"), tmp_path / "mbsyncrc"
    old = run(find, "--version").stdout.split()[1] < "1.5"
    tls = "IMAPS" if kind == "implicit" else "None"
    config.write_text(
        MBSYNC.format(
            port=getattr(service, kind),
            password=password,
            option="SSLType" if old else "TLSType",
            kind=tls,
            authority=service.authority.file,
            mechanism=mechanism,
            near=tmp_path,
        )
    )
    done = run(find, "--config", str(config), "--list", "all")
    assert (done.returncode == 0) == (password == "secret"), done.stdout + done.stderr
    assert ("INBOX" in done.stdout) == (password == "secret")


# Exchanges that end otherwise


def test_a_client_that_does_not_believe_the_server_is_not_let_in(service: Service) -> None:
    scram = ScramClient(["SCRAM-SHA-256"], "ada", "secret")
    with Talk(service.none) as talk:
        talk.hear()
        first = base64.b64encode(scram.get_client_first().encode())
        talk.say(b"a AUTHENTICATE SCRAM-SHA-256 " + first + b"\r\n")
        scram.set_server_first(base64.b64decode(talk.hear().removeprefix(b"+ ")).decode())
        talk.say(base64.b64encode(scram.get_client_final().encode()) + b"\r\n")
        assert base64.b64decode(talk.hear().removeprefix(b"+ ")).startswith(b"v=")
        talk.say(b"*\r\n")
        assert talk.hear() == b"a BAD AUTHENTICATE was given up"
        assert talk.ask(b"b SELECT INBOX")[-1].startswith(b"b BAD ")


def test_a_response_that_is_too_long_ends_the_exchange(service: Service) -> None:
    with Talk(service.none) as talk:
        talk.hear()
        talk.say(b"a AUTHENTICATE PLAIN\r\n")
        assert talk.hear() == b"+ "
        talk.say(b"AAAA" * 4000 + b"\r\n")
        assert talk.hear().startswith(b"a BAD a SASL response has at most ")
        assert talk.ask(b"b NOOP") == [b"b OK done"]
