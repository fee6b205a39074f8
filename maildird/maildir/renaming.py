"""Renaming a file without ever overwriting another one.

rename(2) replaces what has the new name. Linux has renameat2(2) with RENAME_NOREPLACE, which fails
instead, in one step; Python doesn't offer it, the C library does. Few file systems can't do it
(NFS): there a look goes before the rename, which leaves a gap of microseconds.
"""

import ctypes
import errno
import os
from typing import Final

_AT_FDCWD: Final = -100
_RENAME_NOREPLACE: Final = 1
_CANNOT: Final = frozenset({errno.EINVAL, errno.ENOSYS, errno.ENOTSUP})

_renameat2: Final = ctypes.CDLL(None, use_errno=True).renameat2
_renameat2.argtypes = (
    ctypes.c_int,
    ctypes.c_char_p,
    ctypes.c_int,
    ctypes.c_char_p,
    ctypes.c_uint,
)


def rename_exclusively(origin: bytes, target: bytes) -> None:
    """Rename a file or directory; FileExistsError when `target` is there, else OSError as usual."""
    if _renameat2(_AT_FDCWD, origin, _AT_FDCWD, target, _RENAME_NOREPLACE) == 0:
        return
    number = ctypes.get_errno()
    if number in _CANNOT:
        if os.path.lexists(target):
            raise _error(errno.EEXIST, origin, target)
        os.rename(origin, target)
        return
    raise _error(number, origin, target)


def _error(number: int, origin: bytes, target: bytes) -> OSError:
    return OSError(number, os.strerror(number), os.fsdecode(origin), None, os.fsdecode(target))
