"""UNCHANGEDSINCE as a pure question (RFC 7162 sections 3.1.3 and 3.1.12)."""

from array import array

import pytest

from maildird.index.rows import Columns, MailboxRow, MessageRow
from maildird.mailbox.conditions import Condition, masks_at, passes
from maildird.mailbox.results import FlagChangeHow
from maildird.mailbox.view import View
from maildird.terms.flags import FLAGGED, SEEN, keyword_bit

ADD, REMOVE, REPLACE = FlagChangeHow.ADD, FlagChangeHow.REMOVE, FlagChangeHow.REPLACE
PROCESSED = keyword_bit(0)
KEYWORDS = ("$Processed",)


@pytest.mark.parametrize("how", [ADD, REMOVE])
@pytest.mark.parametrize(
    ("wanted", "mask", "expected"),
    [
        (SEEN, 0, False),
        (SEEN, SEEN, False),
        (PROCESSED, PROCESSED | SEEN, False),
        (PROCESSED, SEEN, True),
        (PROCESSED | SEEN, 0, False),
        (0, SEEN, True),
    ],
)
def test_zero_asks_whether_a_named_flag_exists(
    how: FlagChangeHow, wanted: int, mask: int, expected: bool
) -> None:
    condition = Condition(0, {}, KEYWORDS)
    assert passes(condition, how, wanted, MessageRow(1, 7, mask), KEYWORDS) is expected


@pytest.mark.parametrize("wanted", [0, PROCESSED, SEEN])
def test_zero_always_fails_for_all_flags(wanted: int) -> None:
    assert not passes(Condition(0, {}, KEYWORDS), REPLACE, wanted, MessageRow(1, 7, 0), KEYWORDS)


@pytest.mark.parametrize(
    ("how", "known", "mask", "modseq", "expected"),
    [
        # not changed since
        (ADD, None, 0, 20, True),
        (REMOVE, None, PROCESSED, 19, True),
        (REPLACE, None, SEEN, 20, True),
        # changed since, and nothing is known
        (ADD, None, 0, 21, False),
        (REMOVE, None, 0, 21, False),
        (REPLACE, None, 0, 21, False),
        # another flag changed
        (ADD, 0, SEEN, 21, True),
        (REMOVE, PROCESSED | SEEN, PROCESSED, 21, True),
        (ADD, PROCESSED, PROCESSED | SEEN, 21, True),
        (REPLACE, 0, SEEN, 21, False),
        # the named flag changed, to what is asked for or from it
        (ADD, 0, PROCESSED, 21, False),
        (ADD, PROCESSED, 0, 21, False),
        (REMOVE, PROCESSED, 0, 21, False),
    ],
)
def test_conditions(
    how: FlagChangeHow, known: int | None, mask: int, modseq: int, expected: bool
) -> None:
    condition = Condition(20, {} if known is None else {1: known}, KEYWORDS)
    message = MessageRow(1, modseq, mask)
    assert passes(condition, how, PROCESSED, message, KEYWORDS) is expected


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (("$Processed",), ("$Processed", "Work"), True),
        ((), ("$Processed",), True),
        (("", "Work"), ("$Processed", "Work"), True),
        (("Work",), ("$Processed", "Work"), False),
        (("$Processed", "Work"), ("$Processed",), False),
    ],
)
def test_old_masks_say_nothing_once_keywords_were_renumbered(
    before: tuple[str, ...], now: tuple[str, ...], expected: bool
) -> None:
    condition = Condition(20, {1: FLAGGED}, before)
    assert passes(condition, ADD, PROCESSED, MessageRow(1, 21, 0), now) is expected


ROW = MailboxRow(
    id=1,
    parts=("INBOX",),
    uidvalidity=1,
    uidnext=10,
    highestmodseq=30,
    pruned_modseq=0,
    first_recent=1,
    guid=bytes(16),
    identity=(0, 0),
    mtimes=(0, 0),
    keywords=KEYWORDS,
    use=(),
)


@pytest.mark.parametrize(
    ("modseq", "known"),
    [
        (9, {}),
        (10, {2: SEEN}),
        (29, {2: SEEN}),
        (30, {2: SEEN, 5: FLAGGED}),
        (31, {}),
    ],
)
def test_a_view_tells_of_the_time_between_a_message_s_last_change_and_the_last_pull(
    modseq: int, known: dict[int, int]
) -> None:
    columns = Columns(array("Q", [2, 5]), array("Q", [10, 30]), array("Q", [SEEN, FLAGGED]))
    view = View(ROW, columns, first_recent=1)
    assert masks_at(view, modseq, [1, 2, 5, 9]) == known
