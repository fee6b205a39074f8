"""FETCH responses out of columns, by the hundred thousand: the view's, and those of more items.

One format string serves all messages of a command, and there is one ready-made fragment for each
combination of flags: a mailbox has few of them.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from maildird.mailbox.view import View
from maildird.terms.flags import flag_names

CHUNK: Final = 2000
"""So many rows are rendered at once, in a few milliseconds."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Which columns stand in each response."""

    uid: bool = False
    flags: bool = False
    modseq: bool = False

    @property
    def items(self) -> list[bytes]:
        """The format of each item."""
        formats = (b"UID %d", self.uid), (b"FLAGS (%s)", self.flags), (b"MODSEQ (%d)", self.modseq)
        return [item for item, wanted in formats if wanted]


@dataclass(frozen=True, slots=True)
class Column:
    """One more item of each response: its name, and its value for each message."""

    name: bytes
    values: Sequence[bytes]


def fetch_lines(
    view: View,
    keywords: tuple[str, ...],
    rows: Sequence[int],
    shape: Shape,
    more: Sequence[Column] = (),
) -> bytes:
    """The responses for the rising `rows`, joined."""
    items = [*shape.items, *(column.name.replace(b"%", b"%%") + b" %b" for column in more)]
    template = b"* %d FETCH (" + b" ".join(items) + b")\r\n"
    values = [column.values for column in more]
    return b"".join(_formatted(template, view, keywords, rows, shape, values))


def fetch_heads(
    view: View, keywords: tuple[str, ...], rows: Sequence[int], shape: Shape
) -> Iterable[bytes]:
    """How the response for each of the rising `rows` begins; more items and `)` have to follow."""
    template = b"* %d FETCH (" + b"".join(item + b" " for item in shape.items)
    return _formatted(template, view, keywords, rows, shape, ())


def chunks(rows: Sequence[int], size: int = CHUNK) -> Iterator[Sequence[int]]:
    """The rows in order, `size` at a time."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def _formatted(
    template: bytes,
    view: View,
    keywords: tuple[str, ...],
    rows: Sequence[int],
    shape: Shape,
    more: Sequence[Iterable[bytes]],
) -> Iterable[bytes]:
    columns: list[Iterable[object]] = [[at + 1 for at in rows]]
    if shape.uid:
        columns.append(picked(view.uids, rows))
    if shape.flags:
        columns.append(_flag_lists(view, keywords, rows))
    if shape.modseq:
        columns.append(picked(view.modseqs, rows))
    return map(template.__mod__, zip(*columns, *more, strict=True))


def _flag_lists(view: View, keywords: tuple[str, ...], rows: Sequence[int]) -> list[bytes]:
    """The flags of each message, as they stand between parentheses."""
    masks = picked(view.masks, rows)
    old = bisect_left(rows, bisect_left(view.uids, view.first_recent))
    lists = list(map(_Fragments(keywords, ()).__getitem__, masks[:old]))
    lists.extend(map(_Fragments(keywords, ("\\Recent",)).__getitem__, masks[old:]))
    return lists


class _Fragments(dict[int, bytes]):
    """The flag list of each mask, made when it is first asked for."""

    def __init__(self, keywords: tuple[str, ...], more: tuple[str, ...]) -> None:
        self._keywords = keywords
        self._more = more

    def __missing__(self, mask: int) -> bytes:
        fragment = " ".join(flag_names(mask, self._keywords) + self._more).encode("ascii")
        self[mask] = fragment
        return fragment


def picked(column: Sequence[int], rows: Sequence[int]) -> Sequence[int]:
    """What stands in a column in these rows."""
    if isinstance(rows, range) and rows.step == 1:
        return column[rows.start : rows.stop]
    return [column[at] for at in rows]
