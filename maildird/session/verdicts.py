"""What search keys say about messages, as far as columns can tell: the view's, sizes and dates.

Theory of operation. A key gives each message one of three verdicts: NO, YES, or MAYBE where the
columns don't suffice and the message itself has to be looked at. They are the numbers 0, 2 and 1,
so that AND is the minimum, OR the maximum and NOT the distance from 2, and the verdicts on many
messages are one `bytes` (Kleene's logic). A search runs twice: first over the whole view with
nobody looking, then over the messages that came out as MAYBE, each with a `look` that reads it. A
message that can't be read stays MAYBE and so is never found, neither by a key nor by its NOT.

In an AND the cheapest keys are asked first, and the next ones only about what is left.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

from maildird.imap.commands import search as keys
from maildird.imap.commands.search import SearchKey
from maildird.session.flag_bits import flag_bit
from maildird.session.numbers import Slice, slices_of
from maildird.session.ranges import dates_wanted, sizes_wanted
from maildird.terms.sets import UidSet

NO: Final = 0
MAYBE: Final = 1
YES: Final = 2

UNKNOWN: Final = -1
"""Stands in a column for the size or the internal date of a message nobody has read yet."""

_INVERTED: Final = bytes.maketrans(bytes([NO, YES]), bytes([YES, NO]))


@dataclass(frozen=True, slots=True)
class Columns:
    """What the columns of a view say: columns of equal length, one row a message, UIDs rise.

    `saved` is the plain set that `$` stands for. `first_recent` is the lowest \\Recent UID. `sizes`
    are in octets, `internaldates` in Unix seconds, as `now` is; both hold `UNKNOWN`, or are empty
    when no key in the search needs them.
    """

    uids: Sequence[int]
    masks: Sequence[int]
    modseqs: Sequence[int]
    keywords: tuple[str, ...]
    first_recent: int
    saved: UidSet
    sizes: Sequence[int] = ()
    internaldates: Sequence[int] = ()
    now: int = 0


Look = Callable[[SearchKey, int], int]
"""Gives the verdict of a key that the columns can't answer on the message in row `at`."""


def maybe(key: SearchKey, at: int) -> int:
    """The `look` of the first run."""
    return MAYBE


def candidates(key: SearchKey, columns: Columns) -> Iterator[int]:
    """The rows that the number sets in `key` leave over; `UID 5:6 TEXT x` is asked of two rows."""
    return chain.from_iterable(range(*part) for part in _slices(key, columns))


def verdicts(key: SearchKey, columns: Columns, rows: Sequence[int], look: Look = maybe) -> bytes:
    """The verdict of `key` on each of the `rows`."""
    match key:
        case keys.All():
            return bytes([YES]) * len(rows)
        case keys.And():
            return _all_of(key.keys, columns, rows, look)
        case keys.Or():
            return _any_of((key.left, key.right), columns, rows, look)
        case keys.Not():
            return verdicts(key.key, columns, rows, look).translate(_INVERTED)
        case keys.InSet():
            return _in_slices(_slices(key, columns), columns, rows)
        case keys.HasFlag():
            bit = flag_bit(key.flag, columns.keywords)
            masks, (yes, no) = columns.masks, (YES, NO) if key.present else (NO, YES)
            return bytes([yes if masks[at] & bit else no for at in rows])
        case keys.IsRecent():
            uids, first = columns.uids, columns.first_recent
            return bytes(YES if (uids[at] >= first) is key.recent else NO for at in rows)
        case keys.ModSeq():
            modseqs, value = columns.modseqs, key.value
            return bytes(YES if modseqs[at] >= value else NO for at in rows)
        case keys.Larger() | keys.Smaller() if columns.sizes:
            return _within(columns.sizes, sizes_wanted(key), key, rows, look)
        case keys.InternalDate() | keys.Older() | keys.Younger() if columns.internaldates:
            wanted = dates_wanted(key, columns.now)
            return _within(columns.internaldates, wanted, key, rows, look)
        case _:
            return bytes([look(key, at) for at in rows])


