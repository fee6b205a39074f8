"""Who fails to log in waits longer each time, and holds up few others."""

import logging
import re
import shutil
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from maildird.server import throttle as throttle_module
from maildird.server.addresses import parse_address
from maildird.server.throttle import (
    AT_ONCE,
    FORGOTTEN,
    FREE,
    LONGEST_OF_ADDRESS,
    LONGEST_OF_NAME,
    MOST_COUNTED,
    PACE,
    Throttle,
)

HERE, THERE = "192.0.2.1:5000", "198.51.100.7:6000"
LOOPBACK = "127.0.0.1:7000"

FILTER = Path(__file__).parents[2] / "packaging" / "fail2ban" / "maildird.conf"


async def attempt(
    throttle: Throttle, name: str, peer: str, *, right: bool = False, exists: bool = False
) -> float:
    """Try to log in; gives how long that had to wait (s)."""
    began = trio.current_time()
    async with throttle.attempt(name.encode(), parse_address(peer), exists=exists) as made:
        waited = trio.current_time() - began
        made.ended(right=right)
    return waited


async def failures(throttle: Throttle, number: int, name: str, peer: str) -> list[float]:
    """Fail so often; gives how long each had to wait."""
    return [await attempt(throttle, name, peer) for _ in range(number)]


async def test_an_address_waits_twice_as_long_each_time_up_to_a_cap(
    autojump_clock: MockClock,
) -> None:
    throttle = Throttle()
    waited = [await attempt(throttle, f"user{number}", HERE) for number in range(FREE + 7)]
    assert waited[: FREE + 1] == [0.0] * (FREE + 1)
    assert waited[FREE + 1 : FREE + 4] == pytest.approx([2, 4, 8], rel=0.2)
    assert waited[-2:] == pytest.approx([LONGEST_OF_ADDRESS] * 2)


async def test_a_name_waits_wherever_it_is_tried_but_never_for_long(
    autojump_clock: MockClock,
) -> None:
    throttle = Throttle()
    waited = [await attempt(throttle, "ada", f"192.0.2.{number}:5000") for number in range(50)]
    assert waited[: FREE + 1] == [0.0] * (FREE + 1)
    assert waited[-1] == pytest.approx(max(waited)) == pytest.approx(LONGEST_OF_NAME)
    assert await attempt(throttle, "ada", THERE, right=True) == pytest.approx(LONGEST_OF_NAME)
    assert await attempt(throttle, "eve", THERE, right=True) == 0


async def test_failures_are_forgotten_with_time(autojump_clock: MockClock) -> None:
    throttle = Throttle()
    await failures(throttle, 100, "ada", HERE)
    await trio.sleep((MOST_COUNTED - FREE) * FORGOTTEN)
    assert await attempt(throttle, "ada", HERE) == 0


async def test_who_gets_in_takes_back_their_own_failures_alone(autojump_clock: MockClock) -> None:
    throttle = Throttle()
    await failures(throttle, 8, "ada", HERE)
    await attempt(throttle, "ada", HERE, right=True)
    assert await attempt(throttle, "ada", HERE, right=True) == 0
    await failures(throttle, 8, "ada", HERE)
    await attempt(throttle, "ada", THERE, right=True)
    assert await attempt(throttle, "ada", HERE) == pytest.approx(LONGEST_OF_NAME)
    assert await attempt(throttle, "eve", HERE) > LONGEST_OF_NAME


async def test_an_own_account_does_not_buy_guesses_at_others(autojump_clock: MockClock) -> None:
    throttle = Throttle()
    for _ in range(10):
        await failures(throttle, 1, "ada", HERE)
        await attempt(throttle, "eve", HERE, right=True)
    assert await attempt(throttle, "ada", HERE) == pytest.approx(LONGEST_OF_ADDRESS)


async def test_an_own_account_takes_back_no_more_than_it_added(autojump_clock: MockClock) -> None:
    """Failures that an address at the cap can't add, a login can't take away from it."""
    throttle = Throttle()
    await failures(throttle, 30, "ada", HERE)
    await attempt(throttle, "eve", HERE, right=True, exists=True)
    await failures(throttle, 10, "eve", HERE)
    await attempt(throttle, "eve", HERE, right=True, exists=True)
    assert await attempt(throttle, "bob", HERE) == pytest.approx(LONGEST_OF_ADDRESS)


