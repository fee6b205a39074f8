"""Number sets: spelling, `*`, and what they hold, against Python's own sets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maildird.terms.sets import STAR, SeqSet, UidSet

numbers = st.sets(st.integers(1, 60))


@given(numbers)
def test_a_set_of_numbers_holds_just_them(chosen: set[int]) -> None:
    made = UidSet.of(chosen)
    assert list(made) == sorted(chosen)
    assert len(made) == len(chosen)
    assert {n for n in range(1, 70) if n in made} == chosen
    assert UidSet.of_sorted(sorted(chosen)) == made


@given(numbers, st.integers(1, 60), st.integers(1, 60))
def test_within(chosen: set[int], low: int, high: int) -> None:
    assert set(UidSet.of(chosen).within(low, high)) == {n for n in chosen if low <= n <= high}


@given(numbers, numbers)
def test_present_slices_are_the_intersection(chosen: set[int], there: set[int]) -> None:
    rising = sorted(there)
    found = [n for a, b in UidSet.of(chosen).present(rising) for n in rising[a:b]]
    assert found == sorted(chosen & there)


@pytest.mark.parametrize(
    ("ranges", "largest", "spelled"),
    [
        (((1, 3), (2, 5)), 9, "1:5"),
        (((7, 2),), 9, "2:7"),
        (((STAR, STAR),), 9, "9"),
        (((1, STAR),), 9, "1:9"),
        (((559, STAR),), 9, "9:559"),  # RFC 3501 section 6.4.8: includes the last message
        (((STAR, 4), (1, 1), (2, 2)), 9, "1:2,4:9"),
        (((STAR, STAR),), 0, ""),
        (((1, 4294967295),), 3, "1:4294967295"),
    ],
)
def test_resolve(ranges: tuple[tuple[int, int], ...], largest: int, spelled: str) -> None:
    assert bytes(UidSet(ranges).resolve(largest)) == spelled.encode()


def test_spelling_keeps_the_star() -> None:
    assert str(SeqSet(((1, 1), (5, STAR)))) == "1,5:*"
    assert SeqSet(((5, STAR),)).has_star
