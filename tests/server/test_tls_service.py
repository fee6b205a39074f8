"""A server with TLS: STARTTLS, implicit TLS, proxies, reloading; with real sockets and programs."""

import os
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.certificates import NAME
from tests.server.tls_service import PATIENCE, Service, Talk, tls_service

OUTSIDE = b"PROXY TCP4 192.0.2.1 192.0.2.2 5000 143\r\n"
"""What makes a client one of another machine."""

HELLO_OF_TLS = bytes.fromhex("1603010200010001fc0303")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with tls_service(tmp_path_factory.mktemp("service")) as service:
        yield service


def log_in(talk: Talk) -> None:
    assert talk.ask(b"in LOGIN ada secret")[-1].startswith(b"in OK ")
    assert talk.ask(b"st STATUS INBOX (MESSAGES)")[0] == b"* STATUS INBOX (MESSAGES 0)"


# STARTTLS


def test_starttls_is_offered_until_it_is_used(service: Service) -> None:
    with Talk(service.starttls) as talk:
        assert b" STARTTLS AUTH=" in talk.hear()
        assert b" STARTTLS " in talk.ask(b"a CAPABILITY")[0]
        assert talk.ask(b"b STARTTLS") == [b"b OK begin TLS now"]
        talk.encrypt(service.authority.context())
        capabilities = talk.ask(b"c CAPABILITY")[0]  # nothing is said unasked
        assert capabilities.startswith(b"* CAPABILITY ")
        assert b"STARTTLS" not in capabilities
        assert talk.ask(b"d STARTTLS") == [b"d BAD TLS has begun already"]
        log_in(talk)
        assert talk.ask(b"e STARTTLS")[-1].startswith(b"e BAD ")


def test_there_is_no_starttls_where_none_is_wanted_and_within_tls(service: Service) -> None:
    with Talk(service.none) as talk:
        assert b"STARTTLS" not in talk.hear()
        assert talk.ask(b"a STARTTLS") == [b"a BAD there is no TLS here"]
    with Talk(service.implicit) as talk:
        talk.encrypt(service.authority.context())
        assert b"STARTTLS" not in talk.hear()
        assert talk.ask(b"a STARTTLS") == [b"a BAD TLS has begun already"]
        log_in(talk)


def test_a_client_of_another_machine_needs_tls_for_its_password(service: Service) -> None:
    with Talk(service.proxied) as talk:
        talk.say(OUTSIDE)
        assert b" STARTTLS LOGINDISABLED]" in talk.hear()
        assert talk.ask(b"a LOGIN ada secret")[-1].startswith(b"a NO [PRIVACYREQUIRED] ")
        talk.ask(b"b STARTTLS")
        talk.encrypt(service.authority.context())
        assert b"LOGINDISABLED" not in talk.ask(b"c CAPABILITY")[0]
        log_in(talk)


@pytest.mark.parametrize(
    "injected",
    [
        b"x NOOP\r\n",
        b"x LOGIN ada secret\r\n",
        b"x AUTHENTICATE PLAIN\r\nAGFkYQBzZWNyZXQ=\r\n",
        b"x LOGIN ada {6}\r\n",
        b"x LOGIN {100000+}\r\n",
        b"x NO",
        b"x STARTTLS\r\n",
        b"*",
    ],
)
def test_what_was_injected_behind_starttls_is_never_carried_out(
    service: Service, injected: bytes
) -> None:
    """What comes in one piece with the command is dropped, and TLS begins all the same."""
    with Talk(service.starttls) as talk:
        talk.hear()
        talk.say(b"a STARTTLS\r\n" + injected)
        assert talk.hear() == b"a OK begin TLS now"
        talk.encrypt(service.authority.context())
        assert talk.ask(b"b NOOP") == [b"b OK done"]
        assert talk.ask(b"c LIST x y")[-1].startswith(b"c BAD ")
        log_in(talk)


