"""Looking at a whole index in a process of its own, which may die of it (`inspection`).

The process says `READING` once it is able to look, then what is wrong, if anything: one line each.
"""

import os
import resource
import sys
from collections.abc import Iterator
from itertools import islice
from mmap import PROT_READ, mmap
from typing import Final

import lmdb

from maildird.index.check import check
from maildird.index.files import data_file
from maildird.index.pages import PageFault, walk
from maildird.index.schema import TABLE_COUNT, VERSION, open_tables, read_version
from maildird.index.snapshots import Snapshot

READING: Final = "reading"
MOST_SAID: Final = 20
"""Lines at most about what is wrong."""


def inspect_here(path: str, seconds: str, octets: str, beside: str) -> None:
    """Print what is wrong with the index in the directory `path`.

    `seconds` of computing and `octets` of memory are the limits, in decimal; `beside` is "beside"
    when another process may have the index open and write to it: then its pages are not looked at
    one by one.
    """
    _limit(int(seconds), int(octets))
    beside_another = beside == "beside"
    with open(data_file(os.fsencode(path)), "rb") as file:
        print(READING, flush=True)
        if not beside_another:
            with mmap(file.fileno(), 0, prot=PROT_READ) as pages:
                fault = _fault(pages)
            if fault is not None:
                print(fault)
                return
    for finding in islice(_findings(path, beside_another), MOST_SAID):
        print(finding)


def _limit(seconds: int, octets: int) -> None:
    for what, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_DATA, octets),
    ):
        _, hard = resource.getrlimit(what)
        if hard == resource.RLIM_INFINITY or most < hard:
            resource.setrlimit(what, (most, hard))


def _fault(pages: mmap) -> str | None:
    try:
        walk(pages)
    except PageFault as fault:
        return str(fault)
    return None


def _findings(path: str, beside_another: bool) -> Iterator[str]:
    """What the tables say; nothing of a database that is no index of this version."""
    environment = lmdb.open(
        path, readonly=True, create=False, lock=beside_another, max_dbs=TABLE_COUNT
    )
    try:
        if read_version(environment) != VERSION:
            return
    except (lmdb.NotFoundError, lmdb.IncompatibleError):
        return
    tables = open_tables(environment)
    with environment.begin() as transaction:
        for finding in check(Snapshot(transaction, tables)):
            yield str(finding)


def main() -> None:
    """Inspect what the arguments say; an exception ends the process with its own text."""
    inspect_here(*sys.argv[1:])
