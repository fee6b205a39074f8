"""The index is lost, or restored from a backup: clients still end with exactly the mailbox.

Theory of operation. A server lives through mail that comes, changes and goes, and is ended or
killed. Its index is deleted or replaced by an older copy, other programs may change the Maildir
meanwhile, and a new server begins. Clients with QRESYNC who came at whatever time come back.
"""

import os
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.durability.scenarios import message
from tests.durability.seen import Box, Known, World, look
from tests.durability.server import Server
from tests.rfc7162.client import Client

pytestmark = pytest.mark.parametrize("layout", ["maildir++"])

LOSSES = ["lost", "older", "oldest"]
"""The index is deleted; is that of the last clean end; or that of the one before."""


@dataclass
class Lives:
    """One server after the other over one tree, and all that was ever told."""

    server: Server
    known: Known = field(default_factory=Known)
    _backups: list[Path] = field(default_factory=list)
    _count: int = 0

    async def look(self) -> World:
        """The account as it is now, which goes with all that was told; clients come back."""
        client = await self.server.connect()
        world = await look(client)
        self.known.hear(world)
        await self.known.visit(client, world)
        await client.close()
        return world

    async def live(self) -> World:
        """Mail comes, is told of, changes and goes, some of it never heard of by the uidlist."""
        client = await self.server.connect()
        for _ in range(3):
            await self.append(client)
        await client.do("SELECT INBOX")
        await client.do("STORE 1:* +FLAGS (\\Seen word)")
        await self.look()
        await client.do("STORE 2 -FLAGS (\\Seen)")
        await client.do("STORE 1,3 +FLAGS (\\Deleted)")
        await self.look()
        await client.do("EXPUNGE")
        await self.append(client)
        world = await self.look()
        await self.append(client)
        await client.do("NOOP")
        await client.do("STORE * +FLAGS (\\Deleted)")
        await client.do("EXPUNGE")
        await client.close()
        return world

    async def append(self, client: Client) -> int:
        """A message arrives; gives the UID that was told."""
        self._count += 1
        subject = f"message {self._count}"
        appended = await client.append("INBOX", message(subject))
        uidvalidity, uid = map(int, (appended.argument("APPENDUID") or "").split())
        self.known.told(uidvalidity, uid, subject)
        return uid

    def end(self) -> None:
        """The server ends in order; its index is backed up."""
        assert self.server.end() == 0
        self.back_up()

    def back_up(self) -> None:
        """Copy the index as it is."""
        backup = self.server.directory / f"backup {len(self._backups)}"
        shutil.copytree(self.server.state, backup, ignore=shutil.ignore_patterns("status"))
        self._backups.append(backup)

    def lose(self, loss: str) -> None:
        """The index is deleted or replaced; the server runs no more."""
        shutil.rmtree(self.server.state)
        if loss != "lost":
            backup = self._backups[{"older": -1, "oldest": 0}[loss]]
            shutil.copytree(backup, self.server.state)


@pytest.fixture
def lives(server: Server) -> Lives:
    """Lives over one tree, of which the first is over, and the second goes on."""
    return Lives(server)


async def two_lives(lives: Lives) -> World:
    """Live and end, twice, and live once more."""
    for _ in range(2):
        lives.server.start()
        await lives.live()
        lives.end()
    lives.server.start()
    return await lives.live()


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("is_changed", [False, True], ids=["as it was", "changed"])
async def test_clients_after_a_clean_end(lives: Lives, loss: str, is_changed: bool) -> None:
    """What stayed keeps its UID, UIDNEXT is what it was, and clients converge."""
    await two_lives(lives)
    before = (await lives.look())["INBOX"]
    assert lives.server.end() == 0
    lives.lose(loss)
    gone = change(lives.server.root) if is_changed else ""
    lives.server.start()
    after = (await lives.look())["INBOX"]
    assert after.uidvalidity == before.uidvalidity
    if is_changed:
        assert (
            uids(after).items()
            >= {subject: uid for subject, uid in uids(before).items() if subject != gone}.items()
        )
    else:
        assert after.messages == before.messages
        assert after.uidnext == before.uidnext
    await lives.live()
    assert not lives.server.check()


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("is_changed", [False, True], ids=["as it was", "changed"])
async def test_clients_after_a_kill(lives: Lives, loss: str, is_changed: bool) -> None:
    """Whatever the uidlist has not heard of: no UID means two messages, and clients converge."""
    await two_lives(lives)
    lives.server.close()
    with uidlist_held(lives.server.root):
        lives.server.start()
        before = await lives.live()
        lives.server.close()
    lives.lose(loss)
    if is_changed:
        change(lives.server.root)
    lives.server.start()
    after = await lives.look()
    assert after["INBOX"].uidvalidity == before["INBOX"].uidvalidity
    await lives.live()
    assert not lives.server.check()


