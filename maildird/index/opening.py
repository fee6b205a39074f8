"""Opening an index, and refusing what is none.

One process at a time holds an index, by a lock on its directory that ends with the process. A
reader beside it takes no lock.

LMDB reads its file through a memory map and would be killed by SIGBUS in a file that is shorter
than its pages; so the length is compared before any page is read.
"""

import fcntl
import os
from typing import Final

import lmdb

from maildird.index.errors import REMOVE_IT, lmdb_errors
from maildird.index.schema import TABLE_COUNT, VERSION, VERSION_KEY, Tables, open_tables
from maildird.terms.errors import IndexUnusable

_FILE_MODE: Final = 0o600
_DIRECTORY_MODE: Final = 0o700


def lock_directory(directory: bytes) -> int:
    """Make the directory if need be and lock it; the lock is held while the descriptor is open."""
    path = os.fsdecode(directory)
    try:
        os.makedirs(directory, mode=_DIRECTORY_MODE, exist_ok=True)
        lock = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise IndexUnusable(
            f"no index can be kept in {path}: {error.strerror}; it must be a directory of this user"
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise IndexUnusable(
            f"index {path} is in use by another maildird; end that one first, or use another state"
            " directory"
        ) from None
    return lock


def open_environment(
    directory: bytes, *, read_only: bool, map_size: int
) -> tuple[lmdb.Environment, Tables]:
    """The environment and tables in `directory`, made where there are none.

    Raises IndexUnusable, and changes nothing, for whatever is not a whole index of this version.
    """
    environment = _environment(os.fsdecode(directory), read_only, map_size)
    try:
        with lmdb_errors(os.fsdecode(directory)):
            return environment, _tables(directory, environment, read_only)
    except BaseException:
        environment.close()
        raise


def octets_used(environment: lmdb.Environment) -> int:
    """Octets of the file that hold pages, free ones too."""
    pages = int(environment.info()["last_pgno"]) + 1
    return pages * int(environment.stat()["psize"])


def lengthen(directory: bytes, environment: lmdb.Environment) -> None:
    """Lengthen the file to its last page; LMDB leaves out last pages that are free already."""
    needed = octets_used(environment)
    if _length(directory) < needed:
        os.truncate(_file(directory), needed)
        environment.sync(True)


def _environment(path: str, read_only: bool, map_size: int) -> lmdb.Environment:
    try:
        with lmdb_errors(path):
            return lmdb.open(
                path,
                map_size=map_size,
                max_dbs=TABLE_COUNT,
                mode=_FILE_MODE,
                readonly=read_only,
                create=not read_only,
            )
    except lmdb.Error as error:
        raise IndexUnusable(
            f"index {path} can't be opened ({error}); it must be this user's, and on a local disk"
        ) from error


def _tables(directory: bytes, environment: lmdb.Environment, read_only: bool) -> Tables:
    path = os.fsdecode(directory)
    present, needed = _length(directory), octets_used(environment)
    if present < needed:
        raise IndexUnusable(
            f"index {path} is cut short ({present} of {needed} octets); {REMOVE_IT}"
        )
    environment.reader_check()
    if not read_only and not environment.stat()["entries"]:
        return _create(directory, environment)
    try:
        _check_version(path, environment)
        return open_tables(environment)
    except (lmdb.NotFoundError, lmdb.IncompatibleError) as error:
        raise IndexUnusable(f"{path} holds something else than an index of maildird") from error


def _create(directory: bytes, environment: lmdb.Environment) -> Tables:
    with environment.begin(write=True) as transaction:
        tables = open_tables(environment, transaction)
        transaction.put(VERSION_KEY, VERSION, db=tables.meta)
    _sync(directory)
    return tables


def _check_version(path: str, environment: lmdb.Environment) -> None:
    meta = environment.open_db(b"meta", create=False)
    with environment.begin() as transaction:
        version = transaction.get(VERSION_KEY, b"?", db=meta)
    if version != VERSION:
        raise IndexUnusable(
            f"index {path} is of version {version.decode('ascii', 'replace')},"
            f" this maildird needs version {VERSION.decode('ascii')}; {REMOVE_IT}"
        )


def _file(directory: bytes) -> bytes:
    return os.path.join(directory, b"data.mdb")


def _length(directory: bytes) -> int:
    return os.stat(_file(directory)).st_size


def _sync(directory: bytes) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
