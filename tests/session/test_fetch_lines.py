"""FETCH responses out of columns."""

from array import array

from maildird.index.rows import Columns, MailboxRow
from maildird.mailbox.view import View
from maildird.session.fetch_lines import Shape, chunks, fetch_heads, fetch_lines
from maildird.terms.flags import DELETED, SEEN, keyword_bit

ROW = MailboxRow(
    id=1,
    parts=("INBOX",),
    uidvalidity=1,
    uidnext=10,
    highestmodseq=30,
    pruned_modseq=1,
    first_recent=7,
    guid=b"g" * 16,
    identity=(1, 1),
    mtimes=(0, 0),
    keywords=(),
    use=(),
)
VIEW = View(
    ROW,
    Columns(array("Q", (2, 5, 7, 9)), array("Q", (11, 22, 30, 7)), array("Q", (0, SEEN, 0, 512))),
    first_recent=7,
)
KEYWORDS = ("", "$Junk")


def test_a_contiguous_range() -> None:
    assert fetch_lines(VIEW, KEYWORDS, range(4), Shape(True, True, True)) == (
        b"* 1 FETCH (UID 2 FLAGS () MODSEQ (11))\r\n"
        b"* 2 FETCH (UID 5 FLAGS (\\Seen) MODSEQ (22))\r\n"
        b"* 3 FETCH (UID 7 FLAGS (\\Recent) MODSEQ (30))\r\n"
        b"* 4 FETCH (UID 9 FLAGS ($Junk \\Recent) MODSEQ (7))\r\n"
    )


def test_some_rows_and_columns() -> None:
    assert fetch_lines(VIEW, KEYWORDS, [1, 3], Shape(flags=True)) == (
        b"* 2 FETCH (FLAGS (\\Seen))\r\n* 4 FETCH (FLAGS ($Junk \\Recent))\r\n"
    )
    assert fetch_lines(VIEW, KEYWORDS, range(1, 2), Shape(modseq=True)) == (
        b"* 2 FETCH (MODSEQ (22))\r\n"
    )
    assert fetch_lines(VIEW, KEYWORDS, [], Shape(uid=True)) == b""


def test_heads_wait_for_more() -> None:
    assert list(fetch_heads(VIEW, KEYWORDS, [0], Shape())) == [b"* 1 FETCH ("]
    assert list(fetch_heads(VIEW, KEYWORDS, [0], Shape(uid=True))) == [b"* 1 FETCH (UID 2 "]


def test_keywords_without_a_name_are_left_out() -> None:
    view = View(
        ROW,
        Columns(array("Q", (1,)), array("Q", (1,)), array("Q", (DELETED | keyword_bit(0),))),
        first_recent=7,
    )
    assert (
        fetch_lines(view, KEYWORDS, [0], Shape(flags=True)) == b"* 1 FETCH (FLAGS (\\Deleted))\r\n"
    )


def test_chunks() -> None:
    assert list(chunks(range(5), 2)) == [range(2), range(2, 4), range(4, 5)]
    assert list(chunks([], 2)) == []
