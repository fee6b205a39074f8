"""Which index is believed, which is inspected, and what becomes of one that is damaged."""

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import fields
from functools import partial
from itertools import chain
from pathlib import Path

import lmdb
import pytest

from maildird.index import inspection
from maildird.index.batches import Batch
from maildird.index.environment import Index
from maildird.index.inspection import find_damage
from maildird.index.opening import find_damage_beside_its_holder
from maildird.index.pages import PageFault, walk
from maildird.index.schema import NUMBER, TABLE_COUNT, Tables, open_tables
from maildird.index.seal import State, break_seal, state
from maildird.terms.errors import IndexUnusable
from maildird.terms.flags import SEEN
from tests.index.building import FACTS, behind_its_back, message, put

PAGE = 4096
POSITIONS = 60
"""Places at which a file is damaged."""


def make(directory: bytes) -> bytes:
    """A closed index with mailboxes large and small and pages free again; gives its file."""
    index = Index.open(directory)
    large, small = put(index), put(index, parts=("Sent",))
    index.write(lambda batch: batch.add_many(large, [message(uid) for uid in range(1, 1_000)]))
    index.write(lambda batch: batch.add_many(small, [message(uid, 7) for uid in range(1, 9)]))
    for start in range(1, 200, 20):
        index.write(partial(learn_and_expunge, mailbox=large, uids=range(start, start + 20)))
    index.write(lambda batch: batch.put_facts(large, 7, FACTS._replace(header=b"h" * 3 * PAGE)))
    index.write(lambda batch: batch.set_mask(large, 7, 40, SEEN))
    index.close()
    return os.path.join(directory, b"data.mdb")


def learn_and_expunge(batch: Batch, mailbox: int, uids: Iterable[int]) -> None:
    """Facts of some messages, and the end of others."""
    for uid in uids:
        batch.put_facts(mailbox, uid, FACTS)
        if uid % 2:
            batch.expunge(mailbox, uid + 500, 30)


