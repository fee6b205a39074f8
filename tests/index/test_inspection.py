"""Inspections that are ended from outside, given up, or stand beside others."""

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import trio

from maildird.index import inspection
from maildird.index.environment import Index
from maildird.index.inspection import find_damage
from maildird.index.opening import find_damage_beside_its_holder
from maildird.index.seal import break_seal
from maildird.mailbox.opening import open_account
from maildird.mailbox.settings import AccountSettings
from maildird.terms.errors import IndexUnusable
from tests.index.building import message, put
from tests.mailbox.world import describe, settings_for

PATIENCE = 20
"""Seconds in which an inspection has to begin."""


def make(directory: bytes) -> Path:
    """An index that was not closed cleanly; gives its file."""
    index = Index.open(directory)
    mailbox = put(index)
    index.write(lambda batch: batch.add_many(mailbox, [message(1)]))
    index.close()
    break_seal(directory)
    return Path(os.fsdecode(directory), "data.mdb")


def inspect_with(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """Have inspections do something else once they have begun; argv[1] is the directory."""
    begun = "import os, sys, time\nsys.argv.pop(1)\nprint('reading', flush=True)\n"
    monkeypatch.setattr(inspection, "_PROGRAM", begun + program)


def wait_for(file: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not file.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_a_signal_of_somebody_else_is_no_verdict(
    directory: bytes, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    file = make(directory)
    before = file.read_bytes()
    default = f"import signal; signal.signal({number}, signal.SIG_DFL)\n"
    if number is signal.SIGKILL:
        default = ""
    with monkeypatch.context() as patch:
        inspect_with(patch, f"{default}os.kill(os.getpid(), {number})")
        with pytest.raises(IndexUnusable, match="could not be inspected to the end"):
            Index.open(directory)
    assert file.read_bytes() == before
    Index.open(directory).close()


def test_signals_for_this_process_and_its_group_do_not_reach_it(
    directory: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(directory)
    inspect_with(monkeypatch, "print('leads', os.getsid(0) == os.getpgid(0) == os.getpid())")
    assert find_damage(directory) == "leads True"


def test_an_inspection_that_is_given_up_ends(
    directory: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(directory)
    inspect_with(monkeypatch, "time.sleep(1000)")
    given_up = threading.Event()
    with ThreadPoolExecutor() as pool:
        looking = pool.submit(find_damage, directory, given_up=given_up)
        given_up.set()
        with pytest.raises(IndexUnusable, match="could not be inspected to the end"):
            looking.result(PATIENCE)


async def test_an_account_that_is_given_up_while_its_index_is_inspected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_for(tmp_path)
    file = make(os.path.join(settings.state_directory, b"index"))
    before = file.read_bytes()
    begun = tmp_path / "begun"
    with monkeypatch.context() as patch:
        inspect_with(patch, f"open({str(begun)!r}, 'w').close()\ntime.sleep(1000)")
        with trio.fail_after(PATIENCE):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_open, settings)
                await trio.to_thread.run_sync(wait_for, begun)
                nursery.cancel_scope.cancel()
    assert file.read_bytes() == before
    async with open_account(settings, describe):
        pass


async def _open(settings: AccountSettings) -> None:
    async with open_account(settings, describe):
        raise AssertionError("it was opened without an inspection")


def test_whoever_checks_an_index_keeps_nobody_from_opening_it(
    directory: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    make(directory)
    Index.open(directory).close()
    begun, go = tmp_path / "begun", tmp_path / "go"
    waiting = f"while not os.path.exists({str(go)!r}): time.sleep(0.01)"
    inspect_with(monkeypatch, f"open({str(begun)!r}, 'w').close()\n{waiting}")
    with ThreadPoolExecutor() as pool:
        looking = pool.submit(find_damage_beside_its_holder, directory)
        wait_for(begun)
        Index.open(directory).close()
        go.touch()
        assert looking.result(PATIENCE) is None
