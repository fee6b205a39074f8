"""The index is damaged, replaced or taken away: the server serves the same mail all the same."""

import os
import random
import shutil
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import trio

from maildird.index.batches import Batch
from maildird.index.environment import Index
from tests.durability.scenarios import COPIES, literal
from tests.durability.seen import Known, World, look
from tests.durability.server import Server
from tests.index.building import FACTS
from tests.rfc7162.client import Client

PAGE = 4096

pytestmark = pytest.mark.parametrize("layout", ["maildir++"])

Damage = Callable[[Path], None]


def cut(pages: float) -> Damage:
    """So many pages are left; below 1, such a part of them."""

    def damage(file: Path) -> None:
        there = file.stat().st_size // PAGE
        os.truncate(file, int(there * pages if pages < 1 else pages) * PAGE)

    return damage


def cut_at_root(file: Path) -> None:
    """The page from which all tables are found is missing, and all behind it.

    The last pages may be free ones, which nobody misses. `MDB_meta` in LMDB's mdb.c tells where the
    root of the main database is: 128 octets from the start of a meta page, its transaction at 144.
    """
    octets = file.read_bytes()
    metas = [struct.unpack_from("=Q8xQ", octets, at + 128) for at in (0, PAGE)]
    root, _ = max(metas, key=lambda meta: int(meta[1]))
    os.truncate(file, root * PAGE)


def overwrite(what: Callable[[bytes, random.Random], bytes], seed: int) -> Damage:
    """Other octets in place of every fourth page."""

    def damage(file: Path) -> None:
        chance = random.Random(seed)
        octets = bytearray(file.read_bytes())
        for at in range(seed % 4 * PAGE, len(octets), 4 * PAGE):
            octets[at : at + PAGE] = what(bytes(octets), chance)
        file.write_bytes(octets)

    return damage


