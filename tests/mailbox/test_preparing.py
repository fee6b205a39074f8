"""Messages are made ready without anybody asking: their facts come into the index by themselves."""

import errno
import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import trio

from maildird.index.rows import Facts
from maildird.mailbox.account import Account
from maildird.mailbox.opening import open_account
from maildird.mailbox.results import Incoming
from tests.corpus.tree import make_tree
from tests.mailbox.world import Beside, assert_sound, describe, settings_for

PATIENCE = 20.0
"""Seconds after which what should have come will not come."""


class Describing:
    """A `describe` that counts how often each message was read, and can be held up."""

    def __init__(self) -> None:
        self.contents: list[bytes] = []
        self.on_each: Callable[[], None] = lambda: None

    def __call__(self, content: bytes, internaldate: int) -> Facts:
        self.contents.append(content)
        self.on_each()
        return describe(content, internaldate)


def facts_of(account: Account, mailbox: int = 1) -> dict[int, Facts | None]:
    """What the index has of each message."""
    with account.index.snapshot() as snapshot:
        return {uid: snapshot.facts(mailbox, uid) for uid in snapshot.columns(mailbox).uids}


def unreadable(content: bytes, internaldate: int) -> Facts:
    """Nothing can be made ready as long as the disk gives nothing."""
    raise OSError(errno.EIO, "Input/output error", "the file")


async def until(condition: Callable[[], bool]) -> None:
    """Return once `condition` holds; it has some seconds."""
    with trio.fail_after(PATIENCE):
        while not condition():
            await trio.lowlevel.checkpoint()


async def prepared(account: Account) -> None:
    with trio.fail_after(PATIENCE):
        await account.prepare()


