"""The files of an index: where they lie in its directory, and how they get out of the way."""

import os
import shutil
from contextlib import suppress
from typing import Final

_DAMAGED: Final = b"damaged.mdb"


def data_file(directory: bytes) -> bytes:
    """The file that LMDB maps."""
    return os.path.join(directory, b"data.mdb")


def sync_directory(directory: bytes) -> None:
    """Have what was made, renamed or removed in the directory survive a power cut."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def set_aside(directory: bytes) -> bytes:
    """Rename what stands in the data file's place; at most one such is kept. Gives the new path."""
    kept = os.path.join(directory, _DAMAGED)
    with suppress(FileNotFoundError):
        if os.path.isdir(kept) and not os.path.islink(kept):
            shutil.rmtree(kept)
        else:
            os.unlink(kept)
    os.rename(data_file(directory), kept)
    sync_directory(directory)
    return kept
