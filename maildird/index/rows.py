"""The rows of the index, as the other rooms see them.

What is made by the hundred thousand (messages, tombstones, facts) is a named tuple, which costs
half of a frozen dataclass to make; the rest are frozen dataclasses. Numbers are integers below
2^64; UIDs and mod-sequences start at 1.
"""

import enum
from array import array
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class MailboxRow:
    """What the index knows of one mailbox.

    `parts`           its name as path parts below the root; INBOX is ("INBOX",)
    `uidvalidity`, `uidnext`, `highestmodseq`  as told to clients (RFC 3501, RFC 7162)
    `pruned_modseq`   highest MODSEQ among the tombstones already pruned, 0 when none was: whoever
                      resynchronises from below it must be told every missing UID
    `first_recent`    lowest UID that no session has been told as \\Recent
    `guid`            128 bits that name the mailbox for ever, renamed or not
    `identity`        (st_dev, st_ino) of its directory
    `mtimes`          st_mtime_ns of new/ and cur/ as last reconciled; 0 where not settled
    `keywords`        names by keyword number; "" is a hole
    `use`             special-use attributes (RFC 6154), `\\Trash` say
    `promised_modseq` the MODSEQ that its folder says was not exceeded, as last written there

    `id` is the index's own name for the mailbox: it outlives a rename and is never used again.
    """

    id: int
    parts: tuple[str, ...]
    uidvalidity: int
    uidnext: int
    highestmodseq: int
    pruned_modseq: int
    first_recent: int
    guid: bytes
    identity: tuple[int, int]
    mtimes: tuple[int, int]
    keywords: tuple[str, ...]
    use: tuple[str, ...]
    promised_modseq: int = 0


class MessageRow(NamedTuple):
    """A living message: `mask` holds its flags (terms.flags), `modseq` their last change."""

    uid: int
    modseq: int
    mask: int


class Tombstone(NamedTuple):
    """A UID that was expunged, and the MODSEQ of that."""

    uid: int
    modseq: int


class NewMessage(NamedTuple):
    """A message to add: `name` is b"cur/" or b"new/" and the file name, `base` its base name."""

    uid: int
    modseq: int
    mask: int
    name: bytes
    base: bytes


@dataclass(frozen=True, slots=True)
class Columns:
    """All messages of a mailbox, in columns of equal length; UIDs rise."""

    uids: "array[int]"
    modseqs: "array[int]"
    masks: "array[int]"


@dataclass(frozen=True, slots=True)
class Sizes:
    """The messages of a mailbox whose facts are known, in columns; UIDs rise.

    `sizes` are octets in wire form (RFC822.SIZE), `internaldates` seconds since 1970.
    """

    uids: "array[int]"
    sizes: "array[int]"
    internaldates: "array[int]"


class FactKind(enum.IntEnum):
    """What is kept in one piece, and can be asked for alone.

    STRUCTURE is BODYSTRUCTURE and BODY with NUL between them.
    """

    ENVELOPE = 1
    STRUCTURE = 2
    HEADER = 3


class Facts(NamedTuple):
    """What was computed once from a message's content, which never changes.

    `internaldate` in seconds since 1970, `size` in octets of wire form; the others are bytes that
    the index keeps as they are: ENVELOPE, BODY and BODYSTRUCTURE rendered (neither body holds NUL),
    and the common header.
    """

    internaldate: int
    size: int
    envelope: bytes
    body: bytes
    bodystructure: bytes
    header: bytes

    @property
    def octets(self) -> int:
        """How long all of them are."""
        return sum(map(len, (self.envelope, self.body, self.bodystructure, self.header)))
