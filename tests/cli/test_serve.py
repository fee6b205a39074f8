"""`maildird serve` and `maildird check` as processes, as people and service managers run them."""

import imaplib
import re
import signal
import socket
from pathlib import Path

import pytest

from tests.cli.process import PASSWORD, maildird, serving

ANY_PORT = ("--listen", "127.0.0.1:0")


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    for subdir in ("cur", "new", "tmp"):
        (tmp_path / "Maildir" / subdir).mkdir(parents=True)
    (tmp_path / "Maildir" / "new" / "1700000000.M1P1.host").write_bytes(b"Subject: one\n\nOne.\n")
    return tmp_path / "Maildir"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


def test_a_maildir_is_served_until_sigterm(maildir: Path, state: Path) -> None:
    with serving(maildir, *ANY_PORT, "--user", "ada", state=state) as server:
        assert server.lines == [f"maildird ready on imap://127.0.0.1:{server.port}"]
        with imaplib.IMAP4(server.host, server.port, timeout=10) as client:
            client.login("ada", PASSWORD)
            assert client.select() == ("OK", [b"1"])
        assert server.end() == 0
        assert server.process.stderr is not None
        log = server.process.stderr.read().splitlines()
    assert re.fullmatch(r"INFO ada logged in from 127\.0\.0\.1:\d+ with LOGIN, without TLS", log[0])
    assert log[-1] == "INFO SIGTERM: ending"
    check = maildird("check", maildir, state=state)
    assert (check.returncode, check.stdout, check.stderr) == (
        0,
        "the index agrees with the Maildir\n",
        "",
    )


def test_what_was_made_up_is_shown(maildir: Path, state: Path) -> None:
    with serving(maildir, *ANY_PORT, state=state, password=None) as server:
        user, password = server.lines[0], server.lines[1]
        assert user.startswith("user: ")
        assert re.fullmatch(r"password: ([a-z2-9]{4}-){3}[a-z2-9]{4}", password)
        with imaplib.IMAP4(server.host, server.port, timeout=10) as client:
            status, _ = client.login(user.split(": ")[1], password.split(": ")[1])
        assert status == "OK"


def test_several_addresses_are_listened_on(maildir: Path, state: Path) -> None:
    listen = ("--listen", "127.0.0.1:0", "--listen", "[::1]:0")
    with serving(maildir, *listen, "--user", "ada", state=state) as server:
        urls = re.findall(r"imap://(\S+):(\d+)", server.lines[-1])
        assert [host for host, _ in urls] == ["127.0.0.1", "[::1]"]
        for host, port in urls:
            with imaplib.IMAP4(host.strip("[]"), int(port), timeout=10) as client:
                assert client.noop()[0] == "OK"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_every_client_hears_bye_at_the_end(maildir: Path, state: Path, number: int) -> None:
    with serving(maildir, *ANY_PORT, "--user", "ada", state=state) as server:
        clients = [socket.create_connection((server.host, server.port), 10) for _ in range(3)]
        files = [client.makefile("rb") for client in clients]
        for file in files:
            assert file.readline().startswith(b"* OK ")
        for client, file in zip(clients[1:], files[1:], strict=True):
            client.sendall(f'a LOGIN ada "{PASSWORD}"\r\n'.encode())
            assert file.readline().startswith(b"a OK ")
        clients[2].sendall(b"b SELECT INBOX\r\nc IDLE\r\n")
        while not files[2].readline().startswith(b"+ "):
            pass
        assert server.end(number, within=2) == 0
        for client, file in zip(clients, files, strict=True):
            assert file.read().endswith(b"* BYE the server is shutting down\r\n")
            file.close()
            client.close()


def test_sighup_changes_nothing_where_there_is_no_configuration_file(
    maildir: Path, state: Path
) -> None:
    with serving(maildir, *ANY_PORT, "--user", "ada", state=state) as server:
        server.process.send_signal(signal.SIGHUP)
        assert server.process.stderr is not None
        said = "INFO SIGHUP: there is no configuration file that could be read again\n"
        assert server.process.stderr.readline() == said
        with imaplib.IMAP4(server.host, server.port, timeout=10) as client:
            assert client.login("ada", PASSWORD)[0] == "OK"
        assert server.end() == 0


def test_a_client_that_reads_nothing_does_not_delay_the_end(maildir: Path, state: Path) -> None:
    (maildir / "new" / "1700000001.M1P1.host").write_bytes(b"Subject: two\n\n" + b"x\n" * 2**22)
    with (
        serving(maildir, *ANY_PORT, "--user", "ada", state=state) as server,
        socket.create_connection((server.host, server.port), 10) as client,
    ):
        client.sendall(f'a LOGIN ada "{PASSWORD}"\r\nb SELECT INBOX\r\n'.encode())
        received = b""
        while b"b OK " not in received:
            received += client.recv(65536)
        client.sendall(b"c FETCH 1:* BODY[]\r\n" * 5)
        assert client.recv(1)
        assert server.end(within=2) == 0


def test_two_servers_never_share_a_state_directory(maildir: Path, state: Path) -> None:
    with serving(maildir, *ANY_PORT, "--user", "ada", state=state) as server:
        second = maildird("serve", maildir, *ANY_PORT, "--user", "ada", state=state)
    assert second.returncode == 1
    assert second.stdout == ""
    assert f"is in use by another maildird, process {server.process.pid};" in second.stderr
    assert second.stderr.count("\n") == 1


def test_the_state_directory_can_be_named(maildir: Path, state: Path, tmp_path: Path) -> None:
    options = ("--state-dir", str(tmp_path / "here"))
    with serving(maildir, *ANY_PORT, *options, "--user", "ada", state=state) as server:
        assert server.end() == 0
    assert not state.exists()
    assert maildird("check", maildir, *options, state=state).returncode == 0


def test_accounts_of_a_configuration_file_are_served(
    maildir: Path, state: Path, tmp_path: Path
) -> None:
    (tmp_path / "mail" / "bob").mkdir(parents=True)
    configuration = tmp_path / "maildird.toml"
    configuration.write_text(f"""
        log_level = "warning"
        [[listeners]]
        address = "127.0.0.1:0"
        [mail]
        location = "{tmp_path}/mail/{{user}}"
        [[accounts]]
        name = "ada"
        password = "of ada"
        location = "{maildir}"
        [[accounts]]
        name = "bob"
        password = "of bob"
    """)
    with serving("--config", configuration, state=state) as server:
        for name, count in (("ada", b"1"), ("bob", b"0")):
            with imaplib.IMAP4(server.host, server.port, timeout=10) as client:
                client.login(name, f"of {name}")
                assert client.select() == ("OK", [count])
        assert server.end() == 0
        assert server.process.stderr is not None
        assert server.process.stderr.read() == ""
    check = maildird("check", "--config", configuration, state=state)
    assert (check.returncode, check.stdout) == (0, "the index agrees with the Maildir\n")


def test_check_says_what_differs(maildir: Path, state: Path) -> None:
    with serving(maildir, *ANY_PORT, "--user", "ada", state=state) as server:
        with imaplib.IMAP4(server.host, server.port, timeout=10) as client:
            client.login("ada", PASSWORD)
            client.select()
        assert server.end() == 0
    (message,) = (maildir / "cur").iterdir()
    message.unlink()
    check = maildird("check", maildir, state=state)
    assert check.returncode == 1
    assert check.stdout == "INBOX: UID 1 has no file\n1 difference found\n"
