"""IDLE (RFC 2177): what changes is told as it happens, until the client says DONE.

One task waits for the client while another waits for changes. The first change is told at once;
more of them in the next moment are told together, so that a burst costs little however many idle.
Where nothing changes for the time that is set, the client hears that the server is still here: the
routers on the way see that the connection is in use, and a client that has gone is noticed. Nobody
is cancelled while sending: a reply that was begun is finished.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

import trio

from maildird.imap.commands.session import Idle
from maildird.imap.connection import BadRequest, Event, Overrun
from maildird.imap.responses import continuation, untagged_ok
from maildird.session.answers import Answer
from maildird.session.state import Session
from maildird.session.sync import closing_highestmodseq, sync

PAUSE: Final = 0.05
"""Seconds between two pushes at least."""


async def idle(session: Session, command: Idle) -> Answer:
    """Tell of changes until DONE; anything else that the client sends is a BAD."""
    if session.selected is not None:
        await session.selected.refresh()
    session.replies.write(continuation("idling"))
    await session.replies.flush()
    session.presence.idling = True
    try:
        ended_by = await _Idling(session).run()
    finally:
        session.presence.idling = False
    match ended_by:
        case BadRequest(error=error):
            raise error
        case Overrun() as overrun:
            session.incoming.put_back(overrun)
    return Answer("IDLE done")


@dataclass(slots=True)
class _Idling:
    """The two tasks of an IDLE, and how they end each other."""

    session: Session
    event: Event | None = None
    failure: Exception | None = None
    ending: bool = False
    waiting: trio.CancelScope | None = None

    async def run(self) -> Event | None:
        """What the client said in the end, None when it has gone."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._guard, self._push, nursery.cancel_scope)
            await self._guard(self._listen, nursery.cancel_scope)
        if self.failure is not None:
            raise self.failure
        return self.event

    async def _guard(self, task: Callable[[], Awaitable[None]], both: trio.CancelScope) -> None:
        """Run one task; its error ends both, and is raised later as it is, without a group."""
        try:
            await task()
        except Exception as error:
            self.failure = error
            both.cancel()

    async def _listen(self) -> None:
        self.event = await self.session.incoming.event()
        self.ending = True
        if self.waiting is not None:
            self.waiting.cancel()

    async def _push(self) -> None:
        selected = self.session.selected
        while selected is not None and not self.ending:
            await self._tell()
            await self._unless_ending(partial(trio.sleep, PAUSE))
            await self._wait_for(selected.changed)
        await self._wait_for(trio.sleep_forever)

    async def _wait_for(self, change: Callable[[], Awaitable[None]]) -> None:
        """Wait, and say at times that the server is still here."""
        while not self.ending:
            with trio.move_on_after(self.session.idle_keepalive) as quiet:
                await self._unless_ending(change)
            if not quiet.cancelled_caught:
                return
            self.session.replies.write(untagged_ok("Still here"))
            await self.session.replies.flush()

    async def _unless_ending(self, wait: Callable[[], Awaitable[None]]) -> None:
        if not self.ending:
            with trio.CancelScope() as self.waiting:
                await wait()

    async def _tell(self) -> None:
        await sync(self.session, may_expunge=True)
        highestmodseq = closing_highestmodseq(self.session)
        if highestmodseq is not None:
            self.session.tell_highestmodseq(highestmodseq)
        await self.session.replies.flush()
