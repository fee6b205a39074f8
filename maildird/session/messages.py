"""One message while a command looks at it: what the index knows first, then the file."""

from collections.abc import Callable
from functools import cached_property

from maildird.index.rows import Facts
from maildird.maildir.content import Content
from maildird.session.describe import describe

Read = Callable[[int], Content]
"""Gives the message of a UID; raises MessageGone or OSError. For worker threads."""


class Message:
    """A message, known by its UID; each thing about it is computed once, when it is asked for.

    Without known facts whatever is asked reads the file: that belongs in a worker thread, and so do
    `content` and what follows from it. Once the file was read its word counts: what was known of a
    message of another size is forgotten.
    """

    def __init__(self, uid: int, known: Facts | None, read: Read) -> None:
        self.uid = uid
        self.known = known
        self._described: Facts | None = None
        self._read = read

    @cached_property
    def content(self) -> Content:
        """The message in wire form. Raises MessageGone, or OSError when it can't be read."""
        content = self._read(self.uid)
        if self.known is not None and self.known.size != len(content.data):
            self.known = None
        return content

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
