"""What `maildird index` shows while it works: a bar on a terminal, else a line now and then."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from rich.progress import Progress

_INTERVAL: Final = 2.0
"""Seconds between two lines."""


class View(Protocol):
    """Shows how far the work is."""

    def show(self, done: int, total: int) -> None:
        """So many messages of so many are ready; both may rise."""


@contextmanager
def view_on(name: str) -> Iterator[View]:
    """A view of the work on the account `name`, for what standard output is."""
    if not sys.stdout.isatty():
        yield _Lines(name)
        return
    from rich import progress as rich

    columns = (
        rich.TextColumn("{task.description}", markup=False),
        rich.BarColumn(),
        rich.MofNCompleteColumn(),
        rich.TimeRemainingColumn(),
    )
    with rich.Progress(*columns, transient=True) as progress:
        yield _Bar(progress, name)


class _Bar:
    def __init__(self, progress: "Progress", name: str) -> None:
        self._progress = progress
        self._task = progress.add_task(name, total=None)

    def show(self, done: int, total: int) -> None:
        self._progress.update(self._task, completed=done, total=total or None)


class _Lines:
    def __init__(self, name: str) -> None:
        self._name = name
        self._next = 0.0

    def show(self, done: int, total: int) -> None:
        if total and time.monotonic() >= self._next:
            print(f"{self._name}: {done} of {total} messages are ready", flush=True)
            self._next = time.monotonic() + _INTERVAL
