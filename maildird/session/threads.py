"""Work that takes long runs in worker threads, a few at a time, so that other sessions are served.

Python runs one thread at a time; more threads than processors would only make each of them slower
and the event loop wait longer for its turn.
"""

import os
from collections.abc import Callable
from typing import Final, TypeVar

import trio

Result = TypeVar("Result")

_AT_ONCE: Final = max(2, os.cpu_count() or 1)

_limiter: trio.lowlevel.RunVar[trio.CapacityLimiter] = trio.lowlevel.RunVar("heavy work")


async def in_thread(work: Callable[[], Result]) -> Result:
    """What `work` returns, from a worker thread; all sessions together have a few of these."""
    return await trio.to_thread.run_sync(work, limiter=_heavy_work())


def _heavy_work() -> trio.CapacityLimiter:
    """The limiter of this event loop."""
    try:
        return _limiter.get()
    except LookupError:
        limiter = trio.CapacityLimiter(_AT_ONCE)
        _limiter.set(limiter)
        return limiter
