"""The index of one account: an LMDB environment in a directory of its own.

LMDB runs in its default, crash-safe mode: a commit is synced before it returns. The map is large
and sparse, which costs address space and nothing else. It is grown before a write begins, when
three quarters of it are in use or the last write found it full, and only while no transaction is
open in this process (`gate`).

Other programs have no business in the directory, and now and then they are there. An index that was
deleted, replaced or cut short under our hands takes no more writes: nobody would find them. It is
sealed at its end only if its file is what our own last write left, and nothing proved damaged.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final, TypeVar

import lmdb

from maildird.index.batches import Batch
from maildird.index.errors import IndexDamaged, lmdb_errors
from maildird.index.gate import Gate
from maildird.index.opening import (
    lengthen,
    lock_directory,
    octets_used,
    open_environment,
    open_to_write,
)
from maildird.index.schema import Tables
from maildird.index.seal import put_seal, stamp
from maildird.index.snapshots import Snapshot
from maildird.terms.errors import IndexUnusable, Refused

MAP_SIZE: Final = 16 << 30
"""Octets of the map at first."""

T = TypeVar("T")


class Index:
    """An open index. Snapshots may be taken in any thread; writes wait for one another."""

    def __init__(
        self, directory: bytes, environment: lmdb.Environment, tables: Tables, lock: int | None
    ) -> None:
        self._directory = directory
        self._path = os.fsdecode(directory)
        self._environment = environment
        self._tables = tables
        self._lock = lock
        self._gate = Gate()
        self._writing = threading.Lock()
        self._was_full = False
        self._left = stamp(directory)
        self._trouble: IndexUnusable | None = None

    @classmethod
    def open(
        cls,
        directory: bytes,
        *,
        read_only: bool = False,
        map_size: int = MAP_SIZE,
        given_up: threading.Event | None = None,
    ) -> "Index":
        """Open the index in `directory`, making it where there is none, or where it is damaged.

        After a clean end that is quick; else the whole of it is inspected first, which takes some
        seconds for a million messages, unless it is `given_up`. `map_size` is in octets. Raises
        IndexUnusable when it is of a newer version, no index, held by another process, or given up;
        nothing of it is changed then.

        `read_only` reads an index that another process may hold, and takes it as it is: have it
        inspected before. It has to be there, and of this version.
        """
        if read_only:
            opened = open_environment(directory, read_only=True, map_size=map_size)
            return cls(directory, *opened, lock=None)
        lock = lock_directory(directory)
        try:
            opened = open_to_write(directory, map_size, given_up or threading.Event())
        except BaseException:
            _unlock(lock)
            raise
        return cls(directory, *opened, lock)

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """A short look at the index as it is now; it sees nothing of later writes.

        Every command takes some: so what is only needed when it fails costs nothing before.
        """
        self._gate.enter()
        try:
            with self._environment.begin() as transaction:
                snapshot = Snapshot(transaction, self._tables)
                del transaction
                try:
                    yield snapshot
                finally:
                    snapshot.end()
        except lmdb.Error:
            with self._noticing_damage():
                raise
        finally:
            self._gate.leave()

    def write(self, work: Callable[[Batch], T]) -> T:
        """Run `work` in one write transaction and return its result, durably committed.

        When it raises, nothing of it is kept. Raises Refused when the disk or the map is full (the
        next write has a larger map), and IndexUnusable as `confirm`, or when damage shows.
        A thread that holds a snapshot can't write.
        """
        self._gate.refuse_inside()
        with self._writing:
            self.confirm()
            self._make_room()
            with self._gate.inside(), self._noticing_damage():
                try:
                    result = self._transact(work)
                    self._lengthen()
                finally:
                    with suppress(OSError):  # `confirm` says what happened to it
                        self._left = stamp(self._directory)
        return result

    def confirm(self) -> None:
        """Raise IndexUnusable once it is no longer of use: damaged, deleted or replaced."""
        if self._trouble is None:
            self._trouble = self._lost()
        if self._trouble is not None:
            raise self._trouble.with_traceback(None)

    @property
    def inode(self) -> int:
        """Of its file; a copy that is put back in its place has another one."""
        return self._left.inode

    def size(self) -> int:
        """Octets that it takes on disk."""
        with self._gate.inside():
            return octets_used(self._environment)

    def close(self) -> None:
        """Close the index once the last transaction has ended; it can't be used any more."""
        with self._writing, self._gate.alone():
            self._environment.close()
            if self._lock is not None:
                self._seal()
                _unlock(self._lock)
                self._lock = None

    def _lost(self) -> IndexUnusable | None:
        """What other programs did to the index's file, if that makes it useless."""
        try:
            now = stamp(self._directory)
        except FileNotFoundError:
            return IndexUnusable(f"index {self._path} was deleted while it was in use")
        if now.inode != self._left.inode:
            return IndexUnusable(f"index {self._path} was replaced while it was in use")
        if now.length < self._left.length:
            return IndexDamaged(self._path, "it was cut short while it was in use")
        return None

    def _seal(self) -> None:
        with suppress(OSError):  # without a seal it is inspected when it is opened again
            if self._trouble is None and stamp(self._directory) == self._left:
                put_seal(self._directory, self._left)

    @contextmanager
    def _noticing_damage(self) -> Iterator[None]:
        try:
            with lmdb_errors(self._path):
                yield
        except IndexDamaged as error:
            self._trouble = error
            raise

    def _lengthen(self) -> None:
        """Lengthen the file after a commit, which holds whatever comes of this.

        The next write lengthens again. Damage that shows is what the next write fails of.
        """
        with suppress(OSError, lmdb.Error, IndexUnusable, Refused), self._noticing_damage():
            lengthen(self._directory, self._environment)

    def _make_room(self) -> None:
        size = int(self._environment.info()["map_size"])
        if self._was_full or octets_used(self._environment) > size * 3 // 4:
            with self._gate.alone():
                self._environment.reader_check()
                self._environment.set_mapsize(2 * size)
            self._was_full = False

    def _transact(self, work: Callable[[Batch], T]) -> T:
        try:
            with self._environment.begin(write=True) as transaction:
                return work(Batch(transaction, self._tables))
        except lmdb.MapFullError:
            self._was_full = True
            raise


def _unlock(lock: int | None) -> None:
    if lock is not None:
        os.close(lock)
