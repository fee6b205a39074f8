"""The index is lost, or restored from a backup: clients still end with exactly the mailbox.

Theory of operation. A server lives through mail that comes, changes and goes, and is ended or
killed. Its index is deleted or replaced by an older copy, other programs may change the Maildir
meanwhile, and a new server begins. Clients with QRESYNC who came at whatever time come back.
"""

import os
import re
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.durability.scenarios import LETTERS, message
from tests.durability.seen import Box, Known, World, look
from tests.durability.server import Server
from tests.rfc7162.client import Client

pytestmark = pytest.mark.parametrize("layout", ["maildir++"])

LOSSES = ["lost", "older", "oldest"]
"""The index is deleted; is that of the last clean end; or that of the one before."""

NEITHER = r"EACCES 1+ ^(open to write|unlink) \S+/maildird-told$"
"""An immutable file: what it promises can neither be kept nor ended."""


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
        """Mail comes, is told of, changes and goes, some of it never heard of by the uidlist.

        The keyword `word` has no letter.
        """
        client = await self.server.connect()
        for _ in range(3):
            await self.append(client)
        await client.do("SELECT INBOX")
        await client.do(f"STORE 1 +FLAGS.SILENT ({LETTERS})")
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


def let_the_clock_pass(moment: int) -> None:
    """Wait until it is later (s since 1970)."""
    while time.time() <= moment:
        time.sleep(0.05)


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


async def test_a_uidlist_without_a_header(lives: Lives) -> None:
    """UIDVALIDITY stands in the folder's other file, and the lines say their UIDs."""
    before = (await two_lives(lives))["INBOX"]
    assert lives.server.end() == 0
    lives.lose("lost")
    uidlist = lives.server.root / "dovecot-uidlist"
    _header, lines = uidlist.read_bytes().split(b"\n", 1)
    uidlist.write_bytes(b"garbage\n" + lines)
    lives.server.start()
    after = (await lives.look())["INBOX"]
    assert after.uidvalidity == before.uidvalidity
    assert uids(after) == uids(before)
    assert len(list(lives.server.root.glob("dovecot-uidlist.damaged-*"))) == 1


async def test_a_uidlist_that_is_garbage(lives: Lives) -> None:
    """The mailbox gets a higher UIDVALIDITY; what stood there is kept for who can repair it."""
    before = await two_lives(lives)
    assert lives.server.end() == 0
    let_the_clock_pass(int(time.time()) + 4)  # nothing else tells what was given
    lives.lose("lost")
    (lives.server.root / "maildird-told").unlink()
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
    given = max(box.uidvalidity for box in (await two_lives(lives)).values())
    assert lives.server.end() == 0
    let_the_clock_pass(given + 1)  # nothing else tells what was given
    lives.lose("lost")
    (lives.server.root / "dovecot-uidlist").write_bytes(b"garbage\n")
    (lives.server.root / "maildird-told").unlink()
    lives.server.start()
    before = (await lives.look())["INBOX"]
    assert lives.server.end() == 0
    lives.lose("older")
    lives.server.start()
    after = (await lives.look())["INBOX"]
    assert after.uidvalidity == before.uidvalidity
    assert after.messages == before.messages


async def test_an_index_from_before_the_mailbox_was_made_anew(lives: Lives) -> None:
    """DELETE and CREATE of its name: another mailbox, also in a directory of the same inode."""
    folder = lives.server.root / ".Again"
    aside = lives.server.directory / "aside"
    lives.server.start()
    client = await lives.server.connect()
    await client.do("CREATE Again")
    await client.append("Again", message("first"))
    await client.close()
    lives.end()
    folder.rename(aside)
    lives.server.start()
    client = await lives.server.connect()
    await client.do("CREATE Again")
    await client.append("Again", message("second"))
    await client.close()
    before = (await lives.look())["Again"]
    assert lives.server.end() == 0
    empty(aside)
    for each in folder.iterdir():
        each.rename(aside / each.name)
    folder.rmdir()
    aside.rename(folder)
    lives.lose("older")
    lives.server.start()
    after = (await lives.look())["Again"]
    assert after.uidvalidity == before.uidvalidity
    assert uids(after) == uids(before)


