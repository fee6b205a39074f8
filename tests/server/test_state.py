"""State directories and their lock."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from maildird.server.state import (
    default_state_directory,
    directory_of_account,
    directory_of_tree,
    locked,
)
from maildird.terms.errors import IndexUnusable, SettingsError

HOLD_UNTIL_KILLED = """
import os, sys, time
from maildird.server.state import locked
with locked(os.fsencode(sys.argv[1])):
    print(os.getpid(), flush=True)
    sys.stdin.read()
"""


def test_the_default_is_below_xdg_state_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    assert default_state_directory() == "/state/maildird"
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    assert default_state_directory() == "/home/ada/.local/state/maildird"
    monkeypatch.delenv("XDG_STATE_HOME")
    assert default_state_directory() == "/home/ada/.local/state/maildird"


def test_no_two_accounts_share_a_directory() -> None:
    names = ["ada", "ada@example.org", "ADA", "a%64a", "ä", "%C3%A4", "a b"]
    assert len({directory_of_account("/state", name) for name in names}) == len(names)


def test_a_tree_has_its_directory_by_its_real_path(tmp_path: Path) -> None:
    (tmp_path / "a" / "Maildir").mkdir(parents=True)
    (tmp_path / "b" / "Maildir").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "a")
    a, b, linked = (
        directory_of_tree("/state", os.fsencode(tmp_path / each / "Maildir"))
        for each in ("a", "b", "link")
    )
    assert a == linked
    assert a != b
    assert a.startswith(b"/state/Maildir-")


def test_a_tree_with_any_name_has_a_directory(tmp_path: Path) -> None:
    root = os.fsencode(tmp_path) + b"/" + b"\xff" * 200
    assert len(os.path.basename(directory_of_tree("/state", root))) < 120


def test_state_is_for_its_owner_alone(tmp_path: Path) -> None:
    directory = tmp_path / "state" / "ada"
    with locked(os.fsencode(directory)):
        for path in (directory.parent, directory):
            assert stat.S_IMODE(path.stat().st_mode) == 0o700
        assert stat.S_IMODE((directory / "lock").stat().st_mode) == 0o600


def test_a_second_holder_is_refused_until_the_first_lets_go(tmp_path: Path) -> None:
    directory = os.fsencode(tmp_path)
    with (
        locked(directory),
        pytest.raises(IndexUnusable, match=f"in use by another maildird, process {os.getpid()};"),
        locked(directory),
    ):
        pass
    with locked(directory):
        pass


def test_the_lock_ends_with_the_process_that_held_it(tmp_path: Path) -> None:
    directory = os.fsencode(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", HOLD_UNTIL_KILLED, directory],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        pid = int(holder.stdout.readline())
        with pytest.raises(IndexUnusable, match=f"process {pid};"), locked(directory):
            pass
        holder.kill()
    with locked(directory):
        assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"


def test_a_directory_that_can_t_be_made_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(SettingsError, match=r"no state can be kept in .*/file/ada: "),
        locked(os.fsencode(tmp_path / "file" / "ada")),
    ):
        pass


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives directories away")
@pytest.mark.parametrize("made", ["state", "state/ada"])
def test_root_writes_nothing_into_the_state_of_another_user(tmp_path: Path, made: str) -> None:
    (tmp_path / made).mkdir(parents=True)
    os.chown(tmp_path / made, 65534, -1)
    with (
        pytest.raises(SettingsError, match=f"{made} belongs to nobody.* runuser -u nobody -- mai"),
        locked(os.fsencode(tmp_path / "state/ada")),
    ):
        pass
    assert not any((tmp_path / made).iterdir())
