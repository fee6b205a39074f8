"""What the monitor's events named, until it is looked at.

Names of a mailbox gather here while the door is busy with others. In a storm they come by the ten
thousand: one turn looks at `BATCH` of them, so that others get through the door in between, and
beyond `MOST` the whole mailbox is looked at instead.
"""

from collections import OrderedDict
from collections.abc import Iterator
from typing import Final

BATCH: Final = 250
"""So many names are looked at in one turn, for some ten milliseconds."""
MOST: Final = 100_000
"""So many names of a mailbox wait at most; beyond that all of it is looked at."""

Between = tuple[int, int]
"""Source and target of a move: mailbox ids."""


class Hints:
    """Names by mailbox, in the order in which the mailboxes began to wait; and moves."""

    def __init__(self) -> None:
        self._names: dict[int, OrderedDict[bytes, None] | None] = {}
        self._moves: dict[Between, list[tuple[bytes, bytes]]] = {}

    def mark(self, mailbox: int, name: bytes | None = None) -> None:
        """Something happened to a name of a mailbox, or to any of them."""
        names = self._names.setdefault(mailbox, OrderedDict())
        if name is None or len(names or ()) >= MOST:
            self._names[mailbox] = None
        elif names is not None:
            names[name] = None

    def mark_move(self, between: Between, left: bytes, came: bytes) -> None:
        """A message left one mailbox under one name and came into another under the other."""
        self._moves.setdefault(between, []).append((left, came))

    def __contains__(self, mailbox: int) -> bool:
        return mailbox in self._names

    @property
    def first(self) -> int | None:
        """The mailbox that waits longest."""
        return next(iter(self._names), None)

    @property
    def any_move(self) -> bool:
        """Whether moves wait."""
        return bool(self._moves)

    def moves(self, mailbox: int) -> bool:
        """Whether moves from or to this mailbox wait."""
        return any(mailbox in between for between in self._moves)

    def only(self, mailbox: int) -> bool:
        """Whether names of this mailbox wait and of no other."""
        return self._names.keys() == {mailbox}

    def count(self, mailbox: int) -> int:
        """How many names of a mailbox wait; none when all of it is to be looked at."""
        return len(self._names.get(mailbox) or ())

    def many(self, mailbox: int) -> bool:
        """Whether more names wait than one turn looks at."""
        return self.count(mailbox) > BATCH

    def take(self, mailbox: int) -> frozenset[bytes] | None:
        """All names of a mailbox; None when all of it is to be looked at."""
        names = self._names.pop(mailbox, OrderedDict())
        return None if names is None else frozenset(names)

    def take_some(self, mailbox: int) -> frozenset[bytes] | None:
        """As `take`, but the first `BATCH` names; the others come before its next.

        The two names of a rename were heard of one after the other, and mostly stay together.
        """
        names = self._names.pop(mailbox, OrderedDict())
        if names is None:
            return None
        some = frozenset(names.popitem(last=False)[0] for _ in range(min(BATCH, len(names))))
        if names:
            self._names[mailbox] = names
        return some

    def take_moves(self) -> Iterator[tuple[Between, tuple[tuple[bytes, bytes], ...]]]:
        """The moves between each two mailboxes; those that come meanwhile may be among them."""
        for between in list(self._moves):
            names = tuple(self._moves.pop(between, ()))
            if names:
                yield between, names