async def test_addresses_of_one_network_count_as_one(autojump_clock: MockClock) -> None:
    throttle = Throttle()
    for number in range(8):
        await attempt(throttle, f"user{number}", f"[2001:db8::{number}]:5000")
    assert await attempt(throttle, "ada", "[2001:db8::ffff]:5000") > 0
    assert await attempt(throttle, "ada", "[2001:db8:0:1::1]:5000") == 0


async def test_the_machine_itself_is_not_held_up_but_the_names_are(
    autojump_clock: MockClock,
) -> None:
    throttle = Throttle()
    for number in range(20):
        assert await attempt(throttle, f"user{number}", LOOPBACK) == 0
    assert (await failures(throttle, 12, "ada", LOOPBACK))[-1] == pytest.approx(LONGEST_OF_NAME)


async def together(throttle: Throttle, names: list[str], *, exist: bool = False) -> list[float]:
    """Guess at all of the names at once; gives when each password was compared (s)."""
    compared: list[float] = []
    began = trio.current_time()

    async def guess(name: str) -> None:
        async with throttle.attempt(name.encode(), parse_address(HERE), exists=exist) as made:
            compared.append(trio.current_time() - began)
            await trio.sleep(0.1)
            made.ended(right=False)

    async with trio.open_nursery() as nursery:
        for name in names:
            nursery.start_soon(guess, name)
    return compared


async def test_guesses_that_come_together_wait_for_the_first_ones(
    autojump_clock: MockClock,
) -> None:
    compared = await together(Throttle(), [f"user{number}" for number in range(40)])
    assert len([at for at in compared if at < 2]) <= FREE + AT_ONCE
    assert len([at for at in compared if at < LONGEST_OF_ADDRESS]) <= FREE + 3 * AT_ONCE


async def test_guesses_at_one_name_that_exists_wait_for_the_first_ones_too(
    autojump_clock: MockClock,
) -> None:
    throttle = Throttle()
    await failures(throttle, 12, "eve", HERE)
    compared = await together(throttle, ["ada"] * 40, exist=True)
    assert len([at for at in compared if at < LONGEST_OF_ADDRESS]) <= AT_ONCE


async def test_who_guesses_holds_up_nobody_else_behind_the_same_address(
    autojump_clock: MockClock,
) -> None:
    """Not who logged in from there before, nor who exists and comes for the first time."""
    throttle = Throttle()
    await attempt(throttle, "ada", HERE, right=True)
    await failures(throttle, 12, "eve", HERE)
    async with trio.open_nursery() as nursery:
        for number in range(100):
            nursery.start_soon(attempt, throttle, f"user{number}", HERE)
        await trio.testing.wait_all_tasks_blocked()
        assert await attempt(throttle, "ada", HERE, right=True, exists=True) == 0
        assert await attempt(throttle, "bob", HERE, right=True, exists=True) == 0
        assert await attempt(throttle, "cy", HERE, exists=True) == 0
        assert await attempt(throttle, "cy", HERE, right=True, exists=True) == 0


@pytest.mark.parametrize("exist", [False, True])
async def test_more_connections_make_no_more_guesses(
    autojump_clock: MockClock, *, exist: bool
) -> None:
    throttle = Throttle()
    await failures(throttle, 12, "eve", HERE)
    began = trio.current_time()
    compared = await together(throttle, ["ada"] * 40, exist=exist)
    late = [at for at in compared if at >= LONGEST_OF_ADDRESS]
    assert max(late) == pytest.approx(LONGEST_OF_ADDRESS + (len(compared) - 1) * PACE, rel=0.2)
    assert trio.current_time() - began >= LONGEST_OF_ADDRESS + (len(compared) - 1) * PACE