async def test_a_delivered_message_is_made_ready(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    beside = Beside(tmp_path / "Maildir")
    async with open_account(settings, describe) as account:
        await prepared(account)
        beside.deliver("INBOX", b"Subject: hi\n\nthere\n")
        await until(lambda: None not in (facts_of(account) or {0: None}).values())
        (facts,) = facts_of(account).values()
        assert facts is not None
        assert facts.header == b"Subject: hi\r\n\r\nthere\r\n"
        await account.append("INBOX", [Incoming(b"Subject: two\r\n\r\n")])
        await until(lambda: None not in facts_of(account).values())
        assert len(facts_of(account)) == 2
    assert_sound(settings)


async def test_a_whole_tree_is_made_ready(tmp_path: Path) -> None:
    make_tree(tmp_path / "Maildir", 400, folders=3)
    settings = settings_for(tmp_path)
    describing = Describing()
    async with open_account(settings, describing) as account:
        await prepared(account)
        done, total = account.preparing
        assert done == total
        for mailbox in account.tree.watched():
            assert None not in facts_of(account, mailbox).values()
    assert len(describing.contents) == 400 + 3 * 40
    assert_sound(settings)


async def test_the_newest_mail_of_inbox_comes_first(tmp_path: Path) -> None:
    for number in range(3):
        for folder in ("", ".A"):
            for subdir in ("cur", "new", "tmp"):
                (tmp_path / "Maildir" / folder / subdir).mkdir(parents=True, exist_ok=True)
            file = tmp_path / "Maildir" / folder / "cur" / f"170000000{number}.M1P1.host:2,"
            file.write_text(f"{folder or 'INBOX'} {number}\n")
    settings = settings_for(tmp_path)
    async with open_account(settings, unreadable) as account:
        await prepared(account)
    describing = Describing()
    async with open_account(settings, describing) as account:
        await prepared(account)
    assert describing.contents == [
        *(b"INBOX 2\r\n", b"INBOX 1\r\n", b"INBOX 0\r\n"),
        *(b".A 2\r\n", b".A 1\r\n", b".A 0\r\n"),
    ]


async def test_a_restart_in_the_middle_goes_on(tmp_path: Path) -> None:
    make_tree(tmp_path / "Maildir", 3000, folders=0)
    settings = settings_for(tmp_path)
    first, second, third = Describing(), Describing(), Describing()
    async with open_account(settings, first):
        await until(lambda: len(first.contents) >= 100)
    async with open_account(settings, second) as account:
        await prepared(account)
        assert None not in facts_of(account).values()
    assert second.contents
    assert len(first.contents) + len(second.contents) == 3000
    async with open_account(settings, third) as account:
        await prepared(account)
    assert third.contents == []
    assert_sound(settings)


async def test_what_can_not_be_read_is_passed_over_and_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    make_tree(tmp_path / "Maildir", 20, folders=0)
    settings = settings_for(tmp_path)

    def describe_most(content: bytes, internaldate: int) -> Facts:
        if len(content) % 2:
            raise OSError(errno.EIO, "Input/output error", "the file")
        return describe(content, internaldate)

    async with open_account(settings, describe_most) as account:
        await prepared(account)
        done, total = account.preparing
        assert done == total
        missing = [uid for uid, facts in facts_of(account).items() if facts is None]
        assert 1 < len(missing) < 20
    told = [each.message for each in caplog.records if "can't be made ready" in each.message]
    assert len(told) == 1
    assert_sound(settings)


async def test_a_message_that_breaks_the_parser_harms_no_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = settings_for(tmp_path)
    beside = Beside(tmp_path / "Maildir")
    good = beside.deliver("INBOX", b"Subject: good\n\n")
    bad = beside.deliver("INBOX", b"Subject: bad\n\n")

    def describe_good(content: bytes, internaldate: int) -> Facts:
        if b"bad" in content:
            raise RecursionError
        return describe(content, internaldate)

    async with open_account(settings, describe_good) as account:
        await prepared(account)
        assert [facts is None for facts in facts_of(account).values()] == [False, True]
    (told,) = (each.message for each in caplog.records if each.levelno == logging.ERROR)
    assert bad.name in told
    assert good.name not in told


async def test_files_that_vanish_or_move_meanwhile(tmp_path: Path) -> None:
    """The first message is renamed and the second removed when the third, the newest, is read."""
    settings = settings_for(tmp_path)
    beside = Beside(tmp_path / "Maildir")
    first, second, _third = (
        beside.deliver("INBOX", b"Subject: %d\n\n" % number) for number in (1, 2, 3)
    )
    async with open_account(settings, unreadable) as account:
        await prepared(account)
    describing = Describing()

    def meddle() -> None:
        if b"3" in describing.contents[-1]:
            beside.reflag(first, "S")
            second.unlink()

    describing.on_each = meddle
    async with open_account(settings, describing) as account:
        await prepared(account)
        await until(lambda: facts_of(account).keys() == {1, 3})
        assert None not in facts_of(account).values()
    assert describing.contents == [b"Subject: 3\r\n\r\n", b"Subject: 1\r\n\r\n"]
    assert_sound(settings)


async def test_a_session_reads_and_learns_at_the_same_time(tmp_path: Path) -> None:
    make_tree(tmp_path / "Maildir", 1000, folders=0)
    settings = settings_for(tmp_path)
    async with open_account(settings, describe) as account:
        selected = await account.open("INBOX", read_only=True)
        for uid in range(1, 400):
            content = await selected.read(uid)
            facts = describe(content.data, content.internaldate)
            assert selected.facts([uid])[0].get(uid, facts) == facts
            selected.learn({uid: facts})
        await selected.close()
        await prepared(account)
        assert None not in facts_of(account).values()
    assert_sound(settings)


async def test_a_mailbox_that_goes_meanwhile_is_forgotten(tmp_path: Path) -> None:
    make_tree(tmp_path / "Maildir", 10, folders=1)
    settings = settings_for(tmp_path)
    async with open_account(settings, unreadable) as account:
        await prepared(account)
    describing = Describing()
    describing.on_each = lambda: shutil.rmtree(
        tmp_path / "Maildir" / ".Folder0", ignore_errors=True
    )
    async with open_account(settings, describing) as account:
        await prepared(account)
        assert None not in facts_of(account).values()
    assert len(describing.contents) == 10
    assert_sound(settings)


@pytest.mark.parametrize(("count", "lines"), [(100, 0), (600, 2)])
async def test_the_log_tells_of_many_messages_only(
    count: int, lines: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    make_tree(tmp_path / "Maildir", count, folders=0)
    async with open_account(settings_for(tmp_path), describe) as account:
        await prepared(account)
    told = [each.message for each in caplog.records if each.name.endswith("progress")]
    assert len(told) >= lines
    if told:
        assert told[0] == "me: making messages ready in the background"
        assert told[-1].startswith("me: all 600 messages are ready, after ")
    else:
        assert count == 100
