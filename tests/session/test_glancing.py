"""Search keys answered from common headers alone."""

from collections.abc import Sequence
from datetime import date

from maildird.imap.commands import search as keys
from maildird.imap.commands.search import When
from maildird.mime.describe import describe
from maildird.session.glancing import PORTION, can_glance, glance
from maildird.session.verdicts import MAYBE, NO, YES, Columns
from maildird.terms.sets import UidSet

KNOWN = {
    1: b"From: Fred <fred@example.org>\r\nDate: Mon, 7 Feb 1994 23:30:00 -0800\r\n\r\n",
    2: b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\n",
    3: b"",
}
FROM = keys.InHeader("From", "FRED")


def columns(count: int) -> Columns:
    uids = range(1, count + 1)
    return Columns(uids, [0] * count, [1] * count, (), 1, UidSet.EMPTY)


def headers(uids: Sequence[int]) -> list[bytes]:
    kept = [KNOWN[(uid - 1) % 3 + 1] for uid in uids]
    return [describe(header).header if header else b"" for header in kept]


def no_heads(uids: Sequence[int]) -> dict[int, bytes]:
    return {}


def test_what_common_headers_tell() -> None:
    since = keys.SentDate(When.SINCE, date(1994, 2, 7))
    for key, expected in (
        (FROM, [YES, NO, MAYBE]),
        (keys.Not(FROM), [NO, YES, MAYBE]),
        (keys.InHeader("subject", "GRÜSSE"), [NO, YES, MAYBE]),
        (keys.InHeader("Subject", ""), [NO, YES, MAYBE]),
        (since, [YES, NO, MAYBE]),
        (keys.And((FROM, keys.InBody("x"))), [MAYBE, NO, MAYBE]),
        (keys.And((FROM, keys.InHeader("X-Mark", "odd"))), [MAYBE, NO, MAYBE]),
    ):
        assert can_glance(key)
        assert glance(key, columns(3), range(3), headers, no_heads) == bytes(expected)


def test_the_beginning_of_a_file_tells_where_nothing_is_kept() -> None:
    begun = {
        3: b"From: a\nFrom:\n fred\n\nFrom: nobody",
        6: b"From: a\n\nFrom: Fred\n\n",
        9: b"From: fred\n",
    }
    asked: list[int] = []

    def heads(uids: Sequence[int]) -> dict[int, bytes]:
        asked.extend(uids)
        return begun

    by_number = glance(FROM, columns(12), range(12), headers, heads)
    assert by_number[2::3] == bytes([YES, NO, MAYBE, MAYBE])
    assert asked == [3, 6, 9, 12]


def test_more_than_a_portion() -> None:
    count = PORTION * 3
    said = glance(FROM, columns(count), range(count), headers, no_heads)
    assert said == bytes([YES, NO, MAYBE]) * PORTION


def test_what_they_can_not_tell() -> None:
    assert not can_glance(keys.InHeader("X-Mark", "odd"))
    assert not can_glance(keys.Or(keys.InBody("x"), keys.InText("y")))
