"""Search keys over columns, against an evaluator that takes one message at a time."""

from dataclasses import replace
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from maildird.imap.commands import search as keys
from maildird.imap.commands.search import SearchKey, When
from maildird.session.verdicts import (
    MAYBE,
    NO,
    UNKNOWN,
    YES,
    Columns,
    asks_for_facts,
    asks_for_modseq,
    candidates,
    verdicts,
)
from maildird.terms.flags import ANSWERED, SEEN, keyword_bit
from maildird.terms.sets import SavedResult, SeqSet, UidSet

COLUMNS = Columns(
    uids=(2, 3, 5, 8, 13, 21),
    masks=(0, SEEN, SEEN | ANSWERED, keyword_bit(1), keyword_bit(1) | SEEN, 0),
    modseqs=(10, 11, 12, 10, 15, 9),
    keywords=("", "$Junk"),
    first_recent=13,
    saved=UidSet.of([3, 4, 21]),
)
ROWS = range(len(COLUMNS.uids))


def rows_of(key: SearchKey) -> list[int]:
    return [at for at, verdict in enumerate(verdicts(key, COLUMNS, ROWS)) if verdict == YES]


def test_each_key_that_columns_can_answer() -> None:
    assert rows_of(keys.All()) == [0, 1, 2, 3, 4, 5]
    assert rows_of(keys.HasFlag("\\Seen", True)) == [1, 2, 4]
    assert rows_of(keys.HasFlag("\\SEEN", False)) == [0, 3, 5]
    assert rows_of(keys.HasFlag("$junk", True)) == [3, 4]
    assert rows_of(keys.HasFlag("Unknown", True)) == []
    assert rows_of(keys.HasFlag("Unknown", False)) == [0, 1, 2, 3, 4, 5]
    assert rows_of(keys.IsRecent(True)) == [4, 5]
    assert rows_of(keys.IsRecent(False)) == [0, 1, 2, 3]
    assert rows_of(keys.ModSeq(12)) == [2, 4]
    assert rows_of(keys.InSet(SeqSet(((2, 3), (6, 0))))) == [1, 2, 5]
    assert rows_of(keys.InSet(UidSet(((1, 4), (20, 0))))) == [0, 1, 5]
    assert rows_of(keys.InSet(UidSet(((99, 0),)))) == [5]
    assert rows_of(keys.InSet(SavedResult())) == [1, 5]


def test_sets_narrow_what_is_asked() -> None:
    wanted = keys.InSet(UidSet(((3, 8),)))
    key = keys.And((keys.InBody("x"), wanted, keys.And((keys.InSet(SeqSet(((3, 6),))),))))
    assert list(candidates(key, COLUMNS)) == [2, 3]
    assert list(candidates(keys.Not(wanted), COLUMNS)) == list(ROWS)


def test_and_asks_the_dearest_key_last_and_only_where_it_matters() -> None:
    asked: list[tuple[str, int]] = []

    def look(key: SearchKey, at: int) -> int:
        asked.append((type(key).__name__, at))
        return YES if at == 2 else NO

    key = keys.And((keys.InBody("x"), keys.Larger(1), keys.HasFlag("\\Seen", True)))
    assert verdicts(key, COLUMNS, ROWS, look) == bytes([NO, NO, YES, NO, NO, NO])
    assert asked == [("Larger", 1), ("Larger", 2), ("Larger", 4), ("InBody", 2)]


def test_known_sizes_and_dates_are_columns_too() -> None:
    day = 86_400
    known = replace(
        COLUMNS,
        sizes=(10, 20, UNKNOWN, 30, UNKNOWN, 40),
        internaldates=(0, day, UNKNOWN, 2 * day, UNKNOWN, 3 * day),
        now=3 * day,
    )
    since = keys.InternalDate(When.SINCE, date(1970, 1, 3))
    for key, expected in (
        (keys.Larger(20), [NO, NO, MAYBE, YES, MAYBE, YES]),
        (keys.Smaller(20), [YES, NO, MAYBE, NO, MAYBE, NO]),
        (since, [NO, NO, MAYBE, YES, MAYBE, YES]),
        (keys.Older(day), [YES, YES, MAYBE, YES, MAYBE, NO]),
        (keys.Younger(day), [NO, NO, MAYBE, YES, MAYBE, YES]),
    ):
        assert verdicts(key, known, ROWS) == bytes(expected)
        assert asks_for_facts(keys.Not(key))
    assert not asks_for_facts(keys.And((keys.InBody("x"), keys.HasFlag("\\Seen", True))))


def test_what_cannot_be_read_is_found_neither_way() -> None:
    assert verdicts(keys.InBody("x"), COLUMNS, [0]) == bytes([MAYBE])
    assert verdicts(keys.Not(keys.InBody("x")), COLUMNS, [0]) == bytes([MAYBE])
    assert verdicts(keys.Or(keys.All(), keys.InBody("x")), COLUMNS, [0]) == bytes([YES])


def test_modseq_counts_wherever_it_stands() -> None:
    assert asks_for_modseq(keys.Or(keys.Not(keys.ModSeq(1)), keys.All()))
    assert not asks_for_modseq(keys.And((keys.All(), keys.InBody("MODSEQ"))))


NEEDLES = ("a", "b")
numbers = st.integers(1, len(ROWS))
leaf_keys = st.one_of(
    st.builds(keys.All),
    st.builds(keys.HasFlag, st.sampled_from(["\\Seen", "$Junk", "Other"]), st.booleans()),
    st.builds(keys.IsRecent, st.booleans()),
    st.builds(keys.ModSeq, st.integers(8, 16)),
    st.builds(keys.InSet, st.builds(lambda a, b: SeqSet(((a, b),)), numbers, numbers)),
    st.builds(keys.InSet, st.builds(lambda a, b: UidSet(((a, b),)), numbers, numbers)),
    st.builds(keys.InBody, st.sampled_from(NEEDLES)),
    st.builds(keys.Larger, st.integers(0, 1)),
)
all_keys = st.recursive(
    leaf_keys,
    lambda inner: st.one_of(
        st.builds(keys.Not, inner),
        st.builds(keys.Or, inner, inner),
        st.builds(
            lambda several: keys.And(tuple(several)), st.lists(inner, min_size=1, max_size=3)
        ),
    ),
    max_leaves=8,
)


def content_verdict(key: SearchKey, at: int) -> int:
    """A message's content in this test is its row number: even rows hold the needle `a`."""
    match key:
        case keys.InBody():
            return YES if NEEDLES[at % 2] == key.value else NO
        case keys.Larger():
            return YES if at > key.octets else NO
    raise AssertionError(key)


def obviously_holds(key: SearchKey, at: int) -> bool:
    match key:
        case keys.And():
            return all(obviously_holds(each, at) for each in key.keys)
        case keys.Or():
            return obviously_holds(key.left, at) or obviously_holds(key.right, at)
        case keys.Not():
            return not obviously_holds(key.key, at)
    return verdicts(key, COLUMNS, [at], content_verdict) == bytes([YES])


@given(all_keys)
def test_two_runs_find_what_is_to_be_found(key: SearchKey) -> None:
    expected = [at for at in ROWS if obviously_holds(key, at)]
    rows = list(candidates(key, COLUMNS))
    first = verdicts(key, COLUMNS, rows)
    found = {at for at, verdict in zip(rows, first, strict=True) if verdict == YES}
    for at in (at for at, verdict in zip(rows, first, strict=True) if verdict == MAYBE):
        if verdicts(key, COLUMNS, [at], content_verdict) == bytes([YES]):
            found.add(at)
    assert sorted(found) == expected