def another_page(octets: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(octets) // PAGE) * PAGE
    return octets[at : at + PAGE]


def flip(seed: int) -> Damage:
    """One bit in each page."""

    def damage(file: Path) -> None:
        chance = random.Random(seed)
        octets = bytearray(file.read_bytes())
        for at in range(0, len(octets), PAGE):
            octets[at + chance.randrange(64)] ^= 1 << chance.randrange(8)
        file.write_bytes(octets)

    return damage


def swap_metas(file: Path) -> None:
    octets = file.read_bytes()
    file.write_bytes(octets[PAGE : 2 * PAGE] + octets[:PAGE] + octets[2 * PAGE :])


def replace_by(make: Callable[[Path], None]) -> Damage:
    """Something else stands there."""

    def damage(file: Path) -> None:
        file.unlink()
        make(file)

    return damage


DAMAGES: dict[str, Damage] = {
    "empty": cut(0),
    "one octet": lambda file: os.truncate(file, 1),
    "one page": cut(1),
    "half": cut(0.5),
    "no root": cut_at_root,
    "zeros in metas": overwrite(lambda octets, chance: bytes(PAGE), 4),
    "zeros": overwrite(lambda octets, chance: bytes(PAGE), 2),
    "noise in metas": overwrite(lambda octets, chance: chance.randbytes(PAGE), 1),
    "noise": overwrite(lambda octets, chance: chance.randbytes(PAGE), 3),
    "other pages": overwrite(another_page, 3),
    "bits": flip(1),
    "metas swapped": swap_metas,
    "a directory": replace_by(Path.mkdir),
    "a FIFO": replace_by(os.mkfifo),
    "a link to nowhere": replace_by(lambda file: file.symlink_to(file.with_name("nowhere"))),
}


async def fill(client: Client) -> None:
    """Mailboxes with messages, flags, a keyword and gaps."""
    await client.do(f"CREATE {COPIES}")
    await client.do(f"APPEND INBOX {' '.join(literal(f'message {n}') for n in range(60))}")
    await client.do("SELECT INBOX")
    await client.do("STORE 2:9 +FLAGS (\\Flagged word)")
    await client.do("COPY 1:30 copies")
    await client.do("STORE 4:20 +FLAGS (\\Deleted)")
    await client.do("EXPUNGE")
    await client.do("FETCH 1:* (ENVELOPE BODYSTRUCTURE)")


async def see(server: Server, known: Known) -> World:
    """What a client sees, which agrees with all that was told before."""
    client = await server.connect()
    world = await look(client)
    known.hear(world)
    await known.visit(client, world)
    await client.close()
    return world


def as_told(world: World) -> object:
    """What must not change. The other numbers may rise, and `Known` looks after those."""
    return {
        name: replace(box, uidnext=0, highestmodseq=0, modseqs={}) for name, box in world.items()
    }


def data_file(server: Server) -> Path:
    (state,) = server.state.glob("*/index")
    return state / "data.mdb"


def stop(server: Server, cleanly: bool) -> None:
    if cleanly:
        assert server.end() == 0
    else:
        server.close()


@pytest.mark.parametrize("cleanly", [True, False])
async def test_a_damaged_index_is_made_anew(server: Server, cleanly: bool) -> None:
    known = Known()
    server.start()
    client = await server.connect()
    await fill(client)
    await client.close()
    before = await see(server, known)
    for name, damage in DAMAGES.items():
        stop(server, cleanly)
        damage(data_file(server))
        server.log.clear()
        server.start()
        try:
            assert as_told(await see(server, known)) == as_told(before)
            assert server.end() == 0
            assert not server.check()
            told = [line for line in server.log if "is made anew from the Maildir" in line]
            assert len(told) == (name != "a link to nowhere"), server.log
            server.start()
        except BaseException as error:
            error.add_note(f"{name}: {server.log}")
            raise


async def test_an_older_file_put_back_is_not_believed(server: Server) -> None:
    """While the server was stopped, and its seal stayed."""
    known = Known()
    server.start()
    client = await server.connect()
    await fill(client)
    await client.close()
    await see(server, known)
    assert server.end() == 0
    older = server.directory / "older"
    shutil.copy2(data_file(server), older)
    server.start()
    client = await server.connect()
    await client.append("INBOX", "Subject: newer\r\n\r\n")
    await client.do("SELECT INBOX")
    await client.do("STORE 1 +FLAGS (\\Answered)")
    await client.close()
    before = await see(server, known)
    assert server.end() == 0
    shutil.copy2(older, data_file(server))
    server.start()
    assert as_told(await see(server, known)) == as_told(before)
    assert server.end() == 0
    assert any("it was changed after it had been closed" in line for line in server.log)
    assert not server.check()


async def test_the_state_directory_may_be_deleted_while_the_server_runs(server: Server) -> None:
    """Sessions end with BYE, the next login opens the account anew, and nothing is lost."""
    known = Known()
    server.start()
    client = await server.connect()
    await fill(client)
    before = await see(server, known)
    shutil.rmtree(server.state)
    assert as_told(await see(server, known)) == as_told(before)
    assert await ending(client) == (
        b"* BYE your account is closed and may be opened anew; connect again"
    )
    await client.close()
    assert server.end() == 0
    assert any("was deleted while it was in use" in line for line in server.log), server.log
    assert not server.check()
    server.start()
    assert as_told(await see(server, known)) == as_told(before)


async def ending(client: Client) -> bytes:
    """The last line that a client hears of a server that ends its session, or ends itself."""
    heard = b""
    with trio.fail_after(20), suppress(trio.BrokenResourceError):
        while octets := await client.stream.receive_some():
            heard += octets
    return heard.splitlines()[-1] if heard else b""


async def test_what_is_appended_after_the_index_was_deleted_is_kept_or_refused(
    server: Server,
) -> None:
    known = Known()
    server.start()
    client = await server.connect()
    await fill(client)
    data_file(server).unlink()
    answered = await client.say("APPEND INBOX " + literal("afterwards"))
    await client.close()
    world = await see(server, known)
    there = "afterwards" in world["INBOX"].subjects
    assert there == (answered.tagged.condition == "OK")


async def test_a_file_cut_short_while_the_server_runs(server: Server) -> None:
    """SIGBUS may end the server, which maps it; what comes next serves the same mail."""
    known = Known()
    server.start()
    client = await server.connect()
    await fill(client)
    before = await see(server, known)
    os.truncate(data_file(server), 2 * PAGE)
    await client.begin("SELECT copies")
    await client.begin("FETCH 1:* (FLAGS ENVELOPE)")
    await ending(client)
    await client.close()
    server.close()
    server.start()
    assert as_told(await see(server, known)) == as_told(before)
    assert server.end() == 0
    assert not server.check()


async def test_check_says_what_is_damaged_and_what_to_do(server: Server) -> None:
    server.start()
    client = await server.connect()
    await fill(client)
    await client.close()
    assert server.end() == 0
    DAMAGES["noise"](data_file(server))
    (finding,) = server.check()
    assert "is damaged: page" in finding
    assert finding.endswith("a server that starts makes it anew from the Maildir")


async def test_what_the_index_says_of_a_message_gives_way_to_its_file(server: Server) -> None:
    """Facts that are wrong, and a file that another program wrote anew."""
    server.start()
    client = await server.connect()
    await client.append("INBOX", "Subject: one\r\n\r\n" + "1\r\n" * 50)
    await client.append("INBOX", "Subject: two\r\n\r\n" + "2\r\n" * 50)
    await client.close()
    assert server.end() == 0
    change_facts(data_file(server).parent)
    (file,) = (path for path in server.root.glob("*/*") if b"two" in path.read_bytes())
    file.write_bytes(b"Subject: rather long\n\n" + b"2\n" * 500)
    server.start()
    client = await server.connect()
    await client.do("SELECT INBOX")
    wanted = [
        b"Subject: one\r\n\r\n" + b"1\r\n" * 50,
        b"Subject: rather long\r\n\r\n" + b"2\r\n" * 500,
    ]
    for _ in range(2):
        fetched = await client.do("FETCH 1:2 (BODY.PEEK[] RFC822.SIZE BODY.PEEK[]<0.2000>)")
        for each, content in zip(fetched.fetches.values(), wanted, strict=True):
            assert each.items["BODY[]"] == content
            assert each.items["BODY[]<0>"] == content
    assert [each.items["RFC822.SIZE"] for each in fetched.fetches.values()] == [
        str(len(content)) for content in wanted
    ]
    await client.close()


def change_facts(directory: Path) -> None:
    """Both messages have another size in the index, and nothing right."""
    index = Index.open(os.fsencode(directory))
    with index.snapshot() as snapshot:
        (row,) = snapshot.mailboxes()
    for uid in (1, 2):
        index.write(partial(Batch.put_facts, mailbox=row.id, uid=uid, facts=FACTS))
    index.close()
