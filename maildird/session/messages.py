"""One message while a command looks at it: what the index knows first, then the file."""

from collections.abc import Callable

from maildird.index.rows import Facts
from maildird.maildir.content import Content
from maildird.maildir.long_content import LongContent
from maildird.session.describe import describe
from maildird.terms.once import once

Read = Callable[[int], Content]
"""Gives the message of a UID; raises MessageGone or OSError. For worker threads."""

Open = Callable[[int], Content | LongContent]
"""As `Read`, but a long message is only opened."""


class Message:
    """A message, known by its UID; each thing about it is computed once, when it is asked for.

    Without known facts whatever is asked reads the file: that belongs in a worker thread, and so do
    `content` and what follows from it. Once the file was read its word counts: what was known of a
    message of another size is forgotten. A `long` message has to be closed.
    """

    def __init__(self, uid: int, known: Facts | None, open_: Open) -> None:
        self.uid = uid
        self.known = known
        self._described: Facts | None = None
        self._open = open_
        self._opened: Content | LongContent | None = None

    @property
    def long(self) -> LongContent | None:
        """The message, if it is too long to be held. Raises as `content`."""
        opened = self._open_once()
        return opened if isinstance(opened, LongContent) else None

    @property
    def size(self) -> int:
        """Octets in wire form, as the file says. Raises as `content`."""
        opened = self._open_once()
        return opened.size if isinstance(opened, LongContent) else len(opened.data)

    @once
    def content(self) -> Content:
        """The message in wire form. Raises MessageGone, or OSError when it can't be read."""
        opened = self._open_once()
        return opened.whole() if isinstance(opened, LongContent) else opened

    @property
    def facts(self) -> Facts:
        """What never changes about it."""
        if self.known is not None:
            return self.known
        if self._described is None:
            self._described = describe(self.content.data, self.content.internaldate)
        return self._described

    @property
    def learnt(self) -> Facts | None:
        """The facts that were computed on the way, if they are to be kept."""
        if self._described is None or not self.content.at_rest:
            return None
        return self._described

    def close(self) -> None:
        """Close the file that a long message lies in."""
        if isinstance(self._opened, LongContent):
            self._opened.close()

    def _open_once(self) -> Content | LongContent:
        if self._opened is None:
            self._opened = self._open(self.uid)
            if self.known is not None and self.known.size != self.size:
                self.known = None
        return self._opened
