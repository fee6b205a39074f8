"""What killed servers left in a folder is removed; what others own stays."""

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from maildird.mailbox.opening import open_account
from maildird.maildir import filesystems
from maildird.maildir.dotlock import locked
from maildird.maildir.folders import ABANDONED, clean_tmp
from maildird.maildir.holding import Hold, may_be_held
from maildird.maildir.leftovers import is_abandoned, may_return, remove_leftovers
from maildird.maildir.names import spelled_host, unique_base
from tests.mailbox.world import describe, settings_for


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for subdir in ("cur", "new", "tmp"):
        (tmp_path / subdir).mkdir()
    return tmp_path


def dead_process() -> int:
    """The number of a process that ended."""
    return int(subprocess.check_output([sys.executable, "-c", "import os; print(os.getpid())"]))


def staged(folder: Path, process: int, host: bytes) -> Path:
    """A message in tmp/ as a process made it."""
    base = b"1700000000.M1P%dR0123456789abcdef.%s,S=1,W=1" % (process, host)
    path = folder / "tmp" / os.fsdecode(base)
    path.write_bytes(b"x")
    return path


def test_what_dead_processes_staged_is_removed(folder: Path) -> None:
    path = staged(folder, dead_process(), spelled_host())
    remove_leftovers(os.fsencode(folder))
    assert not path.exists()


def test_what_others_staged_stays(folder: Path) -> None:
    ours = folder / "tmp" / os.fsdecode(unique_base(1))
    ours.write_bytes(b"x")
    elsewhere = staged(folder, dead_process(), b"another.example")
    postfix = folder / "tmp" / f"1700000000.P{dead_process()}.host"
    postfix.write_bytes(b"x")
    remove_leftovers(os.fsencode(folder))
    assert ours.exists()
    assert elsewhere.exists()
    assert postfix.exists()


async def test_a_start_tidies_up_what_was_a_folder_until_it_was_deleted(tmp_path: Path) -> None:
    settings = replace(settings_for(tmp_path), layout="fs")
    above = tmp_path / "Maildir" / "a" / "b"
    for subdir in ("cur", "new", "tmp"):
        (above / "c" / subdir).mkdir(parents=True)
    unsigned = f"dovecot-uidlist.lock.1700000000.M1P{dead_process()}R0123456789abcdef."
    (above / (unsigned + os.fsdecode(spelled_host()))).touch()
    (above / "notes").touch()
    (above.parent / "dovecot-uidlist.lock").write_text(f"{dead_process()}:{os.uname().nodename}")
    async with open_account(settings, describe) as account:
        assert [entry.name for entry in await account.list()] == ["INBOX", "a", "a/b", "a/b/c"]
    assert sorted(path.name for path in above.iterdir()) == ["c", "notes"]
    assert [path.name for path in above.parent.iterdir()] == ["b"]


def test_a_lock_of_a_dead_process_is_taken_over_at_once(folder: Path) -> None:
    lock = folder / "list.lock"
    lock.write_bytes(b"%d:%s" % (dead_process(), os.fsencode(os.uname().nodename)))
    assert is_abandoned(os.fsencode(lock))
    with locked(os.fsencode(folder / "list")):
        assert lock.read_bytes().startswith(b"%d:" % os.getpid())


def test_what_dead_processes_were_about_to_make_a_lock_is_removed(folder: Path) -> None:
    base = b"1700000000.M1P%dR0123456789abcdef.%s"
    ours = folder / os.fsdecode(b"list.lock." + unique_base())
    orphan = folder / os.fsdecode(b"list.lock." + base % (dead_process(), spelled_host()))
    for path in (ours, orphan):
        path.touch()
    remove_leftovers(os.fsencode(folder))
    assert ours.exists()
    assert not orphan.exists()


@pytest.mark.parametrize("holder", [b"", b"12", b"99999999:another.example", b"%d:here"])
def test_a_lock_of_whoever_may_live_is_left_alone(folder: Path, holder: bytes) -> None:
    lock = folder / "dovecot-uidlist.lock"
    lock.write_bytes(holder.replace(b"%d:here", b"%d:%s" % (os.getpid(), spelled_host())))
    half = folder / "dovecot-uidlist.maildird-tmp"
    half.write_bytes(b"3 V1")
    remove_leftovers(os.fsencode(folder))
    assert lock.exists()
    assert half.exists()


def test_a_file_that_was_to_replace_another_goes_with_its_lock(folder: Path) -> None:
    lock = folder / "dovecot-uidlist.lock"
    lock.write_bytes(b"%d:%s" % (dead_process(), os.fsencode(os.uname().nodename)))
    half = folder / "dovecot-uidlist.maildird-tmp"
    half.write_bytes(b"3 V1")
    remove_leftovers(os.fsencode(folder))
    assert not lock.exists()
    assert not half.exists()


def test_a_lock_that_stays_empty_is_abandoned(folder: Path) -> None:
    """Its name survived a power cut, and what it said did not."""
    lock = folder / "dovecot-uidlist.lock"
    lock.touch()
    assert not is_abandoned(os.fsencode(lock))
    before = time.time() - 11
    os.utime(lock, (before, before))
    remove_leftovers(os.fsencode(folder))
    assert not lock.exists()


def test_nobody_returns_after_36_hours(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another host may be this machine under its old name; somebody holds the tree."""
    root = os.fsencode(folder)
    hold = Hold()
    hold.take(root)
    path = os.fsencode(folder / "prefix-") + b"1700000000.M1P1R0123456789abcdef.another.example"
    assert not may_return(root, path, b"prefix-")
    Path(os.fsdecode(path)).touch()
    assert may_return(root, path, b"prefix-")
    later = time.time() + ABANDONED + 10
    monkeypatch.setattr(time, "time", lambda: later)
    assert not may_return(root, path, b"prefix-")
    hold.release()


def test_nobody_returns_to_a_tree_that_nobody_holds(folder: Path) -> None:
    """A container that is started anew has another host name, and the same kernel."""
    root = os.fsencode(folder)
    path = os.path.join(root, b"prefix-1700000000.M1P1R0123456789abcdef.another.example")
    Path(os.fsdecode(path)).touch()
    hold = Hold()
    hold.take(root)
    assert may_return(root, path, b"prefix-")
    hold.release()
    assert not may_return(root, path, b"prefix-")


def test_a_hold_goes_with_its_process(folder: Path) -> None:
    root = os.fsencode(folder)
    code = (
        "import sys; from maildird.maildir.holding import Hold;"
        "Hold().take(sys.argv[1].encode()); print(flush=True); input()"
    )
    command = [sys.executable, "-c", code, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        assert may_be_held(root)
        holder.kill()
    assert not may_be_held(root)


def test_a_tree_that_other_machines_have_may_be_held(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts = folder / "mounts"
    mounts.write_text(f"1 1 0:1 / {folder} rw - nfs4 server:/mail rw\n")
    monkeypatch.setattr(filesystems, "_MOUNTS", os.fsencode(mounts))
    assert may_be_held(os.fsencode(folder))


def test_an_intent_is_not_removed_for_its_age(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    intent = folder / "tmp" / "..maildird-intent-x"
    intent.touch()
    later = time.time() + ABANDONED + 10
    monkeypatch.setattr(time, "time", lambda: later)
    clean_tmp(os.fsencode(folder))
    assert intent.exists()
