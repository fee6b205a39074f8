"""Search keys answered from common headers alone, before any message is looked at.

Most messages don't have what a search for a sender or a subject wants, and their common headers
tell: to read these needs no file, and none of the other facts. Of a message that nothing is kept of
yet, the beginning of its file mostly holds the whole header. What neither can tell (the header is
longer, or the field is no common one) stays MAYBE.
"""

from collections.abc import Callable, Sequence
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

_Test = Callable[[bytes], bool]


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
        kept = headers([columns.uids[at] for at in some])
        known = dict(zip(some, map(written_out, kept), strict=True))
        lacking = {columns.uids[at]: at for at in some if not known[at]}
        for uid, head in heads(list(lacking)).items() if lacking else ():
            known[lacking[uid]] = _whole_header(head)

        def look(leaf: SearchKey, at: int, known: dict[int, bytes] = known) -> int:
            header = known[at]
            if not header or (test := tests.get(leaf)) is None:
                return MAYBE
            return YES if test(header) else NO

        said += verdicts(key, columns, some, look)
    return bytes(said)


def _whole_header(head: bytes) -> bytes:
    """The header that a message begins with; nothing where it goes on behind the `head`."""
    end = header_end(head)
    return head[:end] if head.endswith((b"\n\n", b"\n\r\n"), 0, end) else b""


def _tests(key: SearchKey) -> dict[SearchKey, _Test]:
    """What to ask of a common header, for each key in `key` that it can answer."""
    tests = {leaf: _test(leaf) for leaf in leaves(key)}
    return {leaf: test for leaf, test in tests.items() if test is not None}


def _test(leaf: SearchKey) -> _Test | None:
    match leaf:
        case keys.InHeader() if (name := leaf.field.lower().encode("utf-8", "replace")) in COMMON:
            return FieldSearch(name, leaf.value).finds
        case keys.SentDate():
            return lambda header: is_sent(leaf, sent_date(header))
        case _:
            return None