def rebuilt(directory: bytes, caplog: pytest.LogCaptureFixture) -> str | None:
    """Why opening the index made it anew, as the log says; None when it is what it was."""
    caplog.clear()
    index = Index.open(directory)
    with index.snapshot() as snapshot:
        count = len(snapshot.mailboxes())
    assert put(index, parts=("usable",))
    index.close()
    assert (count, len(caplog.records)) in [(0, 1), (2, 0)]
    return caplog.messages[0] if caplog.messages else None


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The octets of a sound file."""
    return Path(os.fsdecode(make(os.fsencode(tmp_path_factory.mktemp("sound"))))).read_bytes()


def test_a_clean_end_is_believed(directory: bytes, caplog: pytest.LogCaptureFixture) -> None:
    make(directory)
    assert state(directory) is State.WHOLE
    assert rebuilt(directory, caplog) is None


def test_the_seal_is_broken_while_the_index_is_open(directory: bytes) -> None:
    make(directory)
    index = Index.open(directory)
    assert state(directory) is State.UNKNOWN
    index.close()
    assert state(directory) is State.WHOLE


def test_without_a_seal_a_sound_index_is_kept(
    directory: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    make(directory)
    break_seal(directory)
    assert rebuilt(directory, caplog) is None


@pytest.mark.parametrize("seal", [b"", b"1 2 3", b"a b c d\n", b"\xff" * 300])
def test_a_seal_that_cannot_be_read_is_none(directory: bytes, seal: bytes) -> None:
    make(directory)
    Path(os.fsdecode(directory), "clean").write_bytes(seal)
    assert state(directory) is State.UNKNOWN


def test_a_copy_put_back_with_its_seal_is_inspected(
    directory: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    make(directory)
    place = Path(os.fsdecode(directory))
    shutil.copytree(place, place.with_name("backup"))
    shutil.rmtree(place)
    shutil.copytree(place.with_name("backup"), place)
    assert state(directory) is State.UNKNOWN
    assert rebuilt(directory, caplog) is None


def test_an_older_file_under_a_newer_seal_is_not_believed(
    directory: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    file = make(directory)
    shutil.copy2(file, file + b".backup")
    index = Index.open(directory)
    put(index, parts=("newer",))
    index.close()
    os.replace(file + b".backup", file)
    assert "changed after it had been closed" in (rebuilt(directory, caplog) or "")


def test_what_another_program_writes_unseals(directory: bytes) -> None:
    """While the index is open, without a trace in its length."""
    file = make(directory)
    index = Index.open(directory)
    with open(file, "r+b") as opened:
        opened.seek(-1, os.SEEK_END)
        opened.write(b"x")
    index.close()
    assert state(directory) is State.UNKNOWN


@pytest.mark.parametrize(
    "content",
    [b"", b"x", b"not an index\n" * 9_999, bytes(range(256)) * 64],
    ids=["nothing", "an octet", "text", "all octets"],  # short: they get into the environment
)
def test_garbage_is_set_aside(
    directory: bytes, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    os.makedirs(directory)
    Path(os.fsdecode(directory), "data.mdb").write_bytes(content)
    assert "it is made anew from the Maildir" in (rebuilt(directory, caplog) or "")
    assert Path(os.fsdecode(directory), "damaged.mdb").read_bytes() == content
    assert rebuilt_again_keeps_one_copy(directory)


def rebuilt_again_keeps_one_copy(directory: bytes) -> bool:
    file = Path(os.fsdecode(directory), "data.mdb")
    file.write_bytes(b"other garbage")
    Index.open(directory).close()
    return file.with_name("damaged.mdb").read_bytes() == b"other garbage"


@pytest.mark.parametrize("what", [os.mkfifo, os.mkdir])
def test_what_is_no_file_is_set_aside(
    directory: bytes, caplog: pytest.LogCaptureFixture, what: Callable[[bytes], None]
) -> None:
    for _ in range(2):
        os.makedirs(directory, exist_ok=True)
        file = os.path.join(directory, b"data.mdb")
        if os.path.exists(file):
            os.unlink(file)
            break_seal(directory)
        what(file)
        assert "it is no file" in (rebuilt(directory, caplog) or "")


def test_a_symbolic_link_is_followed(directory: bytes, caplog: pytest.LogCaptureFixture) -> None:
    file = make(directory)
    os.rename(file, file + b".elsewhere")
    os.symlink(file + b".elsewhere", file)
    assert rebuilt(directory, caplog) is None
    assert os.path.islink(file)


@pytest.mark.parametrize("sealed", [True, False])
@pytest.mark.parametrize("part", [0, 0.01, 0.5, 0.9])
def test_a_file_cut_short_is_set_aside(
    directory: bytes, caplog: pytest.LogCaptureFixture, sealed: bool, part: float
) -> None:
    file = make(directory)
    os.truncate(file, int(os.stat(file).st_size * part) // PAGE * PAGE)
    if not sealed:
        break_seal(directory)
    assert rebuilt(directory, caplog) is not None


def test_a_file_cut_short_after_a_clean_end_is_set_aside_though_nothing_lacks(
    directory: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    file = make(directory)
    os.truncate(file, os.stat(file).st_size - PAGE)
    assert rebuilt(directory, caplog) is not None


def test_free_pages_at_the_end_may_lack(directory: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """LMDB leaves them out itself now and then; it must not read them all the same."""
    file = make(directory)
    os.truncate(file, os.stat(file).st_size - PAGE)
    break_seal(directory)
    assert find_damage(directory) is None
    assert rebuilt(directory, caplog) is None


def damaged(octets: bytes, chance: random.Random) -> Iterator[bytes]:
    """Ways in which a page can be damaged, at some place each."""
    pages = len(octets) // PAGE
    at, other = chance.randrange(pages) * PAGE, chance.randrange(pages) * PAGE
    for page in (bytes(PAGE), chance.randbytes(PAGE), octets[other : other + PAGE]):
        yield octets[:at] + page + octets[at + PAGE :]
    yield octets[:at] + chance.randbytes(16) + octets[at + 16 :]
    flipped = bytearray(octets)
    flipped[at + chance.randrange(PAGE)] ^= 1 << chance.randrange(8)
    yield bytes(flipped)


def test_what_the_walk_lets_pass_can_be_mapped(sound: bytes, tmp_path: Path) -> None:
    """LMDB reads and writes all of it; in another process, to be safe, and never for long."""
    chance = random.Random(1)
    passed: list[Path] = []
    for octets in chain.from_iterable(damaged(sound, chance) for _ in range(POSITIONS)):
        with suppress(PageFault):
            walk(octets)
            passed.append(tmp_path / f"{len(passed)}")
            passed[-1].mkdir()
            (passed[-1] / "data.mdb").write_bytes(octets)
    assert POSITIONS < len(passed) < 4 * POSITIONS
    subprocess.run([sys.executable, "-m", "tests.index.use_all", *passed], check=True, timeout=60)


@pytest.mark.parametrize("seed", range(20))
def test_damage_is_found_or_does_no_harm(sound: bytes, tmp_path: Path, seed: int) -> None:
    """What passes the inspection says what it said before; only tombstones are not covered."""
    chance = random.Random(seed)
    unharmed = contents(write(tmp_path / "sound", sound))
    for number, octets in enumerate(damaged(sound, chance)):
        with suppress(PageFault):
            walk(octets)
            directory = write(tmp_path / f"{number}", octets)
            if find_damage(directory) is None:
                assert contents(directory) == unharmed


def write(directory: Path, octets: bytes) -> bytes:
    directory.mkdir()
    (directory / "data.mdb").write_bytes(octets)
    return os.fsencode(directory)


def contents(directory: bytes) -> dict[str, list[tuple[bytes, bytes]]]:
    """All keys and values of all tables but the tombstones."""
    environment = lmdb.open(os.fsdecode(directory), max_dbs=TABLE_COUNT, readonly=True, lock=False)
    tables = open_tables(environment)
    with environment.begin() as transaction:
        found = {
            table.name: list(transaction.cursor(getattr(tables, table.name)))
            for table in fields(Tables)
            if table.name != "gone"
        }
    environment.close()
    return found


@pytest.mark.parametrize(
    ("what", "why"),
    [
        (lambda octets: octets[PAGE : 2 * PAGE] + octets[:PAGE], "page 0 does not begin"),
        (lambda octets: octets[:PAGE] + bytes(PAGE), "page 1 does not begin"),
        (lambda octets: octets[:PAGE] + octets[:8] + bytes([1]) + octets[9:PAGE], "page 1"),
        (lambda octets: b"\1" + octets[1:PAGE] + octets[PAGE : 2 * PAGE], "page 0"),
    ],
)
def test_damaged_metas_are_found(sound: bytes, what: Callable[[bytes], bytes], why: str) -> None:
    with pytest.raises(PageFault, match=why):
        walk(what(sound[: 2 * PAGE]) + sound[2 * PAGE :])


def test_every_invariant_is_looked_at(directory: bytes) -> None:
    """What the pages don't show, the tables do."""
    make(directory)
    unseen = NUMBER.pack(9)
    behind_its_back(
        directory, lambda txn, tables: txn.put(NUMBER.pack(1), unseen, db=tables.unseen)
    )
    assert "messages are unseen, not 9" in (find_damage(directory) or "")


