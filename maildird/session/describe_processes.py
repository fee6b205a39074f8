"""Describing many messages on all processors, for a session that asks for facts of them.

Theory of operation. The first FETCH of a tree that was never seen may come before its messages are
made ready. To describe one takes Python some fifty microseconds, one thread at a time. So where
there are many they are shared out, batch by batch in turn, to processes that end with the FETCH.
Their answers are read in order; a process whose answers nobody takes yet waits, by its pipe being
full, and so nothing piles up here. What is missing in an answer, or does not come, is no harm: the
session describes it itself.
"""

import logging
import pickle
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

import trio

from maildird.index.rows import Facts
from maildird.session import describe_process
from maildird.session.describe_process import LENGTH, Batches, Described
from maildird.session.own_programs import arguments, having_processors

logger = logging.getLogger(__name__)

WORTH_IT: Final = 2000
"""Messages to describe for which processes are started: that takes as long as some hundred."""

BATCH: Final = 500
"""Messages of one answer."""


class Describers:
    """Processes that describe messages."""

    def __init__(self, answers: Sequence[trio.abc.ReceiveStream], paths: Sequence[bytes]) -> None:
        self._answers = [_Answers(stream) for stream in answers]
        self._left = len(paths)
        self._turn = 0

    async def next_batch(self) -> list[Facts | None]:
        """The facts of the next `BATCH` messages, or of those that are left.

        None for what the session has to read for itself.
        """
        count = min(BATCH, self._left)
        self._left -= count
        described = await self._answers[self._turn % len(self._answers)].next()
        self._turn += 1
        if described is None or len(described) != count:
            return [None] * count
        return described


@asynccontextmanager
async def describers(paths: Sequence[bytes], count: int) -> AsyncIterator[Describers | None]:
    """Have messages described by so many processes; None when that can't be now."""
    failure: Exception | None = None
    with having_processors() as ours:
        if not ours:
            yield None
            return
        async with trio.open_nursery() as nursery:
            try:
                yield await _start_all(nursery, paths, count)
            except Exception as error:  # what the session raises; no group may be made of it
                failure = error
            nursery.cancel_scope.cancel()
    if failure is not None:
        raise failure


async def _start_all(
    nursery: trio.Nursery, paths: Sequence[bytes], count: int
) -> Describers | None:
    batches = [list(paths[at : at + BATCH]) for at in range(0, len(paths), BATCH)]
    try:
        answers = [await _start(nursery, batches[first::count]) for first in range(count)]
    except OSError as error:
        logger.warning("could not start a process that describes messages: %s", error)
        return None
    return Describers(answers, paths)


async def _start(nursery: trio.Nursery, batches: Batches) -> trio.abc.ReceiveStream:
    """Start a process; gives what it will say."""
    process = await nursery.start(
        partial(
            trio.run_process,
            arguments(describe_process),
            stdin=pickle.dumps(batches),
            stdout=subprocess.PIPE,
            check=False,
            start_new_session=True,
        )
    )
    assert isinstance(process, trio.Process)
    assert process.stdout is not None
    return process.stdout


class _Answers:
    """The answers of one process."""

    def __init__(self, stream: trio.abc.ReceiveStream) -> None:
        self._stream = stream
        self._unread = bytearray()

    async def next(self) -> Described | None:
        """The answer for its next batch, None when it has ended before."""
        length = await self._take(LENGTH)
        answer = await self._take(int.from_bytes(length, "big")) if length else b""
        described: Described | None = pickle.loads(answer) if answer else None
        return described

    async def _take(self, octets: int) -> bytes:
        """The next octets; none when they don't come."""
        while len(self._unread) < octets:
            received = await self._stream.receive_some(1 << 20)
            if not received:
                return b""
            self._unread += received
        taken = bytes(self._unread[:octets])
        del self._unread[:octets]
        return taken
