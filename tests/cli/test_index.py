"""`maildird index` as a process: what it says, and that it begins where it was stopped."""

import imaplib
import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.process import PASSWORD, maildird, serving
from tests.corpus.tree import make_tree


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "maildird", *map(str, arguments)]


def write_configuration(tmp_path: Path, *names: str) -> Path:
    """A configuration with these accounts, each with a Maildir of that name."""
    lines = [f'[mail]\nlocation = "{tmp_path}/{{user}}"\n']
    lines += [f'[[accounts]]\nname = "{name}"\npassword = "of {name}"\n' for name in names]
    file = tmp_path / "maildird.toml"
    file.write_text("".join(lines))
    return file


def last_line(finished: "subprocess.CompletedProcess[str]") -> str:
    """The summary without its seconds."""
    return re.sub(r", \d+\.\d s$", "", finished.stdout.splitlines()[-1])


def test_all_is_indexed_and_the_next_run_finds_nothing_new(tmp_path: Path, state: Path) -> None:
    make_tree(tmp_path / "Maildir", 100, folders=2)
    first = maildird("index", tmp_path / "Maildir", state=state)
    assert first.returncode == 0, first.stderr
    said = first.stdout.replace(str(tmp_path), "")
    assert re.fullmatch(
        r"(/Maildir: \d+ of \d+ messages are ready\n)*"
        r"/Maildir: 3 folders, 120 messages, 120 of them new, \d+\.\d s\n",
        said,
    )
    again = maildird("index", tmp_path / "Maildir", state=state)
    assert last_line(again).endswith(": 3 folders, 120 messages, 0 of them new")
    assert maildird("check", tmp_path / "Maildir", state=state).returncode == 0


def test_accounts_of_a_configuration_file_are_indexed(tmp_path: Path, state: Path) -> None:
    for name, count in (("ada", 1), ("bob", 20)):
        make_tree(tmp_path / name, count, folders=0)
    configuration = write_configuration(tmp_path, "ada", "bob")
    indexed = maildird("index", "--config", configuration, state=state)
    assert indexed.returncode == 0, indexed.stderr
    assert re.search(r"^ada: 1 folder, 1 message, 1 of them new, ", indexed.stdout, re.MULTILINE)
    assert last_line(indexed) == "bob: 1 folder, 20 messages, 20 of them new"


def test_an_account_without_a_maildir_takes_no_other_with_it(tmp_path: Path, state: Path) -> None:
    make_tree(tmp_path / "cy", 20, folders=0)
    (tmp_path / "ada").symlink_to(tmp_path / "unmounted")
    configuration = write_configuration(tmp_path, "ada", "new", "cy")
    indexed = maildird("index", "--config", configuration, state=state)
    assert indexed.returncode == 1
    assert indexed.stderr.startswith(f"ada: there is no directory {tmp_path}/ada;")
    assert re.search(r"^new: 1 folder, 0 messages, 0 of them new, ", indexed.stdout, re.MULTILINE)
    assert last_line(indexed) == "cy: 1 folder, 20 messages, 20 of them new"


def test_users_who_never_logged_in_are_not_checked(tmp_path: Path, state: Path) -> None:
    make_tree(tmp_path / "ada", 1, folders=0)
    unserved = maildird("check", "--config", write_configuration(tmp_path, "ada"), state=state)
    assert unserved.returncode == 2
    assert "there is no index in " in unserved.stderr
    assert maildird("index", "--config", tmp_path / "maildird.toml", state=state).returncode == 0
    both = write_configuration(tmp_path, "ada", "new")
    checked = maildird("check", "--config", both, state=state)
    assert checked.returncode == 0, checked.stderr
    (tmp_path / "ada/cur/1700000001.M1P1.host:2,").write_bytes(b"Subject: x\n\n")
    assert maildird("check", "--config", both, state=state).returncode == 1


def test_ctrl_c_stops_it_and_the_next_run_goes_on(tmp_path: Path, state: Path) -> None:
    make_tree(tmp_path / "Maildir", 1, folders=0)
    for number in range(15_000):
        name = tmp_path / "Maildir" / "cur" / f"17000{number:05}.M1P1.host:2,"
        name.write_bytes(b"Subject: %d\n\n" % number)
    with subprocess.Popen(
        command("index", tmp_path / "Maildir"),
        env={**os.environ, "XDG_STATE_HOME": str(state)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().endswith(" messages are ready\n")
        process.send_signal(signal.SIGINT)
        rest, complaints = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "new" not in rest
    assert "Traceback" not in complaints
    again = maildird("index", tmp_path / "Maildir", state=state)
    found = re.search(r"1 folder, 15001 messages, (\d+) of them new", last_line(again))
    assert found is not None
    assert 0 < int(found[1]) <= 15_001
    assert maildird("check", tmp_path / "Maildir", state=state).returncode == 0


def test_a_running_server_does_it_itself(tmp_path: Path, state: Path) -> None:
    make_tree(tmp_path / "Maildir", 10, folders=0)
    listen = ("--listen", "127.0.0.1:0", "--user", "ada")
    with serving(tmp_path / "Maildir", *listen, state=state) as server:
        refused = maildird("index", tmp_path / "Maildir", state=state)
        with imaplib.IMAP4(server.host, server.port, timeout=10) as client:
            client.login("ada", PASSWORD)
            assert client.select() == ("OK", [b"10"])
    assert refused.returncode == 1
    assert refused.stdout == ""
    assert re.fullmatch(
        r"maildird: a server has the index in \S+ and does this in the background;"
        r" maildird status shows how far it is\n",
        refused.stderr,
    )


def test_what_can_not_be_read_is_counted(tmp_path: Path, state: Path) -> None:
    make_tree(tmp_path / "Maildir", 10, folders=0)
    victim = next((tmp_path / "Maildir" / "cur").iterdir())
    victim.chmod(0)
    if os.access(victim, os.R_OK):
        pytest.skip("this user may read everything")
    indexed = maildird("index", tmp_path / "Maildir", state=state)
    assert indexed.returncode == 1
    assert last_line(indexed).endswith(", 9 of them new, 1 of them can't be read")
    assert f"{victim} can't be made ready: Permission denied\n" in indexed.stderr


def test_a_terminal_shows_a_bar(tmp_path: Path, state: Path) -> None:
    make_tree(tmp_path / "Maildir", 300, folders=0)
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        command("index", tmp_path / "Maildir"),
        env={**os.environ, "XDG_STATE_HOME": str(state), "TERM": "xterm", "COLUMNS": "200"},
        stdout=theirs,
    ) as process:
        os.close(theirs)
        shown = read_all(ours)
    assert process.returncode == 0
    assert b"\r" in shown.rstrip()
    assert b"300 messages, 300 of them new" in shown


def read_all(terminal: int) -> bytes:
    """What a terminal shows until the program leaves it."""
    shown = b""
    while True:
        try:
            shown += os.read(terminal, 65536)
        except OSError:
            os.close(terminal)
            return shown
