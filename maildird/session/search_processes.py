"""Searching the content of many messages on all processors.

Theory of operation. To decode and compare the text of a message takes Python much longer than to
read it, and Python runs one thread at a time: a search of a whole mailbox would keep one processor
busy and every other session waiting for its turns. So where there is much to read it is shared out
to processes of its own, one for each processor, which end with the search. They get paths and keys
and say YES or NO; what they can't read (files get other names all the time) stays MAYBE, and is
looked at by the session itself. So is everything where such a process can't be had or dies.
"""

import logging
import pickle
from collections.abc import Sequence
from typing import Final

import trio

from maildird.imap.commands.search import SearchKey
from maildird.session import search_process
from maildird.session.own_programs import arguments, having_processors, processors
from maildird.session.search_process import Job
from maildird.session.verdicts import MAYBE

logger = logging.getLogger(__name__)

WORTH_IT: Final = 2000
"""Messages to read for which processes are started: that takes as long as to read some hundred."""


async def ask_in_processes(
    keys: tuple[SearchKey, ...], now: int, paths: Sequence[bytes]
) -> list[bytes] | None:
    """What each file says to each key: YES or NO, or MAYBE where it could not be read.

    None when another session has the processors.
    """
    with having_processors() as ours:
        return await _ask(keys, now, paths) if ours else None


async def _ask(keys: tuple[SearchKey, ...], now: int, paths: Sequence[bytes]) -> list[bytes]:
    """Messages of one time are often of one size: so the processes take them in turn."""
    count = processors()
    answers = [b""] * len(paths)

    async def ask(first: int) -> None:
        job = Job(keys, now, tuple(paths[first::count]))
        said = await _run(job)
        width = len(keys)
        answers[first::count] = [
            said[at * width : (at + 1) * width] for at in range(len(job.paths))
        ]

    async with trio.open_nursery() as nursery:
        for first in range(count):
            nursery.start_soon(ask, first)
    return answers


async def _run(job: Job) -> bytes:
    """What a process answers, MAYBE where it doesn't."""
    expected = len(job.keys) * len(job.paths)
    try:
        ended = await trio.run_process(
            arguments(search_process),
            stdin=pickle.dumps(job),
            capture_stdout=True,
            check=False,
            start_new_session=True,
        )
    except OSError as error:
        logger.warning("could not start a process that searches: %s", error)
        return bytes([MAYBE]) * expected
    if ended.returncode:
        logger.warning("a process that searched ended with status %d", ended.returncode)
    return bytes(ended.stdout[:expected]).ljust(expected, bytes([MAYBE]))
