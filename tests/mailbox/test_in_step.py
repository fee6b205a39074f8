"""What the index does to be in step with a folder: names where they suffice, listings where not."""

import os
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from maildird.mailbox.account import Account
from maildird.mailbox.results import FlagChangeHow, Incoming
from maildird.maildir.folders import folder_mtimes
from tests.mailbox.world import Beside, Running, settings_for

PATIENCE = 20.0


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> Counter[Any]:
    """How often each directory was listed."""
    counted: Counter[Any] = Counter()
    scandir = os.scandir

    def counting(path: Any) -> Any:
        counted[path] += 1
        return scandir(path)

    monkeypatch.setattr(os, "scandir", counting)
    return counted


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sweeps come quickly."""
    monkeypatch.setattr("maildird.mailbox.watcher.SWEEP", 0.03)


@pytest.fixture
def beside(tmp_path: Path) -> Beside:
    settings_for(tmp_path)
    beside = Beside(tmp_path / "Maildir")
    beside.reflag(beside.deliver("INBOX", b"Subject: first\n\n"), "")
    for subdir in ("new", "cur"):
        os.utime(beside.root / subdir, (5, 5))
    return beside


@pytest.fixture
def running(beside: Beside, tmp_path: Path) -> Iterator[Running]:
    """An account whose INBOX, with one message, is in step."""
    running = Running(settings_for(tmp_path))
    try:
        until(running, is_in_step)
        yield running
    finally:
        running.end()


async def is_in_step(account: Account) -> bool:
    watched = account.tree.watched()
    states = [account.disk.of(mailbox).in_step for mailbox in watched]
    return bool(states) and states == [folder_mtimes(folder) for folder in watched.values()]


def has(count: int) -> Callable[[Account], Awaitable[bool]]:
    async def has_so_many(account: Account) -> bool:
        return (await account.status("INBOX")).messages == count

    return has_so_many


def until(running: Running, condition: Callable[[Account], Awaitable[bool]]) -> None:
    """Wait for something to be so."""
    deadline = time.monotonic() + PATIENCE
    while not running.do(condition):
        assert time.monotonic() < deadline, condition


def times_listed(beside: Beside, listed: Counter[Any]) -> int:
    return listed[os.fsencode(beside.root / "cur")]


async def unwatch(account: Account) -> None:
    """Events are lost from now on."""
    assert account._monitor is not None
    account._monitor.watch_only([])


def test_a_command_hears_of_what_was_done_before_it(
    running: Running, beside: Beside, listed: Counter[Any]
) -> None:
    for count in range(2, 30):
        beside.deliver("INBOX", b"Subject: x\n\n")
        assert running.do(lambda account: account.status("INBOX")).messages == count
    assert times_listed(beside, listed) == 0


def test_a_sweep_takes_deliveries_as_in_step(
    quick: None, running: Running, beside: Beside, listed: Counter[Any]
) -> None:
    for _ in range(5):
        beside.deliver("INBOX", b"Subject: x\n\n")
    until(running, is_in_step)
    assert running.do(has(6))
    assert times_listed(beside, listed) == 0


def test_our_own_changes_are_not_looked_at(running: Running, beside: Beside) -> None:
    async def work(account: Account) -> None:
        selected = await account.open("INBOX", read_only=False)
        await selected.refresh()
        before = account.watcher.events, account.watcher.observations
        for flag in ("\\Seen", "\\Flagged", "\\Deleted"):
            await selected.store([1], FlagChangeHow.ADD, (flag,))
        await selected.copy([1], "INBOX")
        await selected.expunge()
        await account.append("INBOX", [Incoming(b"Subject: x\n\n")])
        await selected.refresh()
        selected.pull(may_expunge=True)
        assert list(selected.view.uids) == [2, 3]
        assert (account.watcher.events, account.watcher.observations) == before
        await selected.close()

    running.do(work)


def test_what_others_do_to_what_we_just_changed_is_seen(running: Running, beside: Beside) -> None:
    async def work(account: Account) -> None:
        selected = await account.open("INBOX", read_only=False)
        for _ in range(20):
            await selected.store([1], FlagChangeHow.ADD, ("\\Seen",))
            (file,) = beside.files("INBOX")
            beside.reflag(file, "")
            await selected.refresh()
            selected.pull(may_expunge=True)
            assert list(selected.view.masks) == [0]
        await selected.store([1], FlagChangeHow.ADD, ("\\Flagged",))
        beside.files("INBOX")[0].unlink()
        while list(selected.view.uids):
            await selected.refresh()
            selected.pull(may_expunge=True)
        await selected.close()

    running.do(work)


def test_our_own_change_just_after_another_programs_costs_no_listing(
    running: Running, beside: Beside, listed: Counter[Any]
) -> None:
    async def work(account: Account) -> None:
        selected = await account.open("INBOX", read_only=False)
        beside.deliver("INBOX", b"Subject: x\n\n")
        await selected.store([1], FlagChangeHow.ADD, ("\\Seen",))
        await selected.refresh()
        selected.pull(may_expunge=True)
        assert list(selected.view.uids) == [1, 2]
        await selected.close()

    running.do(work)
    assert times_listed(beside, listed) == 0


def test_another_programs_change_in_the_tick_of_ours_is_heard_of(
    running: Running, beside: Beside, listed: Counter[Any]
) -> None:
    async def work(account: Account) -> None:
        selected = await account.open("INBOX", read_only=False)
        for count in range(2, 22):
            how = FlagChangeHow.REMOVE if count % 2 else FlagChangeHow.ADD
            await selected.store([1], how, ("\\Seen",))
            new, cur = folder_mtimes(os.fsencode(beside.root))
            beside.deliver("INBOX", b"Subject: x\n\n")
            os.utime(beside.root / "new", ns=(new, new))
            os.utime(beside.root / "cur", ns=(cur, cur))
            await selected.refresh()
            selected.pull(may_expunge=True)
            assert len(selected.view.uids) == count
        await selected.close()

    running.do(work)
    assert times_listed(beside, listed) == 0


def test_a_lost_event_is_noticed_by_the_times(
    quick: None, running: Running, beside: Beside
) -> None:
    running.do(unwatch)
    beside.deliver("INBOX", b"Subject: unheard\n\n")
    until(running, has(2))
    until(running, is_in_step)


def test_a_removal_leaves_a_listing_to_be_made(
    running: Running, beside: Beside, listed: Counter[Any]
) -> None:
    beside.files("INBOX")[0].unlink()
    until(running, has(0))
    assert times_listed(beside, listed) >= 2


def test_a_mailbox_is_listed_when_its_name_is_another_directorys(
    quick: None, running: Running, beside: Beside
) -> None:
    running.do(lambda account: account.create("Other"))
    beside.deliver("Other", b"Subject: x\n\n")
    folder = beside.folder("Other")
    folder.rename(beside.root / "..away")
    for subdir in ("tmp", "new", "cur"):
        (folder / subdir).mkdir(parents=True)
    beside.deliver("Other", b"Subject: 1\n\n")
    beside.deliver("Other", b"Subject: 2\n\n")

    async def has_two(account: Account) -> bool:
        return (await account.status("Other")).messages == 2

    until(running, has_two)


def test_mailboxes_are_listed_in_turn(
    quick: None, beside: Beside, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("maildird.mailbox.watcher.FIRST_IN_TURN", 0.0)
    running = Running(settings_for(tmp_path))
    try:
        until(running, is_in_step)
        running.do(unwatch)
        beside.deliver("INBOX", b"Subject: unheard\n\n")
        for subdir in ("new", "cur"):
            os.utime(beside.root / subdir, (5, 5))  # the times say nothing either
        until(running, has(2))
    finally:
        running.end()
