"""Opening, closing, isolation, growth, and what is refused."""

import errno
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import lmdb
import pytest

from maildird.index.batches import Batch
from maildird.index.check import check
from maildird.index.environment import Index
from maildird.index.rows import MessageRow
from maildird.index.schema import VERSION, VERSION_KEY
from maildird.index.seal import break_seal
from maildird.terms.codes import Code
from maildird.terms.errors import IndexUnusable, Refused
from maildird.terms.flags import SEEN
from tests.index.building import FACTS, INBOX, behind_its_back, message, put

MIB = 1 << 20


def in_thread(work: Callable[[], object]) -> None:
    """Run `work` in a thread of its own to its end."""
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def in_process(program: str, directory: bytes) -> str:
    """What another process prints that runs `program` with `directory` as its argument."""
    script = f"import os, sys\nfrom maildird.index.environment import Index\n{program}"
    command = [sys.executable, "-c", script, os.fsdecode(directory)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def fill(index: Index, mailbox: int, count: int) -> None:
    """Add messages, 500 in one batch."""
    for start in range(1, count, 500):
        messages = [message(uid) for uid in range(start, start + 500)]
        index.write(partial(Batch.add_many, mailbox=mailbox, messages=messages))


def test_what_was_written_is_there_after_reopening(directory: bytes) -> None:
    index = Index.open(directory)
    mailbox = put(index)
    index.write(lambda batch: batch.add_many(mailbox, [message(1), message(2)]))
    index.close()
    index = Index.open(directory)
    with index.snapshot() as snapshot:
        assert snapshot.columns(mailbox).uids.tolist() == [1, 2]
        assert [row.parts for row in snapshot.mailboxes()] == [INBOX.parts]
    index.close()


def test_a_killed_process_leaves_what_it_committed(directory: bytes) -> None:
    program = """
from tests.index.building import message, put
index = Index.open(os.fsencode(sys.argv[1]))
mailbox = put(index)
index.write(lambda batch: batch.add_many(mailbox, [message(1)]))
def work(batch):
    batch.add_many(mailbox, [message(2)])
    os.kill(os.getpid(), 9)
index.write(work)
"""
    with pytest.raises(subprocess.CalledProcessError):
        in_process(program, directory)
    index = Index.open(directory)
    with index.snapshot() as snapshot:
        (row,) = snapshot.mailboxes()
        assert snapshot.columns(row.id).uids.tolist() == [1]
        assert check(snapshot) == []
    index.close()


def test_only_the_owner_may_read_it(directory: bytes, index: Index) -> None:
    assert stat.S_IMODE(os.stat(directory).st_mode) == 0o700
    files = [entry for entry in os.scandir(directory) if entry.is_file()]
    assert {stat.S_IMODE(entry.stat().st_mode) for entry in files} == {0o600}


def test_a_snapshot_does_not_see_later_writes(index: Index) -> None:
    mailbox = put(index)
    index.write(lambda batch: batch.add_many(mailbox, [message(1)]))
    with index.snapshot() as before:
        in_thread(lambda: index.write(lambda batch: batch.set_mask(mailbox, 1, 7, SEEN)))
        with index.snapshot() as after:
            assert before.message(mailbox, 1) == MessageRow(1, 1, 0)
            assert after.message(mailbox, 1) == MessageRow(1, 7, SEEN)
            assert (before.unseen_count(mailbox), after.unseen_count(mailbox)) == (1, 0)


def test_errors_that_are_kept_hold_no_reader_slot(index: Index) -> None:
    """LMDB has 126; an error keeps the frames that it passed, and what stands in them."""
    kept = []

    def fail() -> None:
        with index.snapshot() as snapshot:
            assert snapshot.mailboxes() == []
            raise OSError
        raise AssertionError

    for _ in range(200):
        try:
            fail()
        except OSError as error:
            kept.append(error)
    assert len(kept) == 200


def test_writing_and_closing_inside_a_snapshot_are_refused(index: Index) -> None:
    with index.snapshot():
        with pytest.raises(RuntimeError, match="end the snapshot"):
            index.write(lambda batch: None)
        with pytest.raises(RuntimeError, match="end the snapshot"):
            index.close()


def test_writing_inside_a_write_is_refused(index: Index) -> None:
    with pytest.raises(RuntimeError, match="end the snapshot"):
        index.write(lambda batch: index.write(lambda inner: None))


def test_the_map_grows_before_it_is_full(directory: bytes) -> None:
    index = Index.open(directory, map_size=MIB)
    mailbox = put(index)
    fill(index, mailbox, 10_000)
    with index.snapshot() as snapshot:
        assert snapshot.message_count(mailbox) == 10_000
    assert os.stat(os.path.join(directory, b"data.mdb")).st_size > 2 * MIB
    index.close()


def test_the_map_grows_when_the_last_snapshot_ended(directory: bytes) -> None:
    index = Index.open(directory, map_size=MIB)
    mailbox = put(index)

    filling = threading.Thread(target=fill, args=(index, mailbox, 5_000))
    filling.start()
    while filling.is_alive():
        with index.snapshot() as snapshot, index.snapshot() as same_thread:
            uids = snapshot.columns(mailbox).uids
            assert len(uids) == snapshot.message_count(mailbox)
            assert len(same_thread.columns(mailbox).uids) >= len(uids)
    filling.join()
    with index.snapshot() as snapshot:
        assert snapshot.message_count(mailbox) == 5_000
    index.close()


def test_a_full_map_undoes_the_batch_and_the_next_has_room(directory: bytes) -> None:
    index = Index.open(directory, map_size=MIB)
    mailbox = put(index)
    messages = [message(uid) for uid in range(1, 8_000)]
    with pytest.raises(Refused, match="was full") as refused:
        index.write(lambda batch: batch.add_many(mailbox, messages))
    assert refused.value.code is Code.UNAVAILABLE
    with index.snapshot() as snapshot:
        assert snapshot.message_count(mailbox) == 0
        assert check(snapshot) == []
    for _ in range(2):
        try:
            index.write(lambda batch: batch.add_many(mailbox, messages))
        except Refused:
            continue
        break
    with index.snapshot() as snapshot:
        assert snapshot.message_count(mailbox) == 7_999
    index.close()


def test_a_full_disk_undoes_the_batch(directory: bytes) -> None:
    program = """
import resource
from maildird.terms.errors import Refused
from tests.index.building import message, put
index = Index.open(os.fsencode(sys.argv[1]))
mailbox = put(index)
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 18, 1 << 18))
try:
    index.write(lambda batch: batch.add_many(mailbox, [message(n) for n in range(1, 9999)]))
except Refused as refused:
    print(refused.code.value, "disk" in str(refused))
index.write(lambda batch: batch.add_many(mailbox, [message(5)]))
with index.snapshot() as snapshot:
    print(snapshot.columns(mailbox).uids.tolist())
"""
    assert in_process(program, directory) == "UNAVAILABLE True\n[5]\n"


def make_and_drop(batch: Batch, size: int) -> None:
    """A mailbox that comes and goes, with `size` octets of facts."""
    passing = batch.put_mailbox(replace(INBOX, parts=("passing",))).id
    batch.add_many(passing, [message(1)])
    batch.put_facts(passing, 1, FACTS._replace(header=b"h" * size))
    batch.drop_mailbox(passing)


def use_pages(index: Index) -> int:
    """A mailbox in an index that has free pages; gives its id."""
    mailbox = put(index)
    for _ in range(5):
        index.write(partial(make_and_drop, size=MIB))
    return mailbox


def add_and_free_pages(batch: Batch, mailbox: int) -> None:
    """Add message 5, and leave pages free at the end of the file, which LMDB then leaves out."""
    batch.add_many(mailbox, [message(5)])
    make_and_drop(batch, 4 * MIB)


def fail_to_lengthen(patch: pytest.MonkeyPatch, trouble: Exception) -> list[int]:
    """Have the system's call fail that lengthens the file; gives the lengths asked for."""
    asked: list[int] = []

    def failing(_path: bytes, length: int) -> None:
        asked.append(length)
        raise trouble

    patch.setattr(os, "truncate", failing)
    return asked


@pytest.mark.parametrize(
    "trouble",
    [
        lmdb.Error("mdb_env_sync: Input/output error"),
        lmdb.Error("mdb_env_sync: Bad file descriptor"),
        OSError(errno.EMFILE, os.strerror(errno.EMFILE)),
    ],
)
def test_what_fails_after_a_commit_does_not_undo_it(
    index: Index, monkeypatch: pytest.MonkeyPatch, trouble: Exception
) -> None:
    mailbox = use_pages(index)
    with monkeypatch.context() as patch:
        asked = fail_to_lengthen(patch, trouble)
        index.write(partial(add_and_free_pages, mailbox=mailbox))
    assert asked
    index.write(lambda batch: batch.add_many(mailbox, [message(6)]))
    with index.snapshot() as snapshot:
        assert snapshot.columns(mailbox).uids.tolist() == [5, 6]


def test_damage_that_shows_after_a_commit_is_told_at_the_next_write(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailbox = use_pages(index)
    panic = lmdb.PanicError("mdb_env_sync: MDB_PANIC")
    with monkeypatch.context() as patch:
        fail_to_lengthen(patch, panic)
        index.write(partial(add_and_free_pages, mailbox=mailbox))
    with pytest.raises(IndexUnusable, match="MDB_PANIC"):
        index.write(lambda batch: batch.add_many(mailbox, [message(6)]))


def test_another_process_may_read_and_not_hold_it(directory: bytes, index: Index) -> None:
    mailbox = put(index)
    index.write(lambda batch: batch.add_many(mailbox, [message(1)]))
    program = """
from maildird.index.batches import Batch
from maildird.index.check import check
from maildird.terms.errors import IndexUnusable
directory = os.fsencode(sys.argv[1])
index = Index.open(directory, read_only=True)
with index.snapshot() as snapshot:
    print(len(snapshot.mailboxes()), check(snapshot))
index.close()
try:
    Index.open(directory)
except IndexUnusable as unusable:
    print("in use by another maildird" in str(unusable))
"""
    assert in_process(program, directory) == "1 []\nTrue\n"


def test_it_is_held_once_in_a_process(directory: bytes, index: Index) -> None:
    with pytest.raises(IndexUnusable, match="in use"):
        Index.open(directory)
    assert put(index)


def test_reading_only_makes_no_index(directory: bytes) -> None:
    with pytest.raises(IndexUnusable, match="can't be opened"):
        Index.open(directory, read_only=True)
    assert not os.path.exists(directory)


def test_closing_twice_is_closing(directory: bytes) -> None:
    index = Index.open(directory)
    index.close()
    index.close()
    Index.open(directory).close()


def filled(directory: bytes) -> bytes:
    """The data file of a closed index with messages and facts in it."""
    index = Index.open(directory)
    mailbox = put(index)
    index.write(lambda batch: batch.add_many(mailbox, [message(n) for n in range(1, 2_000)]))
    index.write(lambda batch: batch.put_facts(mailbox, 1, FACTS))
    index.close()
    return os.path.join(directory, b"data.mdb")


def refusal(directory: bytes) -> str:
    """Why an index is refused; its file is as it was afterwards."""
    file = Path(os.fsdecode(directory), "data.mdb")
    before = file.read_bytes()
    with pytest.raises(IndexUnusable) as unusable:
        Index.open(directory)
    assert file.read_bytes() == before
    return str(unusable.value)


def test_a_newer_version_is_refused(directory: bytes) -> None:
    filled(directory)
    newer = b"%d" % (int(VERSION) + 1)
    behind_its_back(directory, lambda txn, tables: txn.put(VERSION_KEY, newer, db=tables.meta))
    needed = f"version {int(newer)}, this maildird needs version {int(VERSION)}; remove it"
    assert needed in refusal(directory)
    break_seal(directory)
    assert needed in refusal(directory)


def test_an_older_version_is_made_anew(directory: bytes, caplog: pytest.LogCaptureFixture) -> None:
    filled(directory)
    behind_its_back(directory, lambda txn, tables: txn.put(VERSION_KEY, b"0", db=tables.meta))
    index = Index.open(directory)
    with index.snapshot() as snapshot:
        assert snapshot.mailboxes() == []
    index.close()
    (record,) = caplog.records
    assert "is of version 0; it is made anew from the Maildir" in record.getMessage()
    assert sorted(os.listdir(directory)) == [b"clean", b"data.mdb", b"lock.mdb"]


@pytest.mark.parametrize("named", [True, False])
def test_the_database_of_another_program_is_refused(directory: bytes, named: bool) -> None:
    os.makedirs(directory)
    environment = lmdb.open(os.fsdecode(directory), max_dbs=2)
    table = environment.open_db(b"other") if named else None
    with environment.begin(write=True) as transaction:
        transaction.put(b"meta", b"1", db=table)
    environment.close()
    assert "something else" in refusal(directory)


def test_a_refused_index_is_not_held(directory: bytes) -> None:
    file = filled(directory)
    behind_its_back(directory, lambda txn, tables: txn.put(VERSION_KEY, b"x", db=tables.meta))
    refusal(directory)
    os.remove(file)
    Index.open(directory).close()


def test_a_directory_that_cannot_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(IndexUnusable, match="must be a directory of this user"):
        Index.open(os.fsencode(tmp_path / "file" / "index"))