def test_an_index_that_is_held_is_inspected_beside_its_holder(directory: bytes) -> None:
    make(directory)
    index = Index.open(directory)
    mailbox = put(index, parts=("new",))
    assert find_damage_beside_its_holder(directory) is None
    index.write(lambda batch: batch.add_many(mailbox, [message(1)]))
    assert find_damage_beside_its_holder(directory) is None
    index.close()
    assert find_damage_beside_its_holder(directory) is None


def test_where_no_index_is_none_can_be_damaged(directory: bytes) -> None:
    with pytest.raises(IndexUnusable, match="can't be opened"):
        find_damage_beside_its_holder(directory)


@pytest.mark.parametrize(
    ("program", "damage"),
    [
        ("print('reading', flush=True); os.kill(os.getpid(), 11)", "to read it ends in SIGSEGV"),
        ("print('reading'); 1 / 0", "ZeroDivisionError: division by zero"),
        ("print('reading'); sys.exit(3)", "to read it ends with status 3"),
        ("print('reading'); print('one')", "one"),
        ("print('reading'); print('one'); print('two')", "one; and more"),
        ("print('reading', flush=True); time.sleep(60)", "to read it takes longer than 1 s"),
    ],
)
def test_whatever_becomes_of_the_inspection_is_an_answer(
    directory: bytes, monkeypatch: pytest.MonkeyPatch, program: str, damage: str
) -> None:
    make(directory)
    monkeypatch.setattr(inspection, "_PROGRAM", f"import os, sys, time\n{program}")
    monkeypatch.setattr(inspection, "TIME", 0.9)
    assert find_damage(directory) == damage


def test_an_inspection_that_does_not_begin_says_nothing_of_the_index(
    directory: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broken installation costs no index."""
    file = Path(os.fsdecode(make(directory)))
    before = file.read_bytes()
    break_seal(directory)
    with monkeypatch.context() as patch:
        patch.setattr(inspection, "_PROGRAM", "import no_such_module")
        with pytest.raises(IndexUnusable, match=r"can't be inspected .*no_such_module"):
            Index.open(directory)
    assert file.read_bytes() == before
    Index.open(directory).close()


def test_an_index_that_may_not_be_read_is_refused(directory: bytes) -> None:
    file = Path(os.fsdecode(make(directory)))
    before = file.read_bytes()
    program = """
import os, sys
from maildird.index.environment import Index
if not os.geteuid():
    os.seteuid(65534)
Index.open(os.fsencode(sys.argv[1]))
"""
    os.chmod(file.parent, 0)
    ended = subprocess.run(
        [sys.executable, "-c", program, directory], capture_output=True, text=True, check=False
    )
    os.chmod(file.parent, 0o700)
    (_, last) = ended.stderr.splitlines()[-2:]
    assert "IndexUnusable: no index can be kept in " in last
    assert "Permission denied" in last
    assert file.read_bytes() == before
