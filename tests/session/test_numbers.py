"""From sets to rows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maildird.session.numbers import check_numbers, common_numbers, rows_within, slices_of
from maildird.terms.errors import Malformed
from maildird.terms.sets import STAR, SavedResult, SeqSet, UidSet

UIDS = (2, 3, 5, 8)
SAVED = UidSet.of([3, 4, 8])


@pytest.mark.parametrize(
    ("messages", "slices"),
    [
        (SeqSet(((1, 2), (4, 4))), [(0, 2), (3, 4)]),
        (SeqSet(((STAR, 3),)), [(2, 4)]),
        (UidSet(((1, 4294967295),)), [(0, 4)]),
        (UidSet(((4, 5), (2, 2), (7, 7))), [(0, 1), (2, 3)]),
        (UidSet(((99, STAR),)), [(3, 4)]),
        (SavedResult(), [(1, 2), (3, 4)]),
    ],
)
def test_slices(messages: SeqSet | UidSet | SavedResult, slices: list[tuple[int, int]]) -> None:
    assert list(slices_of(messages, UIDS, SAVED)) == slices


def test_nothing_is_named_in_an_empty_mailbox() -> None:
    assert list(slices_of(UidSet(((1, STAR),)), (), SAVED)) == []
    assert list(slices_of(SavedResult(), (), SAVED)) == []


@pytest.mark.parametrize(
    ("messages", "count"),
    [
        (SeqSet(((1, 5),)), 4),
        (SeqSet(((5, 1),)), 4),
        (SeqSet(((STAR, STAR),)), 0),
        (SeqSet(((1, STAR),)), 0),
    ],
)
def test_numbers_that_are_not_there(messages: SeqSet, count: int) -> None:
    with pytest.raises(Malformed, match=f"the mailbox has {count} messages"):
        check_numbers(messages, count)


def test_numbers_that_may_be_said() -> None:
    check_numbers(SeqSet(((1, STAR), (4, 4))), 4)
    check_numbers(UidSet(((1, 99), (STAR, STAR))), 0)
    check_numbers(SavedResult(), 0)


number_sets = st.sets(st.integers(1, 40))


@given(number_sets, number_sets)
def test_common_numbers(left: set[int], right: set[int]) -> None:
    assert set(common_numbers(UidSet.of(left), UidSet.of(right))) == left & right


@given(number_sets, number_sets)
def test_rows_within(rows: set[int], wanted: set[int]) -> None:
    slices = [(low, high + 1) for low, high in UidSet.of(wanted).ranges]
    assert rows_within(sorted(rows), slices) == sorted(rows & wanted)