def test_what_is_injected_after_the_answer_ends_the_connection(service: Service) -> None:
    with Talk(service.starttls) as talk:
        talk.hear()
        talk.say(b"a STARTTLS\r\n")
        talk.hear()
        talk.say(b"x LOGIN ada secret\r\n")
        assert talk.socket.recv(1) in (b"\x15", b"")  # an alert, or nothing at all
        port = talk.socket.getsockname()[1]
    service.log.wait_for(rf":{port}: no TLS: the client does not speak TLS")


def test_what_was_said_before_tls_is_forgotten(service: Service) -> None:
    with Talk(service.starttls) as talk:
        talk.hear()
        for _ in range(2):
            assert talk.ask(b"a BOGUS")[-1].startswith(b"a BAD ")
        talk.ask(b"b STARTTLS")
        talk.encrypt(service.authority.context())
        for _ in range(2):
            assert talk.ask(b"a BOGUS")[-1].startswith(b"a BAD ")
        log_in(talk)


# Who doesn't speak what is expected


def test_plain_text_on_a_port_for_tls_ends_with_one_line_in_the_log(service: Service) -> None:
    with Talk(service.implicit) as talk:
        talk.say(b"a LOGIN ada secret\r\n")
        talk.socket.recv(100)
        port = talk.socket.getsockname()[1]
    line = service.log.wait_for(rf"127\.0\.0\.1:{port}: ")
    assert line == f"INFO 127.0.0.1:{port}: no TLS: the client does not speak TLS\n"


@pytest.mark.parametrize("kind", ["starttls", "none"])
def test_tls_on_a_port_for_plain_text_ends_with_one_line_in_the_log(
    service: Service, kind: str
) -> None:
    with Talk(getattr(service, kind)) as talk:
        talk.hear()
        talk.say(HELLO_OF_TLS)
        assert talk.has_ended()
        port = talk.socket.getsockname()[1]
    line = service.log.wait_for(rf"127\.0\.0\.1:{port}: ")
    assert line == f"INFO 127.0.0.1:{port}: the client begins TLS where plain text comes first\n"


# OpenSSL, as others see us


