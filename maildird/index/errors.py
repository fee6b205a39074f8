"""Those errors of LMDB that come from the world, told in the words of the one error tree.

Every other error of LMDB is a mistake in the code and passes as it is.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import lmdb

from maildird.terms.codes import Code
from maildird.terms.errors import IndexUnusable, Refused

REMOVE_IT: Final = "remove it, and it is made anew from the Maildir"

_DAMAGE: Final = (
    lmdb.CorruptedError,
    lmdb.InvalidError,
    lmdb.PageNotFoundError,
    lmdb.PanicError,
    lmdb.VersionMismatchError,
)

_DISK_TROUBLE: Final = tuple(
    os.strerror(number)
    for number in (errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
)
"""What py-lmdb says of a write that fell short; a full disk is most often EIO to it."""


class IndexDamaged(IndexUnusable):
    """The index proves to be damaged; `why` in a few words. Opened again, it is made anew."""

    def __init__(self, path: str, why: object) -> None:
        super().__init__(f"index {path} is damaged ({why}); {REMOVE_IT}")
        self.why = str(why)


class IndexOutdated(IndexUnusable):
    """The index is of an older version; `why` says which. Opened to be written, it is made anew."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"index {path} {why}; {REMOVE_IT}")
        self.why = why


@contextmanager
def lmdb_errors(path: str) -> Iterator[None]:
    """Raise Refused when the map or the disk is full, IndexDamaged when the index is damaged."""
    try:
        yield
    except lmdb.MapFullError as error:
        raise Refused(
            Code.UNAVAILABLE, f"the map of index {path} was full; it grows now, try again"
        ) from error
    except _DAMAGE as error:
        raise IndexDamaged(path, error) from error
    except lmdb.Error as error:
        if not any(trouble in str(error) for trouble in _DISK_TROUBLE):
            raise
        raise Refused(
            Code.UNAVAILABLE, f"index {path} can't be written ({error}); look for a full disk"
        ) from error
