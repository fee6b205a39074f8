"""\\Recent: each message is recent in one session, the first that is told of it.

Theory of operation. Of the sessions that have a mailbox open read-write one at a time *owns* what
is recent there: the first that came. It is told of all messages from `first` up as recent, and
claims them by that; to the others nothing is recent, until the owner leaves and one of them is next
to learn of new mail (RFC 3501 section 2.3.2). EXAMINE shows what is unclaimed and claims nothing.
"""

from typing import Final

NOTHING_IS: Final = 1 << 32
"""Above every UID: the `first_recent` of a view in which nothing is recent."""


class Recent:
    """Who owns what is recent, and from which UID on; by mailbox id."""

    def __init__(self) -> None:
        self._first: dict[int, int] = {}
        self._owners: dict[int, object] = {}

    def first(self, mailbox: int, kept: int) -> int:
        """The lowest UID that nobody claimed; `kept` is what the index says of that."""
        return self._first.setdefault(mailbox, kept)

    def own(self, mailbox: int, session: object) -> bool:
        """Whether `session` owns what is recent in the mailbox, now if nobody did."""
        return self._owners.setdefault(mailbox, session) is session

    def claim(self, mailbox: int, session: object, uidnext: int) -> None:
        """The owner was told of all messages below `uidnext`."""
        if self._owners.get(mailbox) is session:
            self._first[mailbox] = max(uidnext, self._first.get(mailbox, 1))

    def leave(self, mailbox: int, session: object) -> int | None:
        """A session leaves; gives the UID that the index has to keep, if it was the owner."""
        if self._owners.get(mailbox) is not session:
            return None
        del self._owners[mailbox]
        return self._first.get(mailbox)