def asks_for_facts(key: SearchKey) -> bool:
    """Whether the columns of sizes or internal dates are needed."""
    return any(_leaf_cost(leaf) == 1 for leaf in leaves(key))


def is_in_columns(leaf: SearchKey) -> bool:
    """Whether columns alone answer a key that holds no others, known facts or not."""
    return _leaf_cost(leaf) == 0


def asks_for_dates(key: SearchKey) -> bool:
    """Whether the column of internal dates is."""
    dates = keys.InternalDate | keys.Older | keys.Younger
    return any(isinstance(leaf, dates) for leaf in leaves(key))


def asks_for_modseq(key: SearchKey) -> bool:
    """Whether MODSEQ stands anywhere in `key` (RFC 7162 section 3.1.5)."""
    return any(isinstance(leaf, keys.ModSeq) for leaf in leaves(key))


def leaves(key: SearchKey) -> Iterator[SearchKey]:
    """The keys in `key` that hold no others."""
    match key:
        case keys.And():
            for each in key.keys:
                yield from leaves(each)
        case keys.Or():
            yield from leaves(key.left)
            yield from leaves(key.right)
        case keys.Not():
            yield from leaves(key.key)
        case _:
            yield key


def _within(
    column: Sequence[int], wanted: range, key: SearchKey, rows: Sequence[int], look: Look
) -> bytes:
    """YES where a number is `wanted`; rows whose number is unknown have to be looked at."""
    verdict = {True: YES, False: NO}
    return bytes(
        [
            look(key, at) if (number := column[at]) == UNKNOWN else verdict[number in wanted]
            for at in rows
        ]
    )


def _all_of(
    all_keys: Sequence[SearchKey], columns: Columns, rows: Sequence[int], look: Look
) -> bytes:
    result = bytearray([YES]) * len(rows)
    left = list(range(len(rows)))
    for key in sorted(all_keys, key=_cost):
        said = verdicts(key, columns, [rows[n] for n in left], look)
        for n, verdict in zip(left, said, strict=True):
            if verdict < result[n]:
                result[n] = verdict
        left = [n for n, verdict in zip(left, said, strict=True) if verdict != NO]
    return bytes(result)


def _any_of(
    any_keys: Sequence[SearchKey], columns: Columns, rows: Sequence[int], look: Look
) -> bytes:
    none_of = _all_of([keys.Not(key) for key in any_keys], columns, rows, look)
    return none_of.translate(_INVERTED)


def _cost(key: SearchKey) -> int:
    """How much it takes to answer: 0 columns, 1 facts, 2 the header, 3 the whole message."""
    return max((_leaf_cost(leaf) for leaf in leaves(key)), default=0)


def _leaf_cost(key: SearchKey) -> int:
    match key:
        case keys.InBody() | keys.InText():
            return 3
        case keys.InHeader() | keys.SentDate():
            return 2
        case keys.InternalDate() | keys.Larger() | keys.Smaller() | keys.Older() | keys.Younger():
            return 1
        case _:
            return 0


def _slices(key: SearchKey, columns: Columns) -> list[Slice]:
    match key:
        case keys.InSet():
            return list(slices_of(key.messages, columns.uids, columns.saved))
        case keys.And():
            parts = [(0, len(columns.uids))]
            for each in key.keys:
                parts = _common(parts, _slices(each, columns))
            return parts
        case _:
            return [(0, len(columns.uids))]


def _common(left: list[Slice], right: list[Slice]) -> list[Slice]:
    """What two lists of rising, disjoint slices have in common."""
    common = []
    a = b = 0
    while a < len(left) and b < len(right):
        start, stop = max(left[a][0], right[b][0]), min(left[a][1], right[b][1])
        if start < stop:
            common.append((start, stop))
        if left[a][1] < right[b][1]:
            a += 1
        else:
            b += 1
    return common


def _in_slices(slices: list[Slice], columns: Columns, rows: Sequence[int]) -> bytes:
    marks = bytearray(len(columns.uids))
    for start, stop in slices:
        marks[start:stop] = bytes([YES]) * (stop - start)
    return bytes(marks[at] for at in rows)
