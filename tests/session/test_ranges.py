"""Sizes and dates that search keys ask for, against the calendar."""

from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from maildird.imap.commands import search as keys
from maildird.imap.commands.search import When
from maildird.session.ranges import dates_wanted, sizes_wanted

NOW = 1_700_000_000


@given(st.integers(0, 253_402_128_000), st.dates(), st.integers(-1, 1))
def test_days(seconds: int, day: date, beside: int) -> None:
    midnight = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
    for moment in (seconds, max(0, midnight + beside)):
        its_day = datetime.fromtimestamp(moment, UTC).date()
        for when, expected in (
            (When.BEFORE, its_day < day),
            (When.ON, its_day == day),
            (When.SINCE, its_day >= day),
        ):
            assert (moment in dates_wanted(keys.InternalDate(when, day), NOW)) is expected


def test_ages() -> None:
    older, younger = dates_wanted(keys.Older(60), NOW), dates_wanted(keys.Younger(60), NOW)
    assert [at in older for at in (NOW - 61, NOW - 60, NOW - 59)] == [True, True, False]
    assert [at in younger for at in (NOW - 61, NOW - 60, NOW - 59)] == [False, True, True]
    assert 0 in older
    assert NOW * 2 in younger


def test_sizes() -> None:
    assert [size in sizes_wanted(keys.Larger(5)) for size in (4, 5, 6)] == [False, False, True]
    assert [size in sizes_wanted(keys.Smaller(5)) for size in (4, 5, 6)] == [True, False, False]
    assert 0 not in sizes_wanted(keys.Smaller(0))
