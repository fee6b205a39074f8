"""The door: one turn at a time, all that wait in one turn, and nobody answered before the end."""

from collections.abc import Sequence
from typing import Any

import pytest
import trio
import trio.testing

from maildird.mailbox.door import Door, Outcome, TurnReport
from maildird.mailbox.requests import KeepRecent, Request
from maildird.terms.errors import Refused


class Ledger:
    """A turn's work for tests: notes what came, and waits where told to."""

    def __init__(self) -> None:
        self.turns: list[list[int]] = []
        self.heard: list[int] = []

    def turn(self, requests: Sequence[Request[Any]]) -> TurnReport:
        numbers = [r.first_recent for r in requests if isinstance(r, KeepRecent)]
        self.turns.append(numbers)
        outcomes = [
            Outcome(error=Refused(None, "odd")) if number % 2 else Outcome(number)
            for number in numbers
        ]
        return TurnReport(outcomes, {}, {}, frozenset(), None)

    def announce(self, report: TurnReport) -> None:
        self.heard.append(len(report.outcomes))


async def test_all_that_wait_go_into_one_turn(nursery: trio.Nursery) -> None:
    ledger = Ledger()
    door = Door(ledger.turn, ledger.announce)
    async with trio.open_nursery() as askers:
        for number in (2, 4, 6):
            askers.start_soon(door.ask, KeepRecent(1, number))
        await trio.testing.wait_all_tasks_blocked()
        assert ledger.turns == []
        nursery.start_soon(door.run)
    assert [sorted(turn) for turn in ledger.turns] == [[2, 4, 6]]
    assert ledger.heard == [3]


async def test_a_failing_request_fails_alone(nursery: trio.Nursery) -> None:
    ledger = Ledger()
    door = Door(ledger.turn, ledger.announce)
    nursery.start_soon(door.run)
    with pytest.raises(Refused, match="odd"):
        await door.ask(KeepRecent(1, 1))
    await door.ask(KeepRecent(1, 2))


async def test_a_request_that_is_cancelled_while_it_waits_is_never_begun() -> None:
    ledger = Ledger()
    door = Door(ledger.turn, ledger.announce)
    async with trio.open_nursery() as askers:
        askers.start_soon(door.ask, KeepRecent(1, 2))
        await trio.testing.wait_all_tasks_blocked()
        askers.cancel_scope.cancel()
    await door.finish()
    assert ledger.turns == []


async def test_a_cancelled_request_leaves_the_door_open(nursery: trio.Nursery) -> None:
    ledger = Ledger()
    door = Door(ledger.turn, ledger.announce)
    nursery.start_soon(door.run)
    await trio.testing.wait_all_tasks_blocked()
    with trio.CancelScope() as scope:
        scope.cancel()
        await door.ask(KeepRecent(1, 2))
    await trio.testing.wait_all_tasks_blocked()
    await door.ask(KeepRecent(1, 4))
    assert ledger.turns[-1] == [4]


async def test_a_turn_that_fails_as_a_whole_fails_everybody(nursery: trio.Nursery) -> None:
    def turn(requests: Sequence[Request[Any]]) -> TurnReport:
        raise OSError(28, "No space left on device")

    door = Door(turn, Ledger().announce)
    nursery.start_soon(door.run)
    for number in (1, 2):
        with pytest.raises(OSError, match="No space left"):
            await door.ask(KeepRecent(1, number))


async def test_what_is_posted_waits_until_nobody_asks() -> None:
    ledger = Ledger()
    door = Door(ledger.turn, ledger.announce)
    door.post(KeepRecent(1, 8))
    async with trio.open_nursery() as tasks:
        tasks.start_soon(door.ask, KeepRecent(1, 2))
        await trio.testing.wait_all_tasks_blocked()
        await door.finish()
    assert ledger.turns == [[2], [8]]
