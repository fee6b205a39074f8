"""Sets of UIDs and of message sequence numbers, as ranges.

`UidSet` and `SeqSet` are different types so that they can't be mixed up. A set as a client wrote it
may hold `*` (kept as `STAR`) and come in any order; `resolve` makes it *plain*: sorted, disjoint
ranges without `*`. All other methods want a plain set; the constructors from numbers make one.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, Self

STAR: Final = 0
"""`*` in a range: the largest number in use (RFC 3501 section 9, seq-number)."""


@dataclass(frozen=True, slots=True)
class NumberSet:
    """Numbers from 1 to 2^32 - 1 as (low, high) ranges, both ends included."""

    ranges: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, numbers: Iterable[int]) -> Self:
        """The plain set of `numbers`, which may come in any order and repeat."""
        return cls(_merged((n, n) for n in sorted(numbers)))

    @classmethod
    def of_sorted(cls, numbers: Sequence[int]) -> Self:
        """The plain set of `numbers` that rise strictly; linear and quick for long runs."""
        ranges: list[tuple[int, int]] = []
        at, end = 0, len(numbers)
        while at < end:
            low = numbers[at]
            last = _run_end(numbers, at)
            ranges.append((low, numbers[last]))
            at = last + 1
        return cls(tuple(ranges))

    def resolve(self, largest: int) -> Self:
        """The plain set with `*` replaced by `largest` (0: the mailbox is empty)."""
        pairs = []
        for low, high in self.ranges:
            low, high = low or largest, high or largest
            low, high = min(low, high), max(low, high)
            if high:
                pairs.append((max(low, 1), high))
        return type(self)(_merged(sorted(pairs)))

    @property
    def has_star(self) -> bool:
        """Whether `*` stands in it."""
        return any(STAR in pair for pair in self.ranges)

    def within(self, low: int, high: int) -> Self:
        """The part of a plain set from `low` to `high`."""
        cut = ((max(a, low), min(b, high)) for a, b in self.ranges)
        return type(self)(tuple((a, b) for a, b in cut if a <= b))

    def present(self, numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
        """For each range of a plain set the slice (start, stop) of the rising `numbers` inside it.

        Costs O(ranges x log numbers), so `1:4294967295` is cheap.
        """
        start = 0
        for low, high in self.ranges:
            start = bisect_right(numbers, low - 1, start)
            stop = bisect_right(numbers, high, start)
            if start < stop:
                yield start, stop
            start = stop

    def __contains__(self, number: object) -> bool:
        if not isinstance(number, int):
            return False
        at = bisect_right(self.ranges, (number, _ABOVE)) - 1
        return at >= 0 and self.ranges[at][0] <= number <= self.ranges[at][1]

    def __iter__(self) -> Iterator[int]:
        for low, high in self.ranges:
            yield from range(low, high + 1)

    def __len__(self) -> int:
        return sum(high - low + 1 for low, high in self.ranges)

    def __bool__(self) -> bool:
        return bool(self.ranges)

    def __str__(self) -> str:
        return ",".join(_spelled(low, high) for low, high in self.ranges)

    def __bytes__(self) -> bytes:
        return str(self).encode("ascii")


@dataclass(frozen=True, slots=True)
class UidSet(NumberSet):
    """Unique identifiers (RFC 3501 section 2.3.1.1)."""

    EMPTY: ClassVar["UidSet"]


@dataclass(frozen=True, slots=True)
class SeqSet(NumberSet):
    """Message sequence numbers (RFC 3501 section 2.3.1.2)."""

    EMPTY: ClassVar["SeqSet"]


UidSet.EMPTY = UidSet()
SeqSet.EMPTY = SeqSet()


@dataclass(frozen=True, slots=True)
class SavedResult:
    """`$`: the result that the last SEARCH RETURN (SAVE) kept (RFC 5182)."""


_ABOVE: Final = 1 << 64


def _merged(pairs: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    merged: list[tuple[int, int]] = []
    for low, high in pairs:
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return tuple(merged)


def _run_end(numbers: Sequence[int], at: int) -> int:
    """Index of the last number of the unbroken run that begins at index `at` (galloping search)."""
    first, end = numbers[at], len(numbers)
    step = 1
    low = at
    while low + step < end and numbers[low + step] == first + (low + step - at):
        low += step
        step *= 2
    while step > 1:
        step //= 2
        if low + step < end and numbers[low + step] == first + (low + step - at):
            low += step
    return low


def _spelled(low: int, high: int) -> str:
    a, b = (str(n) if n != STAR else "*" for n in (low, high))
    return a if low == high else f"{a}:{b}"
