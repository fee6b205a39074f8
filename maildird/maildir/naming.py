"""Errors that say which file they are about."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def naming(path: bytes) -> Iterator[None]:
    """Add `path` to an OSError that came from a descriptor: write, fsync and close name none."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = path
        raise
