"""`maildird log` tells what changed in a mailbox, who did it, and when."""

import imaplib
import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from tests.cli.process import PASSWORD, Server, maildird, serving
from tests.cli.test_status import configuration_of, make_maildir, on_terminal, wait_for

SERVE = ("--listen", "127.0.0.1:0", "--user", "ada")


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    return make_maildir(tmp_path / "Maildir", messages=4)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


def log_of(*arguments: str | Path, state: Path) -> list[dict[str, Any]]:
    """What `maildird log --json` says, line by line."""
    run = maildird("log", *arguments, "--json", state=state)
    assert (run.returncode, run.stderr) == (0, "")
    return [json.loads(line) for line in run.stdout.splitlines()]


def change_all(server: Server, maildir: Path) -> None:
    """One change of each kind, by a session and by another program; 4 messages were there."""
    with imaplib.IMAP4(server.host, server.port, timeout=10) as client:
        client.login("ada", PASSWORD)
        client.select()
        client.store("1", "+FLAGS", r"(\Seen $Junk)")
        client.store("2", "+FLAGS", r"\Deleted")
        client.expunge()
        client.append("INBOX", "", "", b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\nx")
        (maildir / "new" / "1800000000.M1P1.host").write_bytes(b"Subject: from disk\n\nx")
        client.noop()
        (third,) = (maildir / "cur").glob("1700000002.*")
        third.rename(third.with_name("1700000002.M1P1.host:2,R"))
        client.noop()
        next(iter((maildir / "cur").glob("1700000003.*"))).unlink()
        client.noop()


def subjects_in(changes: list[dict[str, Any]]) -> list[str]:
    """Those that are known by now; messages are read in the background."""
    return [each["subject"] for each in changes if each["subject"] is not None]


def told(changes: list[dict[str, Any]]) -> list[tuple[int, str, str | None]]:
    return [(each["uid"], each["kind"], each["cause"]) for each in changes]


def test_changes_are_told_with_who_made_them(maildir: Path, state: Path) -> None:
    began = time.time()
    with serving(maildir, *SERVE, state=state) as server:
        change_all(server, maildir)
        wait_for(lambda: len(subjects_in(log_of("INBOX", maildir, state=state))) == 4)
        changes = log_of("INBOX", maildir, state=state)
    assert told(changes) == [
        (1, "flags", "session"),
        (2, "removal", "session"),
        (5, "arrival", "session"),
        (6, "arrival", "disk"),
        (3, "flags", "disk"),
        (4, "removal", "disk"),
    ]
    assert [each["flags"] for each in changes] == [
        ["\\Seen", "$Junk"],
        [],
        [],
        [],
        ["\\Answered"],
        [],
    ]
    assert subjects_in(changes) == ["one", "Grüße", "from disk", "one"]
    assert changes[1]["subject"] is changes[5]["subject"] is None
    assert changes[3]["file"] == "cur/1800000000.M1P1.host:2,"
    assert changes[1]["file"] is None
    modseqs = [each["modseq"] for each in changes]
    assert modseqs == sorted(modseqs)
    assert all(began <= each["at"] <= time.time() for each in changes)


LAYOUTS = pytest.mark.parametrize(
    ("layout", "separator", "folder"),
    [
        ("maildir++", ".", ".Travel.Gr&APwA3w-e"),
        ("maildir++", "/", ".Travel.Gr&APwA3w-e"),
        ("fs", "/", "Travel/Gr&APwA3w-e"),
        ("fs", ".", "Travel/Gr&APwA3w-e"),
    ],
)


@LAYOUTS
def test_a_folder_in_a_folder_whatever_the_layout(
    tmp_path: Path, state: Path, layout: str, separator: str, folder: str
) -> None:
    maildir, options = tmp_path / "Maildir", ("--layout", layout, "--separator", separator)
    for subdir in ("cur", "new", "tmp"):
        (maildir / subdir).mkdir(parents=True)
        (maildir / folder / subdir).mkdir(parents=True)
    with serving(maildir, *SERVE, *options, state=state) as server:
        name = f"Travel{separator}Grüße"
        with imaplib.IMAP4(server.host, server.port, timeout=10) as client:
            client.login("ada", PASSWORD)
            mailbox = f"Travel{separator}Gr&APwA3w-e"
            assert client.select(mailbox)[0] == "OK"
            client.append(mailbox, r"(\Flagged)", "", b"Subject: one\r\n\r\nx")
            (maildir / folder / "new/1800000000.M1P1.host").write_bytes(b"Subject: two\n\nx")
            client.noop()
            client.copy("1", mailbox)
            client.uid("MOVE", "1", "INBOX")
            client.store("2", "+FLAGS", r"(\Seen)")
            client.noop()
        wait_for(lambda: len(subjects_in(log_of(name, maildir, *options, state=state))) == 2)
        with_server = log_of(name, maildir, *options, state=state)
        assert told(with_server) == [
            (2, "arrival", "disk"),
            (1, "removal", "session"),
            (3, "flags", "session"),
        ]
        assert told(log_of("INBOX", maildir, *options, state=state)) == [(1, "arrival", "session")]
        with imaplib.IMAP4(server.host, server.port, timeout=10) as client:
            client.login("ada", PASSWORD)
            assert client.rename(mailbox, f"Travel{separator}Other")[0] == "OK"
        renamed = log_of(f"Travel{separator}Other", maildir, *options, state=state)
        assert told(renamed) == told(with_server)
        gone = maildird("log", name, maildir, *options, state=state)
        assert (gone.returncode, gone.stdout) == (1, "")
        assert f'there is no mailbox "{name}"' in gone.stderr
        assert server.end() == 0
    alone = log_of(f"Travel{separator}Other", maildir, *options, state=state)
    assert [(each["uid"], each["modseq"]) for each in alone] == [
        (each["uid"], each["modseq"]) for each in renamed
    ]
    assert [each["subject"] for each in alone] == ["two", None, "one"]


def test_without_a_server_the_index_tells_what_it_can(maildir: Path, state: Path) -> None:
    with serving(maildir, *SERVE, state=state) as server:
        change_all(server, maildir)
        with_server = log_of("INBOX", maildir, state=state)
        assert server.end() == 0
    changes = log_of("INBOX", maildir, state=state)
    assert [each["modseq"] for each in changes] == [each["modseq"] for each in with_server]
    assert told(changes) == [
        (1, "change", None),
        (2, "removal", None),
        (5, "change", None),
        (6, "change", None),
        (3, "flags", None),
        (4, "removal", None),
    ]
    assert {each["at"] for each in changes} == {None}


def test_as_many_as_are_asked_for(maildir: Path, state: Path) -> None:
    with serving(maildir, *SERVE, state=state) as server:
        change_all(server, maildir)
        wait_for(lambda: len(subjects_in(log_of("INBOX", maildir, state=state))) == 4)
        changes = log_of("INBOX", maildir, state=state)
        since = ("--since", str(changes[1]["modseq"]))
        assert log_of("INBOX", maildir, "-n", "2", state=state) == changes[-2:]
        assert log_of("INBOX", maildir, *since, state=state) == changes[2:]
        assert log_of("INBOX", maildir, *since, "-n", "3", state=state) == changes[-3:]
        nothing = maildird("log", "Sent", maildir, state=state)
    assert (nothing.returncode, nothing.stdout) == (0, "no changes are known\n")


def test_twenty_are_shown_unless_asked_for(tmp_path: Path, state: Path) -> None:
    maildir = make_maildir(tmp_path / "many", messages=25)
    with serving(maildir, *SERVE, state=state) as server:
        assert server.end() == 0
    assert maildird("index", maildir, state=state).returncode == 0
    assert [each["uid"] for each in log_of("INBOX", maildir, state=state)] == list(range(6, 26))
    assert len(log_of("INBOX", maildir, "--since", "0", state=state)) == 25


def test_a_user_of_a_configuration(tmp_path: Path, state: Path) -> None:
    for name in ("ada", "bob"):
        make_maildir(tmp_path / name)
    configuration = configuration_of(tmp_path, "ada", "bob")
    assert maildird("index", "--config", configuration, state=state).returncode == 0
    of_bob = ("INBOX", "--config", configuration, "--user", "bob")
    assert [each["uid"] for each in log_of(*of_bob, state=state)] == [1, 2]
    unnamed = maildird("log", "INBOX", "--config", configuration, state=state)
    assert (unnamed.returncode, unnamed.stdout) == (2, "")
    assert unnamed.stderr.endswith("has several users; name one with --user NAME\n")
    unknown = maildird("log", "INBOX", "--config", configuration, "--user", "eve", state=state)
    assert unknown.returncode == 2
    assert unknown.stderr.endswith('has no user "eve"\n')


def test_a_mailbox_that_there_is_not(maildir: Path, state: Path) -> None:
    before = maildird("log", "INBOX", maildir, state=state)
    assert before.returncode == 2
    assert before.stderr.startswith("maildird: there is no index in ")
    assert maildird("index", maildir, state=state).returncode == 0
    run = maildird("log", "Snet", maildir, state=state)
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr == 'maildird: there is no mailbox "Snet"; there are INBOX, Sent\n'


@pytest.mark.parametrize("columns", [50, 80, 120])
def test_it_fits_the_terminal(maildir: Path, state: Path, columns: int) -> None:
    (maildir / "new" / "1800000000.M1P1.host").write_bytes(
        b"Subject: \x1b[2J%s\n\nx" % (b"x" * 200)
    )
    with serving(maildir, *SERVE, state=state) as server:
        change_all(server, maildir)
        wait_for(lambda: "Grüße" in subjects_in(log_of("INBOX", maildir, state=state)))
        shown = on_terminal(("log", "INBOX", str(maildir)), state, columns)
    lines = re.sub(r"\x1b\[[\d;]*m", "", shown).splitlines()
    assert "\x1b[2J" not in shown
    assert max(map(len, lines)) <= columns
    flat = " ".join(shown.split())
    assert all(word in flat for word in ("arrived", "removed", "flags", "session", "disk", "Grüße"))
