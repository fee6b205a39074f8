"""What the mailbox room takes from sessions and gives back to them, as plain data."""

import enum
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Namespace:
    """The personal namespace (RFC 2342): all names begin with `prefix`, but for INBOX."""

    prefix: str
    separator: str


@dataclass(frozen=True, slots=True)
class MailboxEntry:
    """A name in the hierarchy, as LIST shows it.

    `name` is the whole IMAP name in Unicode. `selectable` is false for a parent that exists only
    by its children. `use` holds special-use attributes (`\\Trash`, RFC 6154).
    """

    name: str
    selectable: bool
    children: bool
    use: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MailboxStatus:
    """The numbers of STATUS that the index knows (RFC 3501 section 6.3.10, RFC 7162).

    `mailbox` is the mailbox's id.
    """

    mailbox: int
    messages: int
    recent: int
    uidnext: int
    uidvalidity: int
    unseen: int
    highestmodseq: int


@dataclass(frozen=True, slots=True)
class Prepared:
    """All that an account has, once it is made ready; `new` was not before, `unread` can't be."""

    folders: int
    messages: int
    new: int
    unread: int


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message to be appended; `internaldate` in Unix seconds, None for now."""

    content: bytes
    flags: tuple[str, ...] = ()
    internaldate: int | None = None


@dataclass(frozen=True, slots=True)
class Appended:
    """Where APPEND put its messages, in their order (RFC 4315 section 3)."""

    uidvalidity: int
    uids: tuple[int, ...]
    modseq: int


@dataclass(frozen=True, slots=True)
class Copied:
    """Where COPY or MOVE put messages: `source[i]` became `target[i]` (RFC 4315 section 3)."""

    uidvalidity: int
    source: tuple[int, ...]
    target: tuple[int, ...]


class FlagChangeHow(enum.Enum):
    """What a flag change does with the flags it names (RFC 3501 section 6.4.6)."""

    REPLACE = "replace"
    ADD = "add"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Stored:
    """What STORE did.

    `modseq` is the value that the changed messages got, None when nothing changed. `changed` are
    the UIDs that did, `failed` those changed by others since (RFC 7162 section 3.1.3), `gone`
    those that are expunged already. All rise.
    """

    modseq: int | None
    changed: tuple[int, ...] = ()
    failed: tuple[int, ...] = ()
    gone: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Expunged:
    """What EXPUNGE removed; `modseq` is None when there was nothing to remove."""

    modseq: int | None
    uids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Removal:
    """A message that leaves a view; `seq` is its number when removals are told in their order."""

    seq: int
    uid: int


@dataclass(frozen=True, slots=True)
class FlagChange:
    """A message whose flags or MODSEQ changed; `seq` counts after all removals and arrivals."""

    seq: int
    uid: int
    mask: int
    modseq: int


@dataclass(frozen=True, slots=True)
class Changes:
    """What a view took over by one pull, in the order in which it has to be told.

    `removals`, then `exists` (the new number of messages when any arrived) with `recent` (the new
    number of recent ones), then `flags`. Messages that arrived are not among `flags`: a client
    fetches what it wants of them. `keywords` says that the mailbox has new keywords.
    """

    removals: tuple[Removal, ...] = ()
    exists: int | None = None
    recent: int | None = None
    flags: tuple[FlagChange, ...] = ()
    keywords: bool = False

    def __bool__(self) -> bool:
        return bool(self.removals or self.exists is not None or self.flags or self.keywords)


NOTHING = Changes()
"""A pull that found nothing new."""
