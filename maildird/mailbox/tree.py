"""An account's folders by name, as trio's thread knows them, and how LIST shows them."""

import os
from collections.abc import Iterable, Mapping, Sequence

from maildird.index.rows import MailboxRow
from maildird.mailbox.namespace import INBOX, Parts, name_of
from maildird.mailbox.results import MailboxEntry, Namespace
from maildird.mailbox.special_use import assign
from maildird.maildir.layouts import Layout


class Tree:
    """Which folders there are, and which directory belongs to which mailbox of the index."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self.folders: Mapping[Parts, bytes] = {}
        self._directories: dict[int, bytes] = {}
        self._ids: dict[bytes, int] = {}

    def replace(self, folders: Mapping[Parts, bytes], rows: Iterable[MailboxRow]) -> None:
        """The tree was read anew; `rows` are all mailboxes of the index.

        One that is no folder now, but has something in its place, can't be read or waits for its
        disk.
        """
        self.folders = folders
        self._directories.clear()
        self._ids.clear()
        for row in rows:
            if row.parts in folders or os.path.lexists(self._layout.directory(row.parts)):
                self.add(row)

    def add(self, row: MailboxRow) -> None:
        """A mailbox came into the index."""
        directory = self._layout.directory(row.parts)
        self._directories[row.id] = directory
        self._ids[directory] = row.id

    def mailbox_in(self, directory: bytes) -> int | None:
        """The id of the mailbox in a directory, None when the index has none there."""
        return self._ids.get(directory)

    def watched(self) -> Mapping[int, bytes]:
        """The directory of each mailbox of the index, but for what is gone."""
        return self._directories


def entries(
    namespace: Namespace,
    existing: Iterable[Parts],
    configured: Mapping[str, str],
    created: Mapping[Parts, tuple[str, ...]],
) -> Sequence[MailboxEntry]:
    """All names of the hierarchy, INBOX first, with parents that exist only by their children.

    `configured` maps IMAP names to special-use attributes, `created` holds those of CREATE (USE).
    """
    there = {*existing, INBOX}
    parents = {parts[:depth] for parts in there for depth in range(1, len(parts))}
    by_name = {name_of(namespace, parts): parts for parts in there | parents}
    uses = assign(
        there,
        {by_name[name]: use for name, use in configured.items() if name in by_name},
        created,
    )
    return [
        MailboxEntry(name, parts in there, parts in parents, uses.get(parts, ()))
        for name, parts in sorted(by_name.items(), key=lambda item: (item[1] != INBOX, item[0]))
    ]