async def test_one_at_a_time_waits_no_longer_for_the_pace(autojump_clock: MockClock) -> None:
    throttle = Throttle()
    waited = await failures(throttle, 20, "eve", HERE)
    assert max(waited) == pytest.approx(LONGEST_OF_ADDRESS)


@pytest.mark.parametrize("exists", [False, True])
async def test_while_others_take_the_first_turns_a_name_that_exists_waits_like_any_other(
    autojump_clock: MockClock, *, exists: bool
) -> None:
    throttle = Throttle()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(together, throttle, [f"user{number}" for number in range(8)])
        await trio.testing.wait_all_tasks_blocked()
        began = trio.current_time()
        async with throttle.attempt(b"ada", parse_address(HERE), exists=exists) as made:
            await trio.sleep(0.1)
            made.ended(right=False)
        took = trio.current_time() - began
    assert took == pytest.approx(8, rel=0.1)


@pytest.mark.parametrize("others", [9, 20])
async def test_a_wrong_password_takes_as_long_whether_the_name_exists_or_not(
    autojump_clock: MockClock, others: int
) -> None:
    async def took(*, exists: bool, known: bool = False) -> float:
        throttle = Throttle()
        if known:
            await attempt(throttle, "ada", HERE, right=True)
        for number in range(7):
            await attempt(throttle, "ada", f"203.0.113.{number}:5000")
        await failures(throttle, others, "eve", HERE)
        began = trio.current_time()
        await attempt(throttle, "ada", HERE, exists=exists)
        return trio.current_time() - began

    nobody = await took(exists=False)
    assert nobody > LONGEST_OF_NAME
    assert await took(exists=True) == pytest.approx(nobody, abs=1e-6)
    assert await took(exists=True, known=True) == pytest.approx(nobody, abs=1e-6)


async def test_a_refusal_takes_what_the_comparison_takes_beside_the_waiting(
    autojump_clock: MockClock,
) -> None:
    async def took(comparison: float, *, exists: bool) -> float:
        throttle = Throttle()
        await failures(throttle, 8, "eve", HERE)
        began = trio.current_time()
        async with throttle.attempt(
            b"ada", parse_address(HERE), exists=exists, refusal_takes=2.0
        ) as made:
            await trio.sleep(comparison)
            made.ended(right=False)
        return trio.current_time() - began

    for comparison, least in ((0.5, 2.0), (3.0, 3.0)):
        nobody = await took(comparison, exists=False)
        assert nobody > LONGEST_OF_NAME + least
        assert await took(comparison, exists=True) == pytest.approx(nobody, abs=1e-6)


async def test_a_crowd_of_guesses_tells_no_more_about_a_name(autojump_clock: MockClock) -> None:
    """Those at names that nobody has wait for turns; so does a refusal for one that exists."""

    async def took(*, exists: bool) -> float:
        throttle = Throttle()
        await failures(throttle, 20, "eve", HERE)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(together, throttle, [f"user{number}" for number in range(80)])
            await trio.testing.wait_all_tasks_blocked()
            began = trio.current_time()
            async with throttle.attempt(b"ada", parse_address(HERE), exists=exists) as made:
                await trio.sleep(0.1)
                made.ended(right=False)
            return trio.current_time() - began

    # the order of tasks that wake at one time is random, so either may have any of the turns
    last = LONGEST_OF_ADDRESS + 81 * PACE + 0.2
    for exists in (False, True):
        assert all([LONGEST_OF_ADDRESS <= await took(exists=exists) <= last for _ in range(3)])
    assert max([await took(exists=True) for _ in range(12)]) > LONGEST_OF_ADDRESS + 0.3


async def test_a_name_that_exists_is_not_guessed_at_quickly_for_long(
    autojump_clock: MockClock,
) -> None:
    throttle = Throttle()
    await failures(throttle, 12, "eve", HERE)
    waited = [await attempt(throttle, "ada", HERE, exists=True) for _ in range(3)]
    assert waited[0] == waited[1] == 0
    waited = [await attempt(throttle, "ada", HERE, exists=True) for _ in range(12)]
    assert waited.count(0.0) <= 6
    assert await attempt(throttle, "ada", HERE, exists=True) > 0


