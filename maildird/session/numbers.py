"""From the sets of a command to rows of the view (row 0 is message number 1)."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

from maildird.terms.errors import Malformed
from maildird.terms.sets import STAR, NumberSet, SavedResult, SeqSet, UidSet

Slice = tuple[int, int]
"""Rows from the first number up to, and without, the second one."""


def slices_of(
    messages: NumberSet | SavedResult, uids: Sequence[int], saved: UidSet
) -> Iterator[Slice]:
    """The rows that a set names; rising and disjoint, never empty.

    `uids` is the view's column, `saved` the plain set that `$` stands for. A UID that isn't there
    is left out (RFC 3501 section 6.4.8), a message number beyond the last one has to be caught
    before, by `check_numbers`.
    """
    match messages:
        case SeqSet():
            for low, high in messages.resolve(len(uids)).within(1, len(uids)).ranges:
                yield low - 1, high
        case UidSet():
            yield from messages.resolve(uids[-1] if uids else 0).present(uids)
        case _:
            yield from saved.present(uids)


def check_numbers(messages: NumberSet | SavedResult, count: int) -> None:
    """Malformed for a message number above `count`, or `*` where there is no message.

    RFC 3501 section 9, seq-number: BAD is the answer to both.
    """
    if not isinstance(messages, SeqSet):
        return
    largest = max(max(pair) for pair in messages.ranges)
    if largest > count or (count == 0 and messages.has_star):
        asked = "*" if largest == STAR else str(largest)
        raise Malformed(f"there is no message {asked}: the mailbox has {count} messages")


def rows_within(rows: Sequence[int], slices: Iterable[Slice]) -> list[int]:
    """Those of the rising `rows` that lie in one of the rising `slices`."""
    within: list[int] = []
    for start, stop in slices:
        within += rows[bisect_left(rows, start) : bisect_left(rows, stop)]
    return within


def common_numbers(left: UidSet, right: UidSet) -> UidSet:
    """The numbers that two plain sets have in common."""
    common: list[tuple[int, int]] = []
    a = b = 0
    while a < len(left.ranges) and b < len(right.ranges):
        low = max(left.ranges[a][0], right.ranges[b][0])
        high = min(left.ranges[a][1], right.ranges[b][1])
        if low <= high:
            common.append((low, high))
        if left.ranges[a][1] < right.ranges[b][1]:
            a += 1
        else:
            b += 1
    return UidSet(tuple(common))
