"""What kind of tree is it? The layout, the spelling of names and INBOX's place, read off the tree.

- A root with folders `.A` is Maildir++; one whose folders have no dot is fs. A root that has only
  its own cur/, or nothing at all, is Maildir++, as Postfix leaves it.
- An fs tree whose root is no folder keeps INBOX as a folder of its own (mbsync, offlineimap),
  whatever its case.
- A name with octets above 127 tells UTF-8, one with a `&…-` that decodes tells modified UTF-7.
  Where no name tells, Maildir++ is spelled in modified UTF-7, and so is fs where Dovecot has been;
  mbsync spells in UTF-8.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from maildird.maildir.folders import SUBDIRS, is_folder
from maildird.maildir.layouts import Fs, Layout, MaildirPlusPlus
from maildird.terms import mutf7

Kind = Literal["maildir++", "fs"]
Names = Literal["utf-7", "utf-8"]


@dataclass(frozen=True, slots=True)
class Recognised:
    """A kind of tree; `inbox` is INBOX's folder where the root is not INBOX itself."""

    kind: Kind
    names: Names
    inbox: str | None


def recognise(root: bytes) -> Recognised:
    """Look at the tree below `root`; OSError when it can't be listed."""
    dotted, plain = _candidates(root)
    if is_folder(root):
        kind: Kind = "fs" if plain and not dotted else "maildir++"
        inbox = None
    else:
        kind = "fs" if plain else "maildir++"
        inbox = _inbox_of(plain) if kind == "fs" else None
    return Recognised(kind, _names(root, kind, dotted if kind == "maildir++" else plain), inbox)


def make_layout(root: bytes, recognised: Recognised) -> Layout:
    """The layout of a tree of that kind."""
    if recognised.kind == "maildir++":
        return MaildirPlusPlus(root, recognised.names)
    return Fs(root, recognised.names, recognised.inbox)


def _candidates(root: bytes) -> tuple[list[bytes], list[bytes]]:
    """Names of the root's folders with and without a dot; parents of folders count too."""
    dotted, plain = [], []
    with os.scandir(root) as found:
        for entry in found:
            if not entry.is_dir() or entry.name in SUBDIRS or entry.name.startswith(b".."):
                continue
            if entry.name.startswith(b"."):
                if is_folder(entry.path):
                    dotted.append(entry.name)
            elif is_folder(entry.path) or _has_folder(entry.path):
                plain.append(entry.name)
    return dotted, plain


def _has_folder(directory: bytes) -> bool:
    with os.scandir(directory) as found:
        return any(
            entry.is_dir() and not entry.name.startswith(b".") and is_folder(entry.path)
            for entry in found
        )


def _inbox_of(plain: Sequence[bytes]) -> str:
    inboxes = sorted(name for name in plain if name.upper() == b"INBOX")
    return os.fsdecode(inboxes[0]) if inboxes else "INBOX"


def _names(root: bytes, kind: Kind, folders: Sequence[bytes]) -> Names:
    if any(not name.isascii() for name in folders):
        return "utf-8"
    if any(b"&" in name and _is_shifted(name) for name in folders):
        return "utf-7"
    if kind == "maildir++":
        return "utf-7"
    marked = (os.path.join(root, name, b"dovecot-uidlist") for name in (b"", *folders))
    return "utf-7" if any(os.path.exists(path) for path in marked) else "utf-8"


def _is_shifted(name: bytes) -> bool:
    """Whether a name holds modified UTF-7 that stands for more than ASCII."""
    try:
        levels = [mutf7.decode(level) for level in name.decode("ascii").split(".")]
    except ValueError:
        return False
    return not all(level.isascii() for level in levels)
