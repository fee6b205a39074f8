"""What is no message, and what can't be read, in a tree that is served."""

import os
import stat
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from maildird.mailbox import strange
from maildird.mailbox.results import Incoming
from maildird.terms.codes import Code
from maildird.terms.errors import Refused
from tests.mailbox.outside import Mail, Message, served, until, warnings_in
from tests.mailbox.world import assert_sound

NOBODY = 65534

NO_MESSAGES = ("cur/fifo:2,S", "cur/link:2,", "new/link", "cur/directory", "new/socket")


@pytest.fixture
async def powerless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Mail]:
    """An account of a user who may not overlook modes, with `.` as its directory."""
    monkeypatch.chdir(tmp_path)
    if os.geteuid() == 0:
        os.chown(".", NOBODY, -1)
    with as_nobody():
        async with served(Path()) as mail:
            yield mail
    assert_sound(mail.settings)  # by a process, which needs a Python that its user may start


@contextmanager
def as_nobody() -> Iterator[None]:
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@contextmanager
def forbidden(path: Path) -> Iterator[None]:
    mode = path.stat().st_mode & 0o777
    path.chmod(0)
    try:
        yield
    finally:
        path.chmod(mode)


async def refused(attempt: Awaitable[object]) -> Code | None:
    """The code that something was refused with; a permission that lacks is NO [NOPERM]."""
    with pytest.raises((Refused, PermissionError)) as raised:
        await attempt
    return raised.value.code if isinstance(raised.value, Refused) else Code.NOPERM


async def test_what_is_no_regular_file_is_left_alone_and_said_once(
    mail: Mail, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "secret").write_text("Subject: x\n\nsecret\n")
    os.mkfifo(mail.root / "cur" / "fifo:2,S")
    (mail.root / "cur" / "link:2,").symlink_to(tmp_path / "secret")
    (mail.root / "new" / "link").symlink_to("nowhere")
    (mail.root / "cur" / "directory").mkdir()
    os.mknod(mail.root / "new" / "socket", stat.S_IFSOCK | 0o600)
    mail.put("cur/1.h:2,S", "one")
    for number in range(2, 5):
        mail.put(f"cur/{number}.h:2,S", "more")
        assert len(await mail.shown()) == number
    await (await mail.open(read_only=False)).close()
    there = [
        f"{subdir}/{name}" for subdir in ("cur", "new") for name in os.listdir(mail.root / subdir)
    ]
    for name in NO_MESSAGES:
        assert len(warnings_in(caplog, mail.root / name)) == 1
        assert name in there


async def test_strange_names_without_end_do_not_fill_the_log(
    mail: Mail, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strange, "MOST", 10)
    for number in range(20):
        (mail.root / "new" / f"{number}").mkdir()
    mail.put("cur/1.h:2,", "one")
    assert await mail.shown() == {1: Message("one")}
    assert len(warnings_in(caplog, mail.root / "new")) == 10


async def test_a_message_that_cannot_be_read_stays_and_is_refused_alone(powerless: Mail) -> None:
    powerless.put("cur/1.h:2,", "one")
    file = powerless.put("cur/2.h:2,", "two")
    selected = await powerless.open()
    with forbidden(file):
        assert (await selected.read(1)).data.endswith(b"one\r\n")
        assert await refused(selected.read(2)) is Code.NOPERM
        assert (await powerless.account.status("INBOX")).messages == 2
        await selected.refresh()
        assert not selected.pull(may_expunge=True)
    assert (await selected.read(2)).data.endswith(b"two\r\n")
    await selected.close()


@pytest.mark.parametrize("part", ["", "cur", "new"])
async def test_a_folder_that_cannot_be_read_for_a_while(
    powerless: Mail, part: str, caplog: pytest.LogCaptureFixture
) -> None:
    account = powerless.account
    await account.create("Work")
    powerless.put("cur/1.h:2,S", "one", "Work")
    before = await powerless.shown("Work")
    status = await account.status("Work")
    selected = await powerless.open("Work")
    folder = powerless.beside.folder("Work")
    with forbidden(folder / part):
        account.watcher.mark(selected.id)
        await until(account.troubles)
        assert "Work" in {entry.name for entry in await account.list() if entry.selectable}
        assert await refused(account.open("Work", read_only=True)) is Code.NOPERM
        assert await refused(account.delete("Work")) is Code.NOPERM
        assert await refused(account.rename("Work", "Play")) is Code.NOPERM
        assert await refused(account.create("Work")) is Code.ALREADYEXISTS
        assert await powerless.shown() == {}, "the rest is served"
        assert not selected.pull(may_expunge=True)
        assert not selected.deleted
    await until(lambda: not account.troubles())
    assert await powerless.shown("Work") == before
    assert (await account.status("Work")) == status
    assert not selected.pull(may_expunge=True)
    await account.append("Work", [Incoming(b"Subject: x\r\n\r\ntwo\r\n")])
    await until(lambda: selected.pull(may_expunge=True).exists == 2)
    assert len(warnings_in(caplog, folder)) == 1, "said once"
    await selected.close()