@pytest.mark.parametrize("loss", ["lost", "older"])
@pytest.mark.parametrize("is_in_place", [False, True], ids=["made anew", "written over"])
async def test_a_maildir_from_a_backup(lives: Lives, loss: str, is_in_place: bool) -> None:
    """With the index of then or without one: what was told since is told of nothing else."""
    await two_lives(lives)
    lives.end()
    backup = lives.server.directory / "Maildir backup"
    shutil.copytree(lives.server.root, backup)
    yesterday = time.time() - 24 * 60 * 60
    os.utime(backup / "maildird-told", (yesterday, yesterday))
    lives.server.start()
    before = (await lives.look())["INBOX"]
    await lives.live()
    assert lives.server.end() == 0
    if not is_in_place:
        shutil.rmtree(lives.server.root)
    for subdir in ("cur", "new"):
        shutil.rmtree(lives.server.root / subdir, ignore_errors=True)
    shutil.copytree(backup, lives.server.root, dirs_exist_ok=True)
    lives.lose(loss)
    lives.server.start()
    client = await lives.server.connect()
    uid = await lives.append(client)
    await client.close()
    after = (await lives.look())["INBOX"]
    assert uid > before.uidnext + 1000
    assert after.uidvalidity == before.uidvalidity
    assert uids(after).items() >= uids(before).items()
    await lives.live()
    assert not lives.server.check()


async def test_a_maildir_that_is_moved(lives: Lives) -> None:
    """With its index to another disk, say: no message gets another UID."""
    await two_lives(lives)
    before = (await lives.look())["INBOX"]
    assert lives.server.end() == 0
    original = lives.server.root.rename(lives.server.directory / "original")
    shutil.copytree(original, lives.server.root)
    lives.server.start()
    after = (await lives.look())["INBOX"]
    assert after.uidvalidity == before.uidvalidity
    assert after.messages == before.messages
    await lives.live()


@pytest.mark.parametrize("loss", ["lost", "older"])
async def test_a_promise_that_can_be_made_no_more(lives: Lives, loss: str) -> None:
    """What was told exactly holds no longer then."""
    await two_lives(lives)
    lives.end()
    with uidlist_held(lives.server.root):
        lives.server.start()
        lives.server.plan("ENOSPC 1+ write .*/maildird-told")
        await lives.live()
        lives.server.close()
        lives.lose(loss)
        lives.server.start()
        await lives.live()
        lives.server.close()


async def test_a_promise_that_can_neither_be_made_nor_ended(lives: Lives) -> None:
    """No client adds mail then; all else goes on."""
    await two_lives(lives)
    assert lives.server.end() == 0
    lives.server.start()
    lives.server.plan(NEITHER)
    client = await lives.server.connect()
    await client.do("SELECT INBOX")
    await client.do("STORE 1 +FLAGS (\\Flagged)")
    refused = await client.say("APPEND INBOX {3+}\r\na\r\n")
    assert refused.tagged.code == "UNAVAILABLE"
    (lives.server.root / "new" / "1.outside").write_text("Subject: from outside\n\nx\n")
    assert "from outside" in uids((await lives.look())["INBOX"])
    lives.server.plan("rest")
    await lives.append(client)
    await client.close()
    assert lives.server.end() == 0
    assert not lives.server.check()


@pytest.mark.parametrize("is_over", [True, False])
async def test_what_was_told_beyond_a_promise_that_could_not_be_ended(
    lives: Lives, is_over: bool
) -> None:
    """Flags and mail of others were told all the same; then the index was lost with a kill."""
    await two_lives(lives)
    lives.server.close()
    lives.lose("lost")
    lives.server.start()  # its MODSEQs are ahead of the clock
    await lives.look()
    assert lives.server.end() == 0
    with uidlist_held(lives.server.root):
        lives.server.start()
        lives.server.plan(NEITHER)
        client = await lives.server.connect()
        await client.do("SELECT INBOX")
        for number in (1, 2):
            (lives.server.root / "new" / f"{number}.outside").write_text(f"Subject: {number}\n\n")
            await client.do(f"STORE {number} +FLAGS (\\Flagged)")
            await lives.look()
        for name in ("\\Answered", "\\Draft", "\\Seen"):
            await client.do(f"STORE 2 +FLAGS ({name})")
            await lives.look()
        await client.close()
        lives.server.close()
    lives.lose("lost")
    if is_over:
        lives.server.start()
    else:
        (outside,) = (lives.server.root / "cur").glob("1.outside*")
        outside.unlink()
        lives.server.start(NEITHER)
    await lives.look()
    assert not lives.server.check()


@pytest.mark.parametrize("kind", ["fifo", "directory"])
@pytest.mark.parametrize("loss", ["lost", "older"])
async def test_what_is_no_file_says_nothing(lives: Lives, kind: str, loss: str) -> None:
    """It is not waited for, and counts as a folder in which nothing can be promised."""
    await two_lives(lives)
    lives.end()
    told = lives.server.root / "maildird-told"
    told.unlink()
    {"fifo": os.mkfifo, "directory": os.mkdir}[kind](told)
    lives.lose(loss)
    lives.server.start()
    await lives.live()
    assert lives.server.end() == 0
    assert len([line for line in lives.server.log if "can't be noted" in line]) == 1


