"""What kind of tree is it? The layout, the spelling of names and INBOX's place, read off the tree.

- A root with folders `.A` is Maildir++; one whose folders have no dot is fs. A root that has only
  its own cur/, or nothing at all, is Maildir++, as Postfix leaves it.
- An fs tree whose root is no folder keeps INBOX as a folder of its own (mbsync, offlineimap),
  whatever its case.
- Names tell how they are spelled: one with octets above 127, or with an `&` that begins nothing, in
  UTF-8; one with a `&…-` that decodes, in modified UTF-7. The majority decides. Where none tells,
  Maildir++ is spelled in modified UTF-7, and so is fs where Dovecot has left its index files;
  mbsync spells in UTF-8.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from maildird.maildir.directories import directories_below, subdirectories
from maildird.maildir.folders import is_folder
from maildird.maildir.layouts import Fs, Layout, MaildirPlusPlus
from maildird.maildir.spelling import Names
from maildird.terms import mutf7

Kind = Literal["maildir++", "fs"]


@dataclass(frozen=True, slots=True)
class Recognised:
    """A kind of tree; `inbox` is INBOX's folder where the root is not INBOX itself."""

    kind: Kind
    names: Names
    inbox: str | None


def recognise(root: bytes) -> Recognised:
    """Look at the tree below `root`; OSError when it can't be listed."""
    dotted = _dotted_folders(root)
    plain = [levels for levels, path in directories_below(root) if is_folder(path)]
    root_is_inbox = is_folder(root)
    if plain and not (root_is_inbox and dotted):
        inbox = None if root_is_inbox else _inbox_among(plain)
        return Recognised("fs", _names(plain) or _default_names_of_fs(root), inbox)
    return Recognised("maildir++", _names(dotted) or "utf-7", None)


def make_layout(root: bytes, recognised: Recognised) -> Layout:
    """The layout of a tree of that kind."""
    if recognised.kind == "maildir++":
        return MaildirPlusPlus(root, recognised.names)
    return Fs(root, recognised.names, recognised.inbox)


def _dotted_folders(root: bytes) -> list[tuple[bytes, ...]]:
    return [
        tuple(name[1:].split(b"."))
        for name in subdirectories(root)
        if name.startswith(b".") and is_folder(os.path.join(root, name))
    ]


def _inbox_among(plain: Sequence[tuple[bytes, ...]]) -> str:
    inboxes = sorted(levels[0] for levels in plain if levels[0].upper() == b"INBOX")
    return os.fsdecode(inboxes[0]) if inboxes else "INBOX"


def _names(folders: Sequence[tuple[bytes, ...]]) -> Names | None:
    """What most of the names that tell anything tell; None when none does."""
    told = [_told_by(level) for level in {level for levels in folders for level in levels}]
    utf7, utf8 = told.count("utf-7"), told.count("utf-8")
    if not utf7 and not utf8:
        return None
    return "utf-7" if utf7 > utf8 else "utf-8"


def _told_by(level: bytes) -> Names | None:
    if not level.isascii():
        return "utf-8"
    if b"&" not in level:
        return None
    try:
        mutf7.decode(level.decode("ascii"))
    except ValueError:
        return "utf-8"
    return "utf-7"


def _default_names_of_fs(root: bytes) -> Names:
    marks = (b"dovecot.index", b"dovecot.list.index", b"dovecot-uidvalidity")
    return "utf-7" if any(name.startswith(marks) for name in os.listdir(root)) else "utf-8"
