"""Read and write all of some indexes, sound or not: `python -m tests.index.use_all DIRECTORY...`.

LMDB may say that one is damaged. That it dies of it, or writes what can't be walked, is not right.
"""

import os
import sys
from contextlib import suppress
from pathlib import Path

import lmdb

from maildird.index.pages import walk
from maildird.index.schema import TABLE_COUNT, open_tables


def use_all(directory: str) -> None:
    """Read all, rewrite some of it over and over, and delete the rest."""
    environment = lmdb.open(directory, max_dbs=TABLE_COUNT, map_size=1 << 30)
    with suppress(lmdb.Error):
        tables = open_tables(environment)
        for round in range(6):
            with environment.begin(write=True) as transaction:
                for table in (tables.messages, tables.files, tables.facts, tables.gone):
                    records = list(transaction.cursor(table))
                    for key, value in records[round::3]:
                        transaction.delete(key, value, db=table)
                        if round < 3:
                            transaction.put(key, value, db=table)
    environment.close()
    walk(Path(directory, "data.mdb").read_bytes())


if __name__ == "__main__":
    for each in sys.argv[1:]:
        use_all(os.fspath(each))