async def test_an_old_index_of_a_folder_that_nothing_can_be_promised_in(lives: Lives) -> None:
    """UIDs go on far above what the old index and the uidlist know."""
    lives.server.start()
    assert lives.server.end() == 0
    told = lives.server.root / "maildird-told"
    told.unlink()
    told.symlink_to("nowhere")
    lives.server.start()
    await lives.live()
    lives.end()
    with uidlist_held(lives.server.root):
        lives.server.start()
        await lives.live()
        lives.server.close()
        lives.lose("older")
        lives.server.start()
        await lives.live()
        lives.server.close()


async def test_a_folder_that_was_copied(lives: Lives) -> None:
    """The copy is a mailbox of its own, also when it gets the name of the other one later."""
    lives.server.start()
    client = await lives.server.connect()
    await client.do("CREATE One")
    await client.append("One", message("first"))
    await client.close()
    assert lives.server.end() == 0
    shutil.copytree(lives.server.root / ".One", lives.server.root / ".Two")
    lives.server.start()
    client = await lives.server.connect()
    told = {}
    for name in ("One", "Two"):
        appended = await client.append(name, message(f"of {name}"))
        told[name] = appended.argument("APPENDUID")
    assert told["One"] != told["Two"]
    await lives.look()
    await client.do("DELETE One")
    await client.do("RENAME Two One")
    await client.close()
    assert "of Two" in uids((await lives.look())["One"])
    lives.server.close()
    lives.lose("lost")
    lives.server.start()
    assert "of Two" in uids((await lives.look())["One"])


@pytest.mark.parametrize("loss", ["none", "lost"])
async def test_a_uidlist_that_another_server_began_anew(lives: Lives, loss: str) -> None:
    """Its UIDVALIDITY is the higher one, and its UIDs count."""
    await two_lives(lives)
    before = (await lives.look())["INBOX"]
    assert lives.server.end() == 0
    uidlist = lives.server.root / "dovecot-uidlist"
    names = [line.partition(" :")[2] for line in uidlist.read_text().splitlines()[1:]]
    lines = [f"{uid} :{name}\n" for uid, name in enumerate(reversed(names), 1)]
    uidvalidity = before.uidvalidity + 1000
    header = f"3 V{uidvalidity} N{len(names) + 1} G{'ab' * 16}\n"
    uidlist.write_text(header + "".join(lines))
    if loss != "none":
        lives.lose(loss)
    lives.server.start()
    after = (await lives.look())["INBOX"]
    assert after.uidvalidity == uidvalidity
    order = sorted(uids(before), key=lambda subject: -uids(before)[subject])
    assert uids(after) == {subject: uid for uid, subject in enumerate(order, 1)}


async def test_uids_that_are_used_up(lives: Lives) -> None:
    """The mailbox gets another UIDVALIDITY; no UID or UIDNEXT has more than 32 bits."""
    before = (await two_lives(lives))["INBOX"]
    assert lives.server.end() == 0
    uidlist = lives.server.root / "dovecot-uidlist"
    header, lines = uidlist.read_text().split("\n", 1)
    uidlist.write_text(re.sub(r" N\d+", f" N{2**32 - 1}", header) + "\n" + lines)
    (lives.server.root / "maildird-told").unlink()
    lives.lose("lost")
    lives.server.start()
    after = (await lives.look())["INBOX"]
    assert after.uidvalidity > before.uidvalidity
    assert after.subjects == before.subjects
    assert after.uidnext < 1000
    await lives.live()


async def test_uids_that_are_used_up_with_an_index(lives: Lives) -> None:
    """The same where the index is there, and the folder says so in its other file."""
    before = (await two_lives(lives))["INBOX"]
    assert lives.server.end() == 0
    told = lives.server.root / "maildird-told"
    told.write_text(re.sub(r" N\d+", f" N{2**32 - 1}", told.read_text()))
    lives.server.start()
    after = (await lives.look())["INBOX"]
    assert after.uidvalidity > before.uidvalidity
    assert after.subjects == before.subjects
    assert after.uidnext < 1000
    await lives.live()


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


def empty(directory: Path) -> None:
    """Remove all that a directory has."""
    for each in directory.iterdir():
        shutil.rmtree(each) if each.is_dir() else each.unlink()


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
