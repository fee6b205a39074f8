"""The index of one account: an LMDB environment in a directory of its own.

LMDB runs in its default, crash-safe mode: a commit is synced before it returns. One process at a
time holds the index, by a lock on the directory which ends with the process; readers of another
process (`maildird check`) open it read-only beside it.

The map is large and sparse, which costs address space and nothing else. It is grown before a write
begins, when three quarters of it are in use or the last write found it full, and only while no
transaction is open in this process (`gate`). LMDB would be killed by SIGBUS in a file that is
shorter than its pages, so a file that was cut is refused when it is opened.
"""

import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

import lmdb

from maildird.index.batches import Batch
from maildird.index.gate import Gate
from maildird.index.schema import TABLE_COUNT, VERSION, VERSION_KEY, Tables, open_tables
from maildird.index.snapshots import Snapshot
from maildird.terms.codes import Code
from maildird.terms.errors import IndexUnusable, Refused

MAP_SIZE: Final = 16 << 30

T = TypeVar("T")


class Index:
    """An open index. Snapshots may be taken in any thread; writes wait for one another."""

    def __init__(
        self, directory: bytes, environment: lmdb.Environment, tables: Tables, lock: int | None
    ) -> None:
        self._path = os.fsdecode(directory)
        self._file = _data_file(directory)
        self._environment = environment
        self._tables = tables
        self._lock = lock
        self._gate = Gate()
        self._writing = threading.Lock()
        self._was_full = False

    @classmethod
    def open(
        cls, directory: bytes, *, read_only: bool = False, map_size: int = MAP_SIZE
    ) -> "Index":
        """Open the index in `directory`, making it where there is none.

        `read_only` reads an index that another process may hold. `map_size` is in octets.
        Raises IndexUnusable when it is of another version, damaged, no index, or held by another
        process; nothing of it is changed then.
        """
        lock = None if read_only else _lock(directory)
        try:
            environment = _open_environment(directory, read_only, map_size)
            try:
                tables = _open_tables(directory, environment, read_only)
            except BaseException:
                environment.close()
                raise
        except BaseException:
            if lock is not None:
                os.close(lock)
            raise
        return cls(directory, environment, tables, lock)

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """A short look at the index as it is now; it sees nothing of later writes."""
        with (
            self._gate.inside(),
            _errors_told(self._path),
            self._environment.begin() as transaction,
        ):
            yield Snapshot(transaction, self._tables)

    def write(self, work: Callable[[Batch], T]) -> T:
        """Run `work` in one write transaction and return its result, durably committed.

        When it raises, nothing of it is kept. Raises Refused when the disk or the map is full (the
        next write has a larger map), and IndexUnusable when the index proves to be damaged.
        """
        self._gate.refuse_inside()
        with self._writing:
            self._make_room()
            with self._gate.inside(), _errors_told(self._path):
                try:
                    with self._environment.begin(write=True) as transaction:
                        result = work(Batch(transaction, self._tables))
                except lmdb.MapFullError:
                    self._was_full = True
                    raise
                _keep_whole(self._file, self._environment)
        return result

    def close(self) -> None:
        """Close the index once the last transaction has ended; it can't be used any more."""
        with self._writing, self._gate.alone():
            self._environment.close()
            if self._lock is not None:
                os.close(self._lock)
                self._lock = None

    def _make_room(self) -> None:
        size = int(self._environment.info()["map_size"])
        if self._was_full or _used(self._environment) > size * 3 // 4:
            with self._gate.alone():
                self._environment.reader_check()
                self._environment.set_mapsize(2 * size)
            self._was_full = False


def _open_environment(directory: bytes, read_only: bool, map_size: int) -> lmdb.Environment:
    path = os.fsdecode(directory)
    try:
        with _errors_told(path):
            environment = lmdb.open(
                path,
                map_size=map_size,
                max_dbs=TABLE_COUNT,
                mode=0o600,
                readonly=read_only,
                create=not read_only,
            )
    except lmdb.Error as error:
        raise IndexUnusable(f"index {path} can't be opened: {error}") from error
    environment.reader_check()
    return environment


def _open_tables(directory: bytes, environment: lmdb.Environment, read_only: bool) -> Tables:
    path = os.fsdecode(directory)
    present, needed = os.stat(_data_file(directory)).st_size, _used(environment)
    if present < needed:
        raise IndexUnusable(
            f"index {path} is cut short ({present} of {needed} octets); {_REMOVE_IT}"
        )
    with _errors_told(path):
        if not read_only and not environment.stat()["entries"]:
            return _create_tables(directory, environment)
        _check_version(path, environment)
        return open_tables(environment)


def _create_tables(directory: bytes, environment: lmdb.Environment) -> Tables:
    with environment.begin(write=True) as transaction:
        tables = open_tables(environment, transaction)
        transaction.put(VERSION_KEY, VERSION, db=tables.meta)
    _sync_directory(directory)
    return tables


def _check_version(path: str, environment: lmdb.Environment) -> None:
    try:
        meta = environment.open_db(b"meta", create=False)
        with environment.begin() as transaction:
            version = transaction.get(VERSION_KEY, db=meta)
    except lmdb.NotFoundError:
        version = None
    if version is None:
        raise IndexUnusable(f"{path} holds something else than an index of maildird")
    if version != VERSION:
        raise IndexUnusable(
            f"index {path} is of version {version.decode('ascii', 'replace')},"
            f" this maildird needs version {VERSION.decode('ascii')}; {_REMOVE_IT}"
        )


_REMOVE_IT: Final = "remove it, and it is made anew from the Maildir"


@contextmanager
def _errors_told(path: str) -> Iterator[None]:
    """Translate those errors of LMDB that come from the world, not from a mistake in the code."""
    try:
        yield
    except lmdb.MapFullError as error:
        raise Refused(
            Code.UNAVAILABLE, f"the map of index {path} was full; it grows now, try again"
        ) from error
    except lmdb.DiskError as error:
        raise Refused(
            Code.UNAVAILABLE, f"index {path} can't be written: {error}; is the disk full?"
        ) from error
    except (
        lmdb.CorruptedError,
        lmdb.InvalidError,
        lmdb.PageNotFoundError,
        lmdb.PanicError,
        lmdb.VersionMismatchError,
    ) as error:
        raise IndexUnusable(f"index {path} is damaged ({error}); {_REMOVE_IT}") from error


def _lock(directory: bytes) -> int:
    """Make the directory if need be and lock it for this process."""
    os.makedirs(directory, mode=0o700, exist_ok=True)
    lock = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise IndexUnusable(
            f"index {os.fsdecode(directory)} is held by another maildird; end that one first, or"
            " use another state directory"
        ) from None
    return lock


def _data_file(directory: bytes) -> bytes:
    return os.path.join(directory, b"data.mdb")


def _used(environment: lmdb.Environment) -> int:
    """Octets of the file that hold pages, free ones too."""
    pages = int(environment.info()["last_pgno"]) + 1
    return pages * int(environment.stat()["psize"])


def _keep_whole(file: bytes, environment: lmdb.Environment) -> None:
    """Lengthen the file to its last page: LMDB leaves out last pages that are free already."""
    needed = _used(environment)
    if os.stat(file).st_size < needed:
        os.truncate(file, needed)


def _sync_directory(directory: bytes) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
