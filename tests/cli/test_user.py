"""`maildird user`: users come, get other passwords, are shown and go."""

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from maildird.cli.main import main
from maildird.server.passwd_file import Entry, read_entries

MANUAL = Path(__file__).parents[2] / "man" / "maildird-user.1"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "users"


def maildird(*arguments: str | Path, password: str = "") -> "subprocess.CompletedProcess[str]":
    """Run `maildird user` with this on standard input."""
    return subprocess.run(
        [sys.executable, "-m", "maildird", "user", *map(str, arguments)],
        input=password,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        start_new_session=True,
    )


def entries(file: Path) -> dict[str, Entry]:
    found, problems = read_entries(file.read_bytes())
    assert problems == []
    return {entry.name: entry for entry in found}


def password_is(file: Path, name: str, password: str) -> bool:
    stored = entries(file)[name].password
    return stored is not None and stored.matches(password.encode())


def test_a_user_comes_gets_another_password_and_goes(file: Path) -> None:
    add = ("add", "--file", file, "--stdin")
    done = maildird(*add, "ada@example.org", password="pässword\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert file.read_text().startswith("ada@example.org:{ARGON2ID}$argon2id$")
    assert password_is(file, "ada@example.org", "pässword")
    maildird(*add, "--scheme", "BLF-CRYPT", "bob", password="secret")
    assert file.read_text().splitlines()[1].startswith("bob:{BLF-CRYPT}$2y$")

    done = maildird("passwd", "--file", file, "--stdin", "bob", password="other\n")
    assert done.returncode == 0
    assert password_is(file, "bob", "other")

    done = maildird("remove", "--file", file, "bob")
    assert done.returncode == 0
    assert list(entries(file)) == ["ada@example.org"]


LINES = "ada:{PLAIN}a:1000:1000::/home/ada::userdb_mail=maildir:~/Maildir\nbob:!\n"


def test_a_table_shows_all_users(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(LINES)
    assert main(["user", "list", "--file", str(file)]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert rows == [
        ["user", "password", "uid", "home", "mail"],
        ["ada", "PLAIN", "1000", "/home/ada", "{home}/Maildir"],
        ["bob", "none"],
    ]


def test_json_shows_all_users_and_no_password(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(LINES)
    assert main(["user", "list", "--json", "--file", str(file)]) == 0
    ada, bob = map(json.loads, capsys.readouterr().out.splitlines())
    assert ada == {
        "name": "ada",
        "scheme": "PLAIN",
        "uid": 1000,
        "gid": 1000,
        "home": "/home/ada",
        "location": "{home}/Maildir",
    }
    assert (bob["name"], bob["scheme"], bob["uid"]) == ("bob", None, None)


def test_lines_that_can_t_be_used_are_told_beside_the_others(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text("ada:!\nbob:{XYZ}x\n")
    assert main(["user", "list", "--file", str(file)]) == 1
    shown = capsys.readouterr()
    assert shown.out.splitlines()[1].split() == ["ada", "none"]
    assert shown.err.startswith(f"maildird: {file}: line 2: bob: the scheme {{XYZ}} is not known")


def test_the_configuration_names_the_file(file: Path, tmp_path: Path) -> None:
    configuration = tmp_path / "maildird.toml"
    configuration.write_text(f"[users]\nfile = '{file}'\n")
    done = maildird("add", "--config", configuration, "--stdin", "ada", password="secret")
    assert (done.returncode, done.stderr) == (0, "")
    assert password_is(file, "ada", "secret")


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["add", "--stdin", "ada"], 1, "ada stands in {file} already"),
        (["passwd", "--stdin", "eve"], 1, "eve does not stand in {file}"),
        (["remove", "eve"], 1, "eve does not stand in {file}"),
        (["add", "--stdin", "a:b"], 2, '"a:b" must be a name of 1 to 80 printable characters'),
        (["add", "--stdin", "../x"], 2, '"../x" must be a name of 1 to 80 printable characters'),
        (["add", "--stdin", "#x"], 2, '"#x" must be a name of 1 to 80 printable characters'),
        (["add", "--stdin", "--scheme", "MD5", "eve"], 2, "invalid choice: 'MD5'"),
        (["add", "--stdin", "eve"], 2, "the password must have 1 to 1024 octets"),
        (["add", "eve"], 2, "there is no terminal to ask for the password on; give it with --std"),
    ],
)
def test_what_can_t_be_done_is_said_and_changes_nothing(
    file: Path, arguments: list[str], status: int, said: str
) -> None:
    file.write_text(LINES)
    done = maildird(*arguments, "--file", file)
    assert done.returncode == status
    assert said.format(file=file) in done.stderr
    assert done.stderr.count("\n") == 1
    assert file.read_text() == LINES


def test_a_configuration_without_a_file_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configuration = tmp_path / "maildird.toml"
    configuration.write_text(
        "[[accounts]]\nname = 'ada'\npassword = 'x'\nlocation = '/home/ada/Maildir'\n"
    )
    assert main(["user", "list", "--config", str(configuration)]) == 2
    assert "users.file is missing; set it to the path of a passwd-file" in capsys.readouterr().err


def test_a_file_that_can_t_be_read_is_told(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["user", "list", "--file", str(file)]) == 1
    assert capsys.readouterr().err == f"maildird: {file}: No such file or directory\n"


def test_what_never_ends_is_no_passwd_file(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(file)
    for command in (["list"], ["remove", "ada"], ["add", "--stdin", "ada"]):
        assert main(["user", *command, "--file", str(file)]) == 1
        assert capsys.readouterr().err == f"maildird: {file}: this is no regular file\n"


def test_who_is_in_the_configuration_is_not_added_to_the_file(file: Path, tmp_path: Path) -> None:
    configuration = tmp_path / "maildird.toml"
    configuration.write_text(
        f"[users]\nfile = '{file}'\n[mail]\nlocation = '/mail/{{user}}'\n"
        "[[accounts]]\nname = 'ada'\npassword = 'x'\n"
    )
    done = maildird("add", "--config", configuration, "--stdin", "Ada", password="secret")
    assert done.returncode == 1
    assert done.stderr == f"maildird: Ada is in [[accounts]] of {configuration} already\n"
    assert not file.exists()


def ask(file: Path, *typed: str) -> tuple[int, str]:
    """Add `ada` on a terminal where this is typed; gives the exit status and what was shown."""
    child, terminal = pty.fork()
    if child == 0:
        command = [sys.executable, "-m", "maildird", "user", "add", "--file", str(file), "ada"]
        os.execv(sys.executable, command)
    shown = b""
    rest = list(typed)
    try:
        while piece := os.read(terminal, 1024):
            shown += piece
            if rest and piece.rstrip(b" ").endswith(b":"):
                os.write(terminal, f"{rest.pop(0)}\n".encode())
    except OSError:
        pass
    finally:
        os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), shown.decode()


def test_the_password_is_asked_for_twice_and_not_shown(file: Path) -> None:
    status, shown = ask(file, "pässword", "pässword")
    assert status == 0
    assert shown.split("\r\n") == ["New password of ada: ", "The same again: ", ""]
    assert password_is(file, "ada", "pässword")


def test_two_passwords_that_differ_change_nothing(file: Path) -> None:
    status, shown = ask(file, "secret", "sekret")
    assert status == 1
    assert "maildird: the two passwords differ; nothing was changed" in shown
    assert not file.exists()


def test_the_manual_has_every_command_and_option(capsys: pytest.CaptureFixture[str]) -> None:
    def help_of(*command: str) -> str:
        with pytest.raises(SystemExit):
            main(["user", *command, "--help"])
        return capsys.readouterr().out

    manual = MANUAL.read_text(encoding="utf-8")
    commands = re.findall(r"^    (\w+) ", help_of(), re.MULTILINE)
    options = {option for each in commands for option in re.findall(r"--[a-z-]+", help_of(each))}
    assert commands == ["add", "passwd", "list", "remove"]
    assert re.findall(r"^\.It Cm (\S+)", manual, re.MULTILINE) == commands
    described = {f"-{option}" for option in re.findall(r"^\.It Fl (\S+)", manual, re.MULTILINE)}
    assert described == options - {"--help"}