async def test_an_attempt_that_was_given_up_counts(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    throttle = Throttle()
    for _ in range(12):
        throttle.given_up(b"ada", parse_address(HERE))
    assert caplog.messages == [f"failed login for 'ada' from {HERE}"] * 12
    assert await attempt(throttle, "bob", HERE) == pytest.approx(LONGEST_OF_ADDRESS, rel=0.1)


async def test_many_who_have_the_right_password_do_not_wait(autojump_clock: MockClock) -> None:
    throttle = Throttle()
    began = trio.current_time()

    async def log_in(number: int) -> None:
        async with throttle.attempt(b"user%d" % number, parse_address(HERE)) as made:
            made.ended(right=True)

    async with trio.open_nursery() as nursery:
        for number in range(100):
            nursery.start_soon(log_in, number)
    assert trio.current_time() == began


async def test_who_leaves_while_waiting_takes_nobodys_turn(autojump_clock: MockClock) -> None:
    throttle = Throttle()
    await failures(throttle, 10, "ada", HERE)
    async with trio.open_nursery() as nursery:
        for _ in range(2 * AT_ONCE):
            nursery.start_soon(attempt, throttle, "ada", HERE)
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert await attempt(throttle, "ada", HERE) == pytest.approx(LONGEST_OF_ADDRESS)


async def test_what_is_remembered_is_bounded(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle_module, "MOST_REMEMBERED", 40)
    throttle = Throttle()
    await failures(throttle, 8, "ada", HERE)
    for number in range(8):
        await attempt(throttle, f"user{number}", f"198.51.100.{number}:5000")
    assert await attempt(throttle, "ada", HERE) > 0
    for number in range(12):
        await attempt(throttle, f"user{number}", f"203.0.113.{number}:5000")
    assert await attempt(throttle, "eve", HERE) == 0


HOSTILE = (
    "ada",
    "x' from 203.0.113.9:1",
    'x" from 203.0.113.9:1',
    "' from 203.0.113.9:1\nWARNING failed login for 'ada",
    "'\" from 203.0.113.9:1",
    "a\x1b[3'\u2028",
)


@pytest.fixture
async def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The log lines of failures with hostile names, of IPv4 and IPv6."""
    for name in HOSTILE:
        await attempt(Throttle(), name, HERE)
        await attempt(Throttle(), name, "[2001:db8::1]:5000")
    formatter = logging.Formatter("%(levelname)s %(message)s")
    return [formatter.format(record) for record in caplog.records]


async def test_a_failure_is_one_line_with_the_address_last(lines: list[str]) -> None:
    assert lines[0] == f"WARNING failed login for 'ada' from {HERE}"
    assert len(lines) == 2 * len(HOSTILE)
    for line in lines:
        assert line.isascii()
        assert line.isprintable()


async def test_the_filter_of_fail2ban_finds_the_address_whatever_the_name(
    lines: list[str],
) -> None:
    (text,) = re.findall(r"^failregex = (.*)$", FILTER.read_text(), re.MULTILINE)
    failregex = re.compile(text.replace("<ADDR>", r"\[?(?P<host>[0-9a-f.:]+?)\]?"))
    found = [match["host"] for line in lines if (match := failregex.search(line))]
    assert found == ["192.0.2.1", "2001:db8::1"] * len(HOSTILE)
    assert failregex.search(f"INFO ada logged in from {HERE}") is None
    assert failregex.search(f"host maildird[7]: {lines[0]}")
    assert failregex.search(f"host maildird[7]: INFO mailbox a is maildird[7]: {lines[0]}") is None


@pytest.mark.skipif(shutil.which("fail2ban-regex") is None, reason="fail2ban is not installed")
async def test_fail2ban_itself_finds_each_failure(lines: list[str], tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("".join(f"2026-11-24T10:00:00 host maildird[7]: {line}\n" for line in lines))
    command = ["fail2ban-regex", "--out", "ip", str(log), str(FILTER)]
    done = await trio.run_process(command, capture_stdout=True)
    assert done.stdout.decode().split() == ["192.0.2.1", "2001:db8::1"] * len(HOSTILE)
