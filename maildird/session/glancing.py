"""Search keys answered from common headers alone, before any message is looked at.

Most messages don't have what a search for a sender or a subject wants, and their common headers
tell: to read these needs no file, and none of the other facts. Of a message that nothing is kept of
yet, the beginning of its file mostly holds the whole header. What neither can tell (the header is
longer, or the field is no common one) stays MAYBE.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from maildird.imap.commands import search as keys
from maildird.imap.commands.search import SearchKey
from maildird.mime.common_header import COMMON, written_out
from maildird.mime.header import header_end
from maildird.mime.search import FieldSearch
from maildird.mime.sent_date import sent_date
from maildird.session.ranges import is_sent
from maildird.session.verdicts import MAYBE, NO, YES, Columns, leaves, verdicts

PORTION: Final = 256
"""Messages whose headers are in memory at a time."""

Headers = Callable[[Sequence[int]], Sequence[bytes]]
"""Gives the common headers of UIDs, empty ones where nothing is known."""

Heads = Callable[[Sequence[int]], dict[int, bytes]]
"""Gives the beginnings of messages by UID, without those that can't be read."""

_Test = Callable[[Sequence[bytes]], Sequence[bool]]
"""Says of each of some headers whether it matches a key."""


def can_glance(key: SearchKey) -> bool:
    """Whether common headers tell anything about `key`."""
    return bool(_tests(key))


def glance(
    key: SearchKey, columns: Columns, rows: Sequence[int], headers: Headers, heads: Heads
) -> bytes:
    """The verdict of `key` on each of the `rows`. For a worker thread."""
    tests = _tests(key)
    said = bytearray()
    for start in range(0, len(rows), PORTION):
        some = rows[start : start + PORTION]
        uids = [columns.uids[at] for at in some]
        answers = _Answers(tests, some, _all_headers(uids, headers, heads))
        said += verdicts(key, columns, some, answers.look)
    return bytes(said)


class _Answers:
    """What the headers of the messages in some rows say; each key is asked of all of them once."""

    def __init__(
        self, tests: Mapping[SearchKey, _Test], rows: Sequence[int], headers: Sequence[bytes]
    ) -> None:
        self._tests = tests
        self._rows = rows
        self._headers = headers
        self._said: dict[SearchKey, dict[int, int]] = {}

    def look(self, leaf: SearchKey, at: int) -> int:
        if leaf not in self._said:
            self._said[leaf] = self._ask(leaf)
        return self._said[leaf].get(at, MAYBE)

    def _ask(self, leaf: SearchKey) -> dict[int, int]:
        """The verdicts by row, where there are any."""
        if leaf not in self._tests:
            return {}
        matches = self._tests[leaf](self._headers)
        known = zip(self._rows, self._headers, matches, strict=True)
        return {at: YES if matched else NO for at, header, matched in known if header}


def _all_headers(uids: Sequence[int], headers: Headers, heads: Heads) -> list[bytes]:
    """Common headers where there are any, else whole ones; empty where neither is to be had."""
    known = list(map(written_out, headers(uids)))
    lacking = {uid: number for number, uid in enumerate(uids) if not known[number]}
    if lacking:
        for uid, head in heads(list(lacking)).items():
            known[lacking[uid]] = _whole_header(head)
    return known


def _whole_header(head: bytes) -> bytes:
    """The header that a message begins with; nothing where it goes on behind the `head`."""
    end = header_end(head)
    return head[:end] if head.endswith((b"\n\n", b"\n\r\n"), 0, end) else b""


def _tests(key: SearchKey) -> dict[SearchKey, _Test]:
    """What to ask of common headers, for each key in `key` that they can answer."""
    tests = {leaf: _test(leaf) for leaf in leaves(key)}
    return {leaf: test for leaf, test in tests.items() if test is not None}


def _test(leaf: SearchKey) -> _Test | None:
    match leaf:
        case keys.InHeader() if (name := leaf.field.lower().encode("utf-8", "replace")) in COMMON:
            return FieldSearch(name, leaf.value).find
        case keys.SentDate():
            return lambda headers: [is_sent(leaf, sent_date(header)) for header in headers]
        case _:
            return None