def openssl(*arguments: str, stdin: str = "") -> str:
    program = shutil.which("openssl")
    assert program is not None
    done = subprocess.run(
        [program, "s_client", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    ("version", "spoken"),
    [("tls1", False), ("tls1_1", False), ("tls1_2", True), ("tls1_3", True)],
)
def test_old_versions_are_refused(service: Service, version: str, spoken: bool) -> None:
    at = ("-connect", f"127.0.0.1:{service.implicit}", f"-{version}")
    said = openssl(*at, "-cipher", "ALL:@SECLEVEL=0")
    assert ("BEGIN CERTIFICATE" in said) == spoken
    if not spoken:
        assert "alert protocol version" in said


@pytest.mark.parametrize("cipher", ["AES128-SHA", "AES256-GCM-SHA384", "ECDHE-RSA-AES128-SHA"])
def test_weak_ciphers_are_refused(service: Service, cipher: str) -> None:
    at = ("-connect", f"127.0.0.1:{service.implicit}", "-tls1_2")
    assert "alert handshake failure" in openssl(*at, "-cipher", f"{cipher}:@SECLEVEL=0")


def test_nothing_is_compressed_and_nothing_renegotiated(service: Service) -> None:
    program = shutil.which("openssl")
    assert program is not None
    with subprocess.Popen(
        [program, "s_client", "-connect", f"127.0.0.1:{service.implicit}", "-tls1_2", "-comp"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as client:
        assert client.stdout is not None
        before: list[str] = []
        while not before or not before[-1].startswith("* OK "):
            before.append(client.stdout.readline())
        after, _ = client.communicate("R\n", timeout=PATIENCE)
    assert "Compression: NONE\n" in before
    assert "no renegotiation" in after


def test_openssl_gets_the_certificate_of_the_name_and_imap_by_alpn(service: Service) -> None:
    at = ("-connect", f"127.0.0.1:{service.implicit}", "-CAfile", str(service.authority.file))
    for name in (NAME, "example.net"):
        said = openssl(*at, "-servername", name, "-verify_hostname", name, "-alpn", "imap")
        assert "Verification: OK" in said
        assert "ALPN protocol: imap" in said


@pytest.mark.parametrize("kind", ["implicit", "starttls"])
def test_a_client_that_wants_to_speak_something_else_is_refused(
    service: Service, kind: str
) -> None:
    how = ("-starttls", "imap") if kind == "starttls" else ()
    at = ("-connect", f"127.0.0.1:{getattr(service, kind)}", *how)
    said = openssl(*at, "-servername", NAME, "-alpn", "h2,http/1.1")
    assert "no application protocol" in said
    assert "BEGIN CERTIFICATE" not in said
    service.log.wait_for("INFO .*: no TLS: the client wants to speak 'h2, http/1.1', and not imap")


def test_openssl_finds_starttls(service: Service) -> None:
    at = ("-connect", f"127.0.0.1:{service.starttls}", "-CAfile", str(service.authority.file))
    said = openssl(*at, "-starttls", "imap", "-servername", NAME, "-verify_hostname", NAME)
    assert "Verification: OK" in said


# Load


def test_one_who_is_slow_to_begin_tls_holds_nobody_up(service: Service) -> None:
    with Talk(service.implicit) as slow, Talk(service.starttls) as other:
        slow.say(HELLO_OF_TLS)
        other.hear()
        log_in(other)


def test_one_who_never_begins_tls_has_the_time_for_a_login(tmp_path: Path) -> None:
    with tls_service(tmp_path, login=5) as service:
        silent = [Talk(port) for port in (service.implicit, service.starttls, service.proxied)]
        silent[1].hear()
        silent[1].ask(b"a STARTTLS")
        for talk in silent:
            with talk:
                assert talk.has_ended()
        for what in ("TLS did not begin", "no header of the PROXY protocol came"):
            service.log.wait_for(f"DEBUG .*: connection lost: {what} in time")


def test_two_hundred_handshakes(service: Service) -> None:
    context = service.authority.context()
    failures = []

    def connect() -> None:
        for _ in range(20):
            with Talk(service.implicit) as talk:
                talk.encrypt(context)
                if not talk.hear().startswith(b"* OK "):
                    failures.append(talk)

    threads = [threading.Thread(target=connect) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_a_large_message_is_the_same_through_tls(service: Service) -> None:
    lines = b"".join(b"%06d %s\r\n" % (number, b"x" * 70) for number in range(100_000))
    for port in (service.starttls, service.implicit):
        message = b"Subject: %d\r\n\r\n" % port + lines
        with Talk(port) as talk:
            if port == service.implicit:
                talk.encrypt(service.authority.context())
            talk.hear()
            talk.ask(b"a LOGIN ada secret")
            talk.ask(b"b CREATE large")
            talk.say(b"c APPEND large {%d+}\r\n%s\r\n" % (len(message), message))
            assert talk.hear().startswith(b"c OK ")
            talk.ask(b"d SELECT large")
            heard = b"\r\n".join(talk.ask(b"e FETCH * BODY.PEEK[]"))
            assert heard.partition(b"}\r\n")[2].startswith(message)


# Proxies


@pytest.mark.parametrize(
    "header",
    [
        OUTSIDE,
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x01\xc0\0\x02\x02\x13\x88\x03\xe1",
    ],
)
def test_a_proxy_says_who_the_client_is_before_tls(service: Service, header: bytes) -> None:
    with Talk(service.proxied_implicit) as talk:
        talk.say(header)
        talk.encrypt(service.authority.context())
        talk.hear()
        log_in(talk)
    assert "192.0.2.1:5000" in service.log.wait_for(r"ada logged in from 192\.0\.2\.1:5000")


def test_a_header_in_pieces_is_put_together(service: Service) -> None:
    with Talk(service.proxied) as talk:
        talk.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(len(OUTSIDE)):
            talk.say(OUTSIDE[at : at + 1])
        assert b"LOGINDISABLED" in talk.hear()


@pytest.mark.parametrize(
    ("header", "private"),
    [
        (b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n", True),
        (b"PROXY TCP6 ::1 ::1 1 2\r\n", True),
        (b"PROXY UNKNOWN\r\n", False),
        (b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", False),
    ],
)
def test_only_a_client_that_is_named_has_the_privilege_of_its_place(
    service: Service, header: bytes, private: bool
) -> None:
    with Talk(service.proxied) as talk:
        talk.say(header)
        assert (b"LOGINDISABLED" not in talk.hear()) == private


@pytest.mark.parametrize("said", [b"a LOGIN ada secret\r\n", b"PROXY TCP4 x y 1 2 3 4 5 6\r\n"])
def test_a_proxy_that_sends_no_header_is_refused(service: Service, said: bytes) -> None:
    with Talk(service.proxied) as talk:
        talk.say(said)
        assert talk.has_ended()
        port = talk.socket.getsockname()[1]
    assert "PROXY protocol" in service.log.wait_for(rf"WARNING 127\.0\.0\.1:{port}: ")


# Reloading


def served_name(service: Service) -> str:
    """The first name in the certificate that a client gets."""
    context = service.authority.context()
    context.check_hostname = False
    with Talk(service.implicit) as talk:
        talk.encrypt(context, "nobody.example")
        assert isinstance(talk.socket, ssl.SSLSocket)
        found = talk.socket.getpeercert()
    assert found is not None
    return str(found["subjectAltName"][0][1])


def test_sighup_has_certificates_and_settings_read_again(tmp_path: Path) -> None:
    with tls_service(tmp_path) as service:
        assert served_name(service) == NAME
        with Talk(service.starttls) as talk:
            talk.hear()
            log_in(talk)
            service.authority.issue("new.example.org", to="first")
            text = service.configuration.read_text()
            (tmp_path / "mail" / "bob").mkdir()
            more = '[[accounts]]\nname = "bob"\npassword = "of bob"\n'
            limits = "[limits]\nconnections_per_user = 1\n"
            service.configuration.write_text(text.replace("[mail]", limits + "[mail]") + more)
            service.server.process.send_signal(signal.SIGHUP)
            service.log.wait_for("INFO SIGHUP: the settings were read again")
            assert served_name(service) == "new.example.org"
            assert talk.ask(b"x NOOP")[-1].startswith(b"x OK ")
            with Talk(service.starttls) as bob:
                bob.hear()
                assert bob.ask(b'a LOGIN bob "of bob"')[-1].startswith(b"a OK ")
            with Talk(service.starttls) as second:
                second.hear()
                assert second.ask(b"a LOGIN ada secret")[0].startswith(b"a NO [LIMIT] ")


def test_an_account_that_is_gone_is_closed_and_can_t_be_logged_in_to(tmp_path: Path) -> None:
    with tls_service(tmp_path) as service:
        with Talk(service.starttls) as talk:
            talk.hear()
            log_in(talk)
            text = service.configuration.read_text()
            service.configuration.write_text(text.replace('"ada"', '"eve"'))
            service.server.process.send_signal(signal.SIGHUP)
            assert talk.hear().startswith(b"* BYE ")
        with Talk(service.starttls) as talk:
            talk.hear()
            assert talk.ask(b"a LOGIN ada secret")[-1].startswith(b"a NO [AUTHENTICATIONFAILED]")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("[timeouts]", "[timeout]"), "timeout is no setting; did you mean timeouts"),
        (("first.key", "none.key"), r"none\.key: No such file or directory"),
    ],
)
def test_a_file_that_can_t_be_used_changes_nothing(
    tmp_path: Path, change: tuple[str, str], complaint: str
) -> None:
    with tls_service(tmp_path) as service:
        text = service.configuration.read_text()
        service.configuration.write_text(text.replace(*change).replace('"secret"', '"other"'))
        service.server.process.send_signal(signal.SIGHUP)
        service.log.wait_for(f"ERROR SIGHUP: the settings from before stay in force: .*{complaint}")
        with Talk(service.implicit) as talk:
            talk.encrypt(service.authority.context())
            talk.hear()
            log_in(talk)


def test_a_pair_that_does_not_match_keeps_nobody_in(tmp_path: Path) -> None:
    """It was named before: somebody is replacing it, and the settings are right."""
    with tls_service(tmp_path) as service:
        service.authority.issue("new.example.org", to="new")
        (tmp_path / "new.key").replace(tmp_path / "first.key")
        text = service.configuration.read_text()
        service.configuration.write_text(text.replace('"ada"', '"eve"'))
        with Talk(service.implicit) as talk:
            talk.encrypt(service.authority.context())
            talk.hear()
            log_in(talk)
            service.server.process.send_signal(signal.SIGHUP)
            service.log.wait_for("ERROR the certificates from before stay in use: .*first.key: ")
            assert talk.hear().startswith(b"* BYE ")
        assert served_name(service) == NAME


def folder_of(service: Service, user: bytes) -> bytes:
    """The one that a user has beside INBOX, as soon as logging in works."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with Talk(service.none) as talk:
            talk.hear()
            if talk.ask(b"a LOGIN %s secret" % user)[-1].startswith(b"a OK "):
                (listed, _) = talk.ask(b'b LIST "" "Of *"')
                return listed.split(b'"')[-2]
    raise AssertionError("nobody could log in")


def test_two_users_can_exchange_their_mail(tmp_path: Path) -> None:
    with tls_service(tmp_path) as service:
        text = service.configuration.read_text()
        accounts = (
            '[[accounts]]\nname = "bob"\npassword = "secret"\nlocation = "{bob}"\n'
            '[[accounts]]\nname = "eve"\npassword = "secret"\nlocation = "{eve}"\n'
        )
        for name in ("one", "two"):
            for subdir in ("cur", "new", "tmp"):
                (tmp_path / "mail" / name / subdir).mkdir(parents=True)
            (tmp_path / "mail" / name / f".Of {name}").mkdir()
            for subdir in ("cur", "new", "tmp"):
                (tmp_path / "mail" / name / f".Of {name}" / subdir).mkdir()
        places = [str(tmp_path / "mail" / name) for name in ("one", "two")]
        for times, (bob, eve) in enumerate((places, places[::-1], places), 1):
            service.configuration.write_text(text + accounts.format(bob=bob, eve=eve))
            service.server.process.send_signal(signal.SIGHUP)
            service.log.wait_for("INFO SIGHUP: the settings were read again", times)
            assert folder_of(service, b"bob") == b"Of " + os.path.basename(bob).encode()
            assert folder_of(service, b"eve") == b"Of " + os.path.basename(eve).encode()


def test_what_takes_a_restart_is_said(tmp_path: Path) -> None:
    with tls_service(tmp_path) as service:
        text = service.configuration.read_text()
        text = f'state_directory = "{tmp_path}/elsewhere"\n' + text
        service.configuration.write_text(text.replace('tls = "none"', 'tls = "starttls"'))
        service.server.process.send_signal(signal.SIGHUP)
        service.log.wait_for(
            "WARNING SIGHUP: listeners: what is new there takes effect with a restart"
        )
        service.log.wait_for("WARNING SIGHUP: state_directory: what is new there takes effect with")
        service.log.wait_for("INFO SIGHUP: the settings were read again")
        with Talk(service.none) as talk:
            assert b"STARTTLS" not in talk.hear()
            log_in(talk)
    assert not (tmp_path / "elsewhere").exists()
