"""Where the C library takes memory from.

glibc gives each thread a heap of its own, so that threads need not wait for one another, and what
one of them freed serves no other. Here the interpreter has them wait anyway. A mailbox that is
taken in by several threads in turn left as much free memory in each of their heaps.
"""

import ctypes
from typing import Final

_M_ARENA_MAX: Final = -8
"""From malloc.h; mallopt(3)."""


def share_one_heap() -> None:
    """Have all threads that start from now on share one heap; nothing where libc has no such thing.

    For a process that is the server's own: it is in force until its end.
    """
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(_M_ARENA_MAX, 1)