@pytest.mark.parametrize("loss", LOSSES)
async def test_kill_after_kill_with_a_uidlist_that_is_never_written(
    lives: Lives, loss: str
) -> None:
    """Neither UIDs nor MODSEQs come again, however often the index is lost before it is heard."""
    await two_lives(lives)
    lives.server.close()
    with uidlist_held(lives.server.root):
        for _ in range(3):
            lives.server.start()
            await lives.live()
            lives.server.close()
            lives.lose(loss)
    lives.server.start()
    await lives.live()
    assert not lives.server.check()


async def test_an_index_that_was_copied_from_a_running_server(lives: Lives) -> None:
    """It has the promise that the folder says, and doesn't know what was told since."""
    await two_lives(lives)
    lives.back_up()
    client = await lives.server.connect()
    await client.do("SELECT INBOX")
    await client.do("STORE 1 +FLAGS (\\Flagged)")
    await client.do("STORE 2 +FLAGS (\\Answered)")
    await client.close()
    before = (await lives.look())["INBOX"]
    lives.server.close()
    lives.lose("older")
    lives.server.start()
    after = (await lives.look())["INBOX"]
    assert after.messages == before.messages
    await lives.live()


async def test_a_clean_end_of_a_life_without_changes(lives: Lives) -> None:
    """A server that only looked after another was killed makes the folder's word exact again."""
    await two_lives(lives)
    lives.server.close()
    lives.server.start()
    before = (await lives.look())["INBOX"]
    assert lives.server.end() == 0
    lives.lose("lost")
    lives.server.start()
    assert (await lives.look())["INBOX"].uidnext == before.uidnext


async def test_a_folder_that_nothing_can_be_promised_in(lives: Lives) -> None:
    """Where nothing says how far the uidlist is behind, UIDs go on far above it."""
    await two_lives(lives)
    assert lives.server.end() == 0
    told = lives.server.root / "maildird-told"
    told.unlink()
    told.symlink_to("nowhere")
    with uidlist_held(lives.server.root):
        lives.server.start()
        await lives.live()
        lives.server.close()
        lives.lose("lost")
        lives.server.start()
        await lives.live()
        lives.server.close()
    assert any("can't be noted" in line for line in lives.server.log)


async def test_a_mailbox_whose_uidlist_was_never_written(lives: Lives) -> None:
    """It keeps the UIDVALIDITY that was told, and gives no UID again."""
    lives.server.start()
    client = await lives.server.connect()
    lives.server.plan("EACCES 1 create .*/.Fresh/dovecot-uidlist")
    await client.do("CREATE Fresh")
    told = await client.append("Fresh", message("first"))
    await client.close()
    lives.server.close()
    assert not (lives.server.root / ".Fresh" / "dovecot-uidlist").exists()
    lives.lose("lost")
    lives.server.start()
    client = await lives.server.connect()
    again = await client.append("Fresh", message("second"))
    await client.close()
    uidvalidity, uid = (told.argument("APPENDUID") or "").split()
    uidvalidity_again, uid_again = (again.argument("APPENDUID") or "").split()
    assert uidvalidity_again == uidvalidity
    assert int(uid_again) > int(uid)


async def test_a_folder_that_no_client_opened(lives: Lives) -> None:
    """The index alone was lost: UIDVALIDITY and UIDs stay."""
    folder = lives.server.root / ".Quiet"
    for subdir in ("cur", "new", "tmp"):
        (folder / subdir).mkdir(parents=True)
    (folder / "cur" / "2.outside:2,").write_text("Subject: two\n\nx\n")
    lives.server.start()
    assert lives.server.end() == 0
    header, line = (folder / "dovecot-uidlist").read_text().splitlines()
    lives.lose("lost")
    (folder / "cur" / "1.outside:2,").write_text("Subject: one\n\nx\n")
    lives.server.start()
    box = (await lives.look())["Quiet"]
    assert header.startswith(f"3 V{box.uidvalidity} N2 ")
    assert line == "1 :2.outside:2,"
    assert uids(box) == {"two": 1, "one": 2}


