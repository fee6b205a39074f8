"""What the mailbox room has to be told about one account."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

LayoutKind = Literal["maildir++", "fs"]
"""Folders as `.A.B` beside `cur/`, or as directories in directories."""

NamesEncoding = Literal["utf-7", "utf-8"]
"""How folder names are spelled on disk; `utf-7` is the modified one of RFC 3501."""

APPEND_LIMIT: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """One account. What is None is recognised from the tree that stands at `root`.

    `root` is the absolute path of the Maildir; the index and all else that is remembered lies in
    `state_directory`. `inbox` is the folder that serves as INBOX where the root itself does not,
    as mbsync has it. `special_use` maps IMAP mailbox names to attributes (`\\Trash`, RFC 6154).
    `append_limit` is in octets, of one message.
    """

    name: str
    root: bytes
    state_directory: bytes
    layout: LayoutKind | None = None
    names: NamesEncoding | None = None
    separator: str | None = None
    prefix: str = ""
    inbox: str | None = None
    special_use: Mapping[str, str] = field(default_factory=dict)
    append_limit: int = APPEND_LIMIT
