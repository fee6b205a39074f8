"""Having the index know many messages before a FETCH comes to them (`describe_processes`)."""

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Final

import trio

from maildird.mailbox.selected import Selected
from maildird.session.describe_processes import BATCH, WORTH_IT, Describers, describers
from maildird.session.own_programs import processors

LEARNING: Final = 0.5
"""Seconds that the index has to take over a batch before the session goes on without it."""

Reach = Callable[[int], Awaitable[None]]
"""Returns once all was done for the messages up to a UID."""


@asynccontextmanager
async def described_ahead(mailbox: Selected, uids: Sequence[int]) -> AsyncIterator[Reach]:
    """Have messages described whose facts the index lacks, if they are many; `uids` rise."""
    unknown = mailbox.without_facts(uids) if len(uids) >= WORTH_IT else []
    if len(unknown) < WORTH_IT or processors() == 1:
        yield _nothing_to_do
        return
    paths = mailbox.paths(unknown)
    with mailbox.reading():
        async with describers(list(paths.values()), processors()) as described:
            yield _nothing_to_do if described is None else _Ahead(mailbox, described, paths).reach


async def _nothing_to_do(uid: int) -> None:
    pass


class _Ahead:
    def __init__(self, mailbox: Selected, described: Describers, uids: Iterable[int]) -> None:
        self._mailbox = mailbox
        self._described = described
        self._left = deque(uids)

    async def reach(self, uid: int) -> None:
        while self._left and self._left[0] <= uid:
            await self._take_over_batch()

    async def _take_over_batch(self) -> None:
        batch = [self._left.popleft() for _ in range(min(BATCH, len(self._left)))]
        facts = zip(batch, await self._described.next_batch(), strict=True)
        learnt = self._mailbox.learn({uid: each for uid, each in facts if each is not None})
        with trio.move_on_after(LEARNING):
            await learnt.wait()
