"""The door: every change to an account's mailboxes goes through it, one turn after the other.

Theory of operation. Whoever wants something changed asks here and waits. One task runs the turns:
it takes all that wait into one turn (group commit), runs the turn in a worker thread, announces
what changed, and only then lets the askers go on: disk first, index second, wake third, reply last.
A thread call that has begun always finishes, also when its askers have gone away; a request that
was cancelled before its turn is never begun.

What can wait (`post`, `ask_last`: taking in folders that nobody opened, keeping computed facts) is
taken one by one, and only when nothing else is asked.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

import trio

from maildird.mailbox.history import Made
from maildird.mailbox.namespace import Parts
from maildird.mailbox.requests import Answer, Request
from maildird.terms.errors import MaildirdError

logger = logging.getLogger(__name__)

MOST_SAID: Final = 1000
"""Different errors that are logged of what was only posted."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one request of a turn ended: an answer, or the error that its asker gets."""

    answer: object = None
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class TurnReport:
    """What a turn did: an outcome for each request, in order, and what follows from it.

    `modseqs` are to be announced; `unlisted` (UID and name of new messages) and `relist` are the
    uidlists' business; `folders` is the tree anew when it changed; `made` is how the mod-sequences
    came about. Keys are mailbox ids.
    """

    outcomes: Sequence[Outcome]
    modseqs: Mapping[int, int]
    unlisted: Mapping[int, Sequence[tuple[int, bytes]]]
    relist: frozenset[int]
    folders: Mapping[Parts, bytes] | None
    made: Mapping[int, Sequence[Made]] = field(default_factory=dict)


@dataclass(slots=True)
class _Waiting:
    request: Request[Any]
    has_asker: bool = True
    done: trio.Event = field(default_factory=trio.Event)
    outcome: Outcome | None = None


class Door:
    """One account's door.

    `turn` does the work of a turn, in a worker thread; `announce` is called with its report, in
    trio's thread, before anybody is answered.
    """

    def __init__(
        self,
        turn: Callable[[Sequence[Request[Any]]], TurnReport],
        announce: Callable[[TurnReport], None],
    ) -> None:
        self._turn = turn
        self._announce = announce
        self._asked: deque[_Waiting] = deque()
        self._posted: deque[_Waiting] = deque()
        self._knock = trio.Event()
        self._limiter = trio.CapacityLimiter(1)
        self._began: float | None = None
        self._said: set[str] = set()
        self.turns = 0
        """How many turns were run."""
        self.seconds = 0.0
        """How long they took together."""

    async def ask(self, request: Request[Answer]) -> Answer:
        """Have `request` done; raises what made it fail. Cancellable until its turn begins."""
        return cast(Answer, await self._wait_in(self._asked, request))

    async def ask_last(self, request: Request[Answer]) -> Answer:
        """As `ask`, but when nothing else is asked."""
        return cast(Answer, await self._wait_in(self._posted, request))

    def post(self, request: Request[Any]) -> trio.Event:
        """Have `request` done when nothing else is asked; an error is only logged, and once.

        The event is set when it was done, or has failed.
        """
        waiting = _Waiting(request, has_asker=False)
        self._posted.append(waiting)
        self._knock.set()
        return waiting.done

    @property
    def waiting(self) -> int:
        """How many requests wait for a turn."""
        return len(self._asked) + len(self._posted)

    @property
    def busy(self) -> bool:
        """Whether a turn goes on, or is waited for."""
        return self._began is not None or self.waiting > 0

    @property
    def running_for(self) -> float:
        """How long the turn that goes on has taken so far (s), 0 when there is none."""
        return 0.0 if self._began is None else time.monotonic() - self._began

    async def run(self) -> None:
        """Run turns until cancelled."""
        while True:
            while not self.waiting:
                self._knock = trio.Event()
                await self._knock.wait()
            if self._asked:
                await self._run_asked()
            else:
                await self._run_posted(self._posted.popleft())

    async def finish(self) -> None:
        """Run what still waits, then return; nobody may ask any more."""
        while self._asked:
            await self._run_asked()
        while self._posted:
            await self._run_posted(self._posted.popleft())

    async def _wait_in(self, queue: deque[_Waiting], request: Request[Any]) -> object:
        waiting = _Waiting(request)
        queue.append(waiting)
        self._knock.set()
        try:
            await waiting.done.wait()
        except trio.Cancelled:
            if waiting in queue:
                queue.remove(waiting)
            raise
        assert waiting.outcome is not None
        if waiting.outcome.error is not None:
            raise waiting.outcome.error
        return waiting.outcome.answer

    async def _run_asked(self) -> None:
        turn = list(self._asked)
        self._asked.clear()
        outcomes = await self._run_turn([waiting.request for waiting in turn])
        for waiting, outcome in zip(turn, outcomes, strict=True):
            waiting.outcome = outcome
            waiting.done.set()

    async def _run_posted(self, waiting: _Waiting) -> None:
        (waiting.outcome,) = await self._run_turn([waiting.request])
        waiting.done.set()
        if not waiting.has_asker:
            self._log(waiting.request, waiting.outcome.error)

    async def _run_turn(self, requests: Sequence[Request[Any]]) -> Sequence[Outcome]:
        """One turn, to its end whatever is cancelled meanwhile; a failure is everybody's."""
        self._began = began = time.monotonic()
        with trio.CancelScope(shield=True):
            try:
                report = await trio.to_thread.run_sync(self._turn, requests, limiter=self._limiter)
            except Exception as error:
                return [Outcome(error=error)] * len(requests)
            finally:
                self._began = None
                self.turns += 1
                self.seconds += time.monotonic() - began
        try:
            self._announce(report)
        except Exception:
            logger.exception("what a turn did could not be announced")
        return report.outcomes

    def _log(self, request: Request[Any], error: Exception | None) -> None:
        """Say what went wrong where nobody else hears of it."""
        if isinstance(error, MaildirdError | OSError):
            if str(error) not in self._said and len(self._said) < MOST_SAID:
                self._said.add(str(error))
                logger.warning("%s", error)
        elif error is not None:
            logger.error("could not do %s", type(request).__name__, exc_info=error)
