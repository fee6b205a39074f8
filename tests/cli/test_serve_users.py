"""A server whose users are in a passwd-file that changes while it runs."""

import imaplib
import signal
from pathlib import Path

import pytest

from tests.cli.process import Server, maildird, serving


def make_maildir(path: Path) -> None:
    for subdir in ("cur", "new", "tmp"):
        (path / subdir).mkdir(parents=True)


def add(file: Path, name: str, password: str) -> None:
    """What an administrator does with `maildird user add`."""
    done = maildird(
        "user", "add", "--file", file, "--stdin", name, state=file.parent, typed=password
    )
    assert done.stderr == ""


def let_in(server: Server, name: str, password: str) -> bool:
    """Whether that password lets one in."""
    with imaplib.IMAP4(server.host, server.port, timeout=30) as client:
        try:
            return client.login(name, password)[0] == "OK"
        except client.error:
            return False


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    file = tmp_path / "maildird.toml"
    file.write_text(
        f"state_directory = '{tmp_path}/state'\n"
        "[[listeners]]\naddress = '127.0.0.1:0'\n"
        f"[users]\nfile = '{tmp_path}/users'\n"
        f"[mail]\nlocation = '{tmp_path}/mail/{{user}}'\n"
    )
    return file


def test_users_come_and_go_while_the_server_runs(configuration: Path, tmp_path: Path) -> None:
    users = tmp_path / "users"
    for name in ("ada", "bob"):
        make_maildir(tmp_path / "mail" / name)
    add(users, "ada", "secret")
    with serving("--config", configuration, state=tmp_path) as server:
        assert let_in(server, "ada", "secret")
        assert not let_in(server, "bob", "secret")
        add(users, "bob", "secret")
        assert let_in(server, "bob", "secret")
        done = maildird("user", "remove", "--file", users, "ada", state=tmp_path)
        assert done.returncode == 0
        assert not let_in(server, "ada", "secret")
        assert server.end() == 0


def test_the_sessions_of_a_user_who_is_gone_end_when_the_settings_are_read_again(
    configuration: Path, tmp_path: Path
) -> None:
    """Also when others have logged in since, so that the file was read already."""
    users = tmp_path / "users"
    for name in ("ada", "bob"):
        make_maildir(tmp_path / "mail" / name)
        add(users, name, "secret")
    with serving("--config", configuration, state=tmp_path) as server:
        ada, bob = (imaplib.IMAP4(server.host, server.port, timeout=30) for _ in range(2))
        ada.login("ada", "secret")
        maildird("user", "remove", "--file", users, "ada", state=tmp_path)
        bob.login("bob", "secret")
        assert ada.noop()[0] == "OK"
        server.process.send_signal(signal.SIGHUP)
        assert ada.readline().startswith(b"* BYE ")
        assert bob.noop()[0] == "OK"
        bob.logout()
        ada.shutdown()
        assert server.end() == 0


def test_so_they_do_when_the_file_was_written_in_place_just_before(
    configuration: Path, tmp_path: Path
) -> None:
    users = tmp_path / "users"
    for name in ("ada", "bob"):
        make_maildir(tmp_path / "mail" / name)
        add(users, name, "secret")
    with serving("--config", configuration, state=tmp_path) as server:
        ada, bob = (imaplib.IMAP4(server.host, server.port, timeout=30) for _ in range(2))
        ada.login("ada", "secret")
        bob.login("bob", "secret")
        lines = users.read_text().splitlines(keepends=True)
        users.write_text("".join(line for line in lines if not line.startswith("ada:")))
        server.process.send_signal(signal.SIGHUP)
        assert ada.readline().startswith(b"* BYE ")
        assert bob.noop()[0] == "OK"
        bob.logout()
        ada.shutdown()
        assert server.end() == 0


def test_the_account_of_a_user_of_the_file_is_open_from_the_start(
    configuration: Path, tmp_path: Path
) -> None:
    make_maildir(tmp_path / "mail" / "ada")
    add(tmp_path / "users", "ada", "secret")
    with serving("--config", configuration, state=tmp_path):
        status = maildird("status", "--config", configuration, "--json", state=tmp_path)
    assert status.returncode == 0
    assert '"name": "ada"' in status.stdout
