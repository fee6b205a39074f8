"""Wrong arguments: one clear line on standard error, exit status 2."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from maildird import __version__
from maildird.cli.main import main


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """What a command sets up for its own process is taken back."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    yield
    root.setLevel(level)
    for handler in set(root.handlers).difference(handlers):
        root.removeHandler(handler)


def complaint_about(arguments: list[str], capfd: pytest.CaptureFixture[str]) -> str:
    """What `maildird` says when it refuses these arguments."""
    try:
        status: object = main(arguments)
    except SystemExit as leaving:
        status = leaving.code
    assert status == 2
    said = capfd.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    return said.err


def test_the_version(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as leaving:
        main(["--version"])
    assert leaving.value.code == 0
    assert capfd.readouterr().out == f"maildird {__version__}\n"


@pytest.mark.parametrize("command", [[], ["serve"], ["check"], ["index"]])
def test_help_fits_a_terminal(
    command: list[str], capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as leaving:
        main([*command, "--help"])
    assert leaving.value.code == 0
    shown = capfd.readouterr().out
    assert shown.startswith("usage: maildird")
    assert max(map(len, shown.splitlines())) <= 80


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "maildird: the following arguments are required: COMMAND; try maildird --help"),
        (["sevre"], "maildird: argument COMMAND: invalid choice: 'sevre'"),
        (["serve"], "maildird serve: name the MAILDIR, or a configuration with --config FILE"),
        (["check"], "maildird check: name the MAILDIR, or a configuration with --config FILE"),
        (["serve", "MAIL", "--list", "x"], "unrecognized arguments: --list x"),
        (["serve", "MAIL", "--listen", "143"], '"143" must be ADDRESS:PORT with a port from 0 to'),
        (["serve", "MAIL", "--listen", "::1:143"], "such as 127.0.0.1:1143 or [::1]:1143"),
        (["serve", "MAIL", "--layout", "mbox"], '"mbox" must be "maildir++" or "fs"'),
        (["serve", "MAIL", "--separator", "-"], '"-" must be "." or "/"'),
        (["serve", "MAIL", "--prefix", "INBOX"], '"INBOX" must be empty, or a name that ends in'),
        (
            ["serve", "MAIL", "--prefix", "INBOX.", "--separator", "/"],
            '--prefix "INBOX." must end in the separator, "/"',
        ),
        (["serve", "MAIL", "--inbox", "a/b"], '"a/b" must be the name of a folder'),
        (["serve", "MAIL", "--user", "a/b"], '"a/b" must be a name of 1 to 80 printable'),
        (["serve", "NOTHING"], "NOTHING is no directory; name a Maildir that exists"),
        (["check", "NOTHING"], "NOTHING is no directory; name a Maildir that exists"),
        (["serve", "."], ". is neither a Maildir nor empty; name the Maildir itself"),
        (
            ["check", "MAIL"],
            "; name the state directory that the server uses, or serve the Maildir",
        ),
        (["serve", "MAIL", "--config", "x.toml"], "MAILDIR and --config can't go together"),
        (
            ["serve", "--config", "x.toml", "--listen", "127.0.0.1:0"],
            "--listen goes with MAILDIR; set it in x.toml instead",
        ),
        (
            ["check", "--config", "x.toml", "--state-dir", "x"],
            "--state-dir goes with MAILDIR; set it in x.toml instead",
        ),
        (
            ["serve", "--config", "x.toml"],
            "maildird: x.toml: No such file or directory; name a file that can be read",
        ),
        (
            ["check", "--config", "bad.toml"],
            "maildird: bad.toml: acounts is no setting; did you mean accounts?",
        ),
        (
            ["serve", "MAIL", "--listen", "192.0.2.1:0"],
            "maildird: can't listen on 192.0.2.1:0: Cannot assign requested address; take an",
        ),
    ],
)
def test_wrong_arguments_are_explained_in_one_line(
    arguments: list[str],
    expected: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("MAILDIRD_PASSWORD", "x")
    os.mkdir("MAIL")
    Path("bad.toml").write_text("acounts = 1")
    user = ["--user", "ada"] if arguments[:2] == ["serve", "MAIL"] else []
    assert expected in complaint_about([*arguments, *user], capfd)
    assert not os.listdir("MAIL")
