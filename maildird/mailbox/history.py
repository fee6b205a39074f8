"""Who made the latest changes, and when: what the index doesn't keep, for `maildird log`.

Kept in memory while the account is open, so much of it as people look back. Which messages a MODSEQ
is about stands in the index, and is read from there.
"""

from collections import OrderedDict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

MOST_OF_MAILBOX: Final = 200
"""Mod-sequences that are remembered of a mailbox."""

MOST_MAILBOXES: Final = 500
"""Mailboxes of which some are remembered, those that changed last."""

Cause = Literal["session", "disk", "either"]
"""A session asked for it, another program did it, or a session did and found more on the way."""


@dataclass(frozen=True, slots=True)
class Made:
    """How a MODSEQ came about: `at` in Unix seconds; UIDs from `first_new` on were new with it."""

    modseq: int
    at: float
    cause: Cause
    first_new: int


class History:
    """The latest mod-sequences of each mailbox, by mailbox id."""

    def __init__(self) -> None:
        self._made: OrderedDict[int, deque[Made]] = OrderedDict()

    def note(self, made: Mapping[int, Iterable[Made]]) -> None:
        """Remember what a turn made."""
        for mailbox, each in made.items():
            self._made.setdefault(mailbox, deque(maxlen=MOST_OF_MAILBOX)).extend(each)
            self._made.move_to_end(mailbox)
        while len(self._made) > MOST_MAILBOXES:
            self._made.popitem(last=False)

    def of(self, mailbox: int) -> Sequence[Made]:
        """What is remembered of a mailbox; MODSEQs rise."""
        return tuple(self._made.get(mailbox, ()))
