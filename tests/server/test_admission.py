"""Counting connections."""

import logging
from contextlib import ExitStack

import pytest
import trio
from trio.testing import MockClock

from maildird.server.addresses import Address
from maildird.server.admission import QUIET, Admission, Visit, origin_of
from maildird.server.settings import Limits


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::1", "::1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1", "fe80::/64"),
    ],
)
def test_an_ipv6_customer_counts_once(host: str, origin: str) -> None:
    assert origin_of(Address(host, 5000)) == origin


async def test_who_left_makes_room() -> None:
    admission = Admission(Limits(connections=2, connections_per_address=1))
    with ExitStack() as inside:
        for host in ("192.0.2.1", "192.0.2.2"):
            assert (
                inside.enter_context(admission.admit(Address(host, 5000), Visit(known=True)))
                is None
            )
        with admission.admit(Address("192.0.2.3", 5000), Visit(known=True)) as refusal:
            assert refusal == "all 2 connections are taken; try again later"
    with admission.admit(Address("192.0.2.3", 5000), Visit(known=True)) as refusal:
        assert refusal is None


async def test_who_has_not_logged_in_is_ended_for_who_comes() -> None:
    """The oldest of the address that has most of them; none that has logged in."""
    admission = Admission(Limits(connections=4))
    hosts = ("192.0.2.1", "192.0.2.2", "192.0.2.2", "192.0.2.2")
    visits = [Visit(known=number == 1) for number in range(4)]
    with ExitStack() as inside:
        for host, visit in zip(hosts, visits, strict=True):
            inside.enter_context(admission.admit(Address(host, 5000), visit))
        for ended in ([2], [2, 0], [2, 0, 3]):
            visit = Visit(known=True)
            refusal = inside.enter_context(admission.admit(Address("192.0.2.3", 5000), visit))
            assert refusal is None
            assert admission.connections == 4
            assert {visit for visit in visits if visit.scope.cancel_called} == {
                visits[number] for number in ended
            }
        with admission.admit(Address("192.0.2.4", 5000), Visit()) as refusal:
            assert refusal == "all 4 connections are taken; try again later"
    assert admission.connections == 0


async def test_users_count_each_on_their_own(caplog: pytest.LogCaptureFixture) -> None:
    admission = Admission(Limits(connections_per_user=1))
    with admission.admit_user("ada") as first, admission.admit_user("bob") as other:
        assert (first, other) == (None, None)
        with admission.admit_user("ada") as refusal:
            assert refusal == "1 connections of ada are open already; close one first"
    with admission.admit_user("ada") as again:
        assert again is None
    (record,) = caplog.records
    assert record.message == (
        "1 connections of user ada are open, more are turned away;"
        " limits.connections_per_user sets how many may be"
    )


async def test_a_crowd_is_logged_once_a_minute(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    admission = Admission(Limits(connections_per_address=1))
    with admission.admit(Address("192.0.2.1", 5000), Visit(known=True)):
        for expected in (1, 1, 2):
            with admission.admit(Address("192.0.2.1", 5000), Visit(known=True)) as refusal:
                assert refusal is not None
            assert len(caplog.records) == expected
            await trio.sleep(QUIET * 0.6)
