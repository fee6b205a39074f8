"""Opening an index: making it where there is none, and making it anew where it is damaged.

Theory of operation. One process at a time holds an index, by a lock on its directory that ends with
the process. A reader beside it takes no lock, and whoever inspects an index that nobody holds keeps
nobody from holding it: what looks damaged then is looked at again.

The holder maps nothing that may be damaged. A file with a good seal (`seal`) is as a clean end left
it. One that was changed since is damaged for certain; any other is inspected first, in a process
of its own (`inspection`). What is damaged is set aside, one copy for those who want to know why,
and an empty index takes its place, which the Maildir fills. The same goes for an index of an older
version, which isn't kept. One of a newer version, and the database of another program, are none of
our business: they are refused and stay as they are.

LMDB reads its file through a memory map and would be killed by SIGBUS in a file that is shorter
than its pages; so the file is lengthened, or refused, before any page is read.
"""

import fcntl
import logging
import os
import threading
from typing import Final

import lmdb

from maildird.index import seal
from maildird.index.errors import REMOVE_IT, IndexDamaged, IndexOutdated, lmdb_errors
from maildird.index.files import data_file, set_aside, sync_directory
from maildird.index.inspection import find_damage
from maildird.index.schema import (
    TABLE_COUNT,
    VERSION,
    VERSION_KEY,
    Tables,
    open_tables,
    read_version,
)
from maildird.terms.errors import IndexUnusable

logger = logging.getLogger(__name__)

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
    if not _take(lock):
        os.close(lock)
        raise IndexUnusable(
            f"index {path} is in use by another maildird; end that one first, or use another state"
            " directory"
        )
    return lock


def _take(lock: int) -> bool:
    """Lock a directory, if nobody else has."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def find_damage_beside_its_holder(directory: bytes) -> str | None:
    """What is wrong with an index that another process may hold; None when it is sound.

    Blocks, for it is inspected whatever its seal says. While another process holds it, only what
    the tables say is inspected: that process looked at the pages before. Raises IndexUnusable when
    there is no index, or none that can be opened.
    """
    try:
        beside = _is_held(directory)
        damage = find_damage(directory, beside=beside)
        if damage is not None and not beside and _is_held(directory):
            return find_damage(directory, beside=True)
        return damage
    except OSError as error:
        raise _cannot_be_opened(os.fsdecode(directory), error.strerror) from error


def _is_held(directory: bytes) -> bool:
    lock = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return not _take(lock)
    finally:
        os.close(lock)


def open_to_write(
    directory: bytes, map_size: int, given_up: threading.Event
) -> tuple[lmdb.Environment, Tables]:
    """The environment and tables in `directory`, made where there are none or no sound ones.

    The index is held by this process. Raises IndexUnusable, and changes nothing, when it is of a
    newer version, of another program, or can't be opened, and when it is `given_up` before it was
    inspected.
    """
    try:
        damage = _damage(directory, given_up)
        if damage is not None:
            _begin_anew(directory, f"is damaged: {damage}")
        environment, tables = _open_or_begin_anew(directory, map_size)
        try:
            seal.break_seal(directory)
        except BaseException:
            environment.close()
            raise
    except OSError as error:
        raise _cannot_be_opened(os.fsdecode(directory), error.strerror) from error
    return environment, tables


def open_environment(
    directory: bytes, *, read_only: bool, map_size: int
) -> tuple[lmdb.Environment, Tables]:
    """The environment and tables in `directory`, made where there are none.

    Raises IndexUnusable, and changes nothing, for whatever is not an index of this version.
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
        os.truncate(data_file(directory), needed)
        environment.sync(True)


def _damage(directory: bytes, given_up: threading.Event) -> str | None:
    """What is wrong with the file in `directory`; None when it is sound, or there is none."""
    try:
        state = seal.state(directory)
        if state is seal.State.UNKNOWN and os.path.lexists(data_file(directory)):
            logger.info("index %s was not closed; it is inspected", os.fsdecode(directory))
            return find_damage(directory, given_up=given_up)
    except FileNotFoundError:
        return None
    return "it was changed after it had been closed" if state is seal.State.CHANGED else None


def _open_or_begin_anew(directory: bytes, map_size: int) -> tuple[lmdb.Environment, Tables]:
    try:
        return open_environment(directory, read_only=False, map_size=map_size)
    except IndexDamaged as error:
        _begin_anew(directory, f"is damaged: {error.why}")
    except IndexOutdated as error:
        _begin_anew(directory, error.why, keep=False)
    return open_environment(directory, read_only=False, map_size=map_size)


def _begin_anew(directory: bytes, why: str, *, keep: bool = True) -> None:
    """Get the file out of the way, and say so."""
    seal.break_seal(directory)
    kept = set_aside(directory)
    if not keep:
        os.unlink(kept)
    told = f" ({os.fsdecode(kept)} is the old one)" if keep else ""
    logger.warning(
        "index %s %s; it is made anew from the Maildir%s", os.fsdecode(directory), why, told
    )


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
        raise _cannot_be_opened(path, error) from error


def _cannot_be_opened(path: str, why: object) -> IndexUnusable:
    return IndexUnusable(
        f"index {path} can't be opened ({why}); it must be this user's, and on a local disk"
    )


def _tables(directory: bytes, environment: lmdb.Environment, read_only: bool) -> Tables:
    path = os.fsdecode(directory)
    present, needed = _length(directory), octets_used(environment)
    if present < needed:
        if read_only:
            raise IndexDamaged(path, f"{present} of {needed} octets are there")
        lengthen(directory, environment)
    environment.reader_check()
    if not read_only and not environment.stat()["entries"]:
        return _create(directory, environment)
    try:
        _check_version(path, environment)
    except (lmdb.NotFoundError, lmdb.IncompatibleError) as error:
        raise IndexUnusable(f"{path} holds something else than an index of maildird") from error
    try:
        return open_tables(environment)
    except (lmdb.NotFoundError, lmdb.IncompatibleError) as error:
        raise IndexDamaged(path, "a table is missing") from error


def _create(directory: bytes, environment: lmdb.Environment) -> Tables:
    with environment.begin(write=True) as transaction:
        tables = open_tables(environment, transaction)
        transaction.put(VERSION_KEY, VERSION, db=tables.meta)
    sync_directory(directory)
    return tables


def _check_version(path: str, environment: lmdb.Environment) -> None:
    version = read_version(environment)
    if version == VERSION:
        return
    text = version.decode("ascii", "replace")
    if version.isdigit() and int(version) < int(VERSION):
        raise IndexOutdated(path, f"is of version {text}")
    raise IndexUnusable(
        f"index {path} is of version {text}, this maildird needs version"
        f" {VERSION.decode('ascii')}; {REMOVE_IT}"
    )


def _length(directory: bytes) -> int:
    return os.stat(data_file(directory)).st_size
