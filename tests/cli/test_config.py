"""`maildird config check` and `maildird config show`."""

import tomllib
from pathlib import Path

import pytest

from maildird.server.configuration import Configuration
from maildird.server.toml_reader import read_toml
from tests.cli.process import maildird
from tests.server.certificates import NAME, Authority

SMALLEST = """
[[accounts]]
name = "ada"
password = "secret"
location = "/home/ada/Maildir"
"""

FULL = (
    r"""
state_directory = "/var/lib/maildird"
[[listeners]]
address = "[::1]:143"
[[listeners]]
address = "127.0.0.1:993"
tls = "implicit"
proxy_from = ["192.0.2.0/24", "::1"]
[[certificates]]
certificate = "{certificate}"
key = "{key}"
[special_use]
sent = ["Sent", "Gesendet \"ä\" \\"]
[limits]
connections = 77
[[accounts]]
name = "bob"
password = "secret"
location = "/home/bob/Maildir"
"""
    + SMALLEST
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "maildird.toml"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


def full(directory: Path) -> str:
    issued = Authority(directory).issue(NAME)
    return FULL.format(certificate=issued.certificate, key=issued.key)


def test_a_file_that_is_right_is_said_to_be(file: Path, state: Path, tmp_path: Path) -> None:
    for text in (SMALLEST, full(tmp_path)):
        file.write_text(text)
        done = maildird("config", "check", "--config", file, state=state)
        assert (done.returncode, done.stdout, done.stderr) == (0, f"{file} is right\n", "")
    assert not state.exists()


@pytest.mark.parametrize("action", ["check", "show"])
@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[limit]\n" + SMALLEST, "limit is no setting; did you mean limits?"),
        ("", "accounts is missing, so nobody could log in"),
        ("x", "this is not TOML: "),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    file: Path, state: Path, action: str, text: str, complaint: str
) -> None:
    file.write_text(text)
    done = maildird("config", action, "--config", file, state=state)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"maildird: {file}: {complaint}")
    assert done.stderr.count("\n") == 1


def test_check_looks_into_the_files_that_are_named(file: Path, state: Path, tmp_path: Path) -> None:
    file.write_text(full(tmp_path))
    (tmp_path / f"{NAME}.key").unlink()
    done = maildird("config", "check", "--config", file, state=state)
    assert done.returncode == 2
    assert done.stderr == (
        f"maildird: {file}: certificates#1: {tmp_path}/{NAME}.key: No such file or directory;"
        " name a file that can be read\n"
    )
    file.write_text(f'[users]\nfile = "{tmp_path}/passwd"\n[mail]\nlocation = "/mail/{{user}}"\n')
    done = maildird("config", "check", "--config", file, state=state)
    assert done.returncode == 2
    assert f"{file}: users.file: {tmp_path}/passwd: No such file or directory" in done.stderr


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        ("[tls]\nclient_ca = '/nowhere/ca.pem'", "tls.client_ca: /nowhere/ca.pem: No such file"),
        ("[sasl]\nsocket = '/nowhere/auth'", "sasl.socket: there is no directory /nowhere; make"),
        (
            "[sasl]\nsocket = '/tmp/auth'\ngroup = 'nobody-has-it'",
            "sasl.group: there is no group nobody-has-it; name one of this machine",
        ),
        (
            "[users]\npam = 'nobody-has-it'\n[mail]\nlocation = '{home}/Maildir'",
            "users.pam: there is no PAM service nobody-has-it; write /etc/pam.d/nobody-has-it",
        ),
    ],
)
def test_check_looks_for_what_is_named(
    file: Path, state: Path, tmp_path: Path, more: str, complaint: str
) -> None:
    file.write_text(full(tmp_path) + more)
    done = maildird("config", "check", "--config", file, state=state)
    assert done.returncode == 2
    assert done.stderr.startswith(f"maildird: {file}: {complaint}")


def test_check_names_the_lines_of_the_passwd_file_that_can_t_be_used(
    file: Path, state: Path, tmp_path: Path
) -> None:
    users = tmp_path / "users"
    users.write_text("ada:{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$a$a\nbob:!\nBob:!\n")
    file.write_text(f'[users]\nfile = "{users}"\n[mail]\nlocation = "/mail/{{user}}"\n')
    done = maildird("config", "check", "--config", file, state=state)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"{users}: line 1: ada: what follows {{ARGON2ID}} is no hash of this scheme\n"
        f"{users}: line 3: bob stands in line 2 already; case makes no difference\n"
        f"maildird: {file}: users.file has 2 lines that can't be used\n"
    )


def test_show_gives_every_setting_and_no_secret(file: Path, state: Path, tmp_path: Path) -> None:
    file.write_text(full(tmp_path))
    done = maildird("config", "show", "--config", file, state=state)
    assert (done.returncode, done.stderr) == (0, "")
    assert "secret" not in done.stdout
    shown = tmp_path / "shown.toml"
    shown.write_text(done.stdout.replace("(not shown)", "secret"))
    assert read_toml(shown, Configuration) == read_toml(file, Configuration)


def test_show_gives_the_defaults_of_the_environment(file: Path, state: Path) -> None:
    file.write_text(SMALLEST)
    shown = maildird("config", "show", "--config", file, state=state).stdout
    assert tomllib.loads(shown)["state_directory"] == f"{state}/maildird"
    assert "\n# separator is not set\n" in shown


def test_a_configuration_that_is_not_there_is_named(state: Path) -> None:
    done = maildird("config", "check", "--config", "/nowhere/maildird.toml", state=state)
    assert done.returncode == 2
    assert done.stderr.startswith("maildird: /nowhere/maildird.toml: No such file or directory")
