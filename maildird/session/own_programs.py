"""Programs of our own, for work that would keep all other sessions waiting.

Python runs one thread at a time; so work that takes seconds has processes of its own, one for each
processor. They run in isolated interpreters, which find what this one finds and obey no
environment, and get no signals that are for this one. As they take all processors one session at a
time has them; another one that comes meanwhile does its work alone, which takes it no longer than
to wait.
"""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Final

import trio

_PROGRAM: Final = """
import importlib, json, sys
sys.path[:] = json.loads(sys.argv.pop(1))
importlib.import_module(sys.argv.pop(1)).main()
"""

_processors: trio.lowlevel.RunVar[trio.CapacityLimiter] = trio.lowlevel.RunVar("processors")


def arguments(module: ModuleType) -> list[str]:
    """The command that runs `main` of a module."""
    return [sys.executable, "-I", "-c", _PROGRAM, json.dumps(sys.path), module.__name__]


def processors() -> int:
    """How many of these processes can run at a time."""
    return len(os.sched_getaffinity(0))


@contextmanager
def having_processors() -> Iterator[bool]:
    """Whether the caller has the processors, for processes that end inside."""
    limiter, borrower = _limiter(), object()
    try:
        limiter.acquire_on_behalf_of_nowait(borrower)
    except trio.WouldBlock:
        yield False
        return
    try:
        yield True
    finally:
        limiter.release_on_behalf_of(borrower)


def _limiter() -> trio.CapacityLimiter:
    """The limiter of this event loop."""
    try:
        return _processors.get()
    except LookupError:
        limiter = trio.CapacityLimiter(1)
        _processors.set(limiter)
        return limiter