async def test_a_uidlist_that_cannot_be_read(lives: Lives) -> None:
    """The mailbox is refused until it can; nothing is made anew meanwhile."""
    before = await two_lives(lives)
    assert lives.server.end() == 0
    lives.lose("lost")
    uidlist = lives.server.root / "dovecot-uidlist"
    aside = uidlist.rename(lives.server.directory / "aside")
    uidlist.symlink_to(uidlist)
    lives.server.start()
    client = await lives.server.connect()
    selected = await client.say("SELECT INBOX")
    assert selected.tagged.code == "UNAVAILABLE"
    assert uidlist.is_symlink()
    uidlist.unlink()
    aside.rename(uidlist)
    await client.close()
    assert uids((await lives.look())["INBOX"]).items() >= uids(before["INBOX"]).items()
    assert lives.server.end() == 0
    assert any(str(uidlist) in line for line in lives.server.log)


async def test_a_uidlist_that_is_garbage(lives: Lives) -> None:
    """The mailbox gets a higher UIDVALIDITY; what stood there is kept for who can repair it."""
    before = await two_lives(lives)
    assert lives.server.end() == 0
    lives.lose("lost")
    uidlist = lives.server.root / "dovecot-uidlist"
    garbage = b"\0" * 100 + uidlist.read_bytes()[100:]
    uidlist.write_bytes(garbage)
    lives.server.start()
    after = await lives.look()
    assert after["INBOX"].uidvalidity > before["INBOX"].uidvalidity
    assert after["INBOX"].subjects == before["INBOX"].subjects
    assert lives.server.end() == 0
    (kept,) = lives.server.root.glob("dovecot-uidlist.damaged-*")
    assert kept.read_bytes() == garbage
    assert len([line for line in lives.server.log if "new UIDVALIDITY" in line]) == 1
    lives.lose("lost")
    lives.server.start()
    assert (await lives.look())["INBOX"].messages == after["INBOX"].messages


async def test_an_index_from_before_the_uidvalidity_was_another(lives: Lives) -> None:
    """The mailbox is what it was last, not what the old index knows."""
    await two_lives(lives)
    assert lives.server.end() == 0
    lives.lose("lost")
    (lives.server.root / "dovecot-uidlist").write_bytes(b"garbage\n")
    lives.server.start()
    before = (await lives.look())["INBOX"]
    assert lives.server.end() == 0
    lives.lose("older")
    lives.server.start()
    after = (await lives.look())["INBOX"]
    assert after.uidvalidity == before.uidvalidity
    assert after.messages == before.messages


async def test_a_new_mailbox_heeds_the_uidvalidities_that_were_found(lives: Lives) -> None:
    """Also where the clock has not come so far yet."""
    for subdir in ("cur", "new", "tmp"):
        (lives.server.root / subdir).mkdir(parents=True)
    ahead = int(time.time()) + 10_000
    (lives.server.root / "dovecot-uidlist").write_text(f"3 V{ahead} N1\n")
    lives.server.start()
    client = await lives.server.connect()
    await client.do("CREATE other")
    await client.close()
    assert (await lives.look())["other"].uidvalidity > ahead


def change(root: Path) -> str:
    """Another program removes, reflags and delivers a message; gives the subject of the first."""
    removed, reflagged, *_ = sorted((root / "cur").iterdir())
    gone = removed.read_text().partition("\n")[0].removeprefix("Subject: ")
    removed.unlink()
    reflagged.rename(reflagged.with_name(reflagged.name.partition(":2,")[0] + ":2,FR"))
    (root / "new" / "1.outside").write_text("Subject: from outside\n\nx\n")
    return gone


def uids(box: Box) -> dict[str, int]:
    """The UID of each message by its subject."""
    return {message.subject: uid for uid, message in box.messages.items()}


@contextmanager
def uidlist_held(root: Path) -> Iterator[None]:
    """Another program holds the lock of INBOX's uidlist."""
    lock = root / "dovecot-uidlist.lock"
    lock.unlink(missing_ok=True)
    lock.write_text(f"{os.getpid()}:{socket.gethostname()}")
    yield
    lock.unlink()
