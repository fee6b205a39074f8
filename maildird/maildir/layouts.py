"""Where the folders of a tree are: mailbox parts to directories and back.

Theory of operation. *Maildir++* (Courier, Dovecot's default) has the root as INBOX and every other
folder beside its cur/ as `.A.B`, with an empty file `maildirfolder` in it. *fs* (mbsync,
offlineimap, Dovecot with LAYOUT=fs) has directories in directories, `A/B`; there INBOX is the root,
or a folder of its own. A directory is a folder if it has cur/ or new/. Mailbox parts are a tuple of
levels; INBOX is always ("INBOX",).

What stands on disk and can't be a mailbox (its name can't be read, or is INBOX's in another case)
is left out, said once in the log, and reported in `problems`. Directories that vanish or can't be
read while we look are passed over; the root alone must be readable. How a folder goes or gets
another name is only said here (`directories.Relocation`).
"""

import logging
import os
from collections.abc import Iterable
from typing import Final, Protocol

from maildird.maildir.directories import (
    DEEPEST,
    Relocation,
    directories_below,
    make_directories,
    move_of,
    new_trash,
    subdirectories,
)
from maildird.maildir.folders import SUBDIRS, fsync_directory, is_folder, make_folder
from maildird.maildir.merging import OWN_FILES
from maildird.maildir.spelling import Names, read, spell
from maildird.terms.codes import Code
from maildird.terms.errors import Refused

logger = logging.getLogger(__name__)

Parts = tuple[str, ...]

INBOX: Final[Parts] = ("INBOX",)

_LONGEST_NAME: Final = 255
_LONGEST_PATH: Final = 4095 - len(b"/cur/") - _LONGEST_NAME


class Layout(Protocol):
    """How folders lie below `root`. `separator` parts levels on disk, `names` says how they spell.

    Methods raise Refused (CANNOT) for parts that can't be a folder here, and OSError.
    """

    root: bytes
    separator: str
    names: Names
    problems: frozenset[str]

    def folders(self) -> dict[Parts, bytes]:
        """Every folder that is there now, with its directory; fills `problems` anew."""

    def directory(self, parts: Parts) -> bytes:
        """Where a folder is or would be."""

    def create(self, parts: Parts) -> bytes:
        """Make a folder and give its directory; one that is there already stays as it is."""

    def deletion(self, parts: Parts) -> Relocation:
        """How a folder goes with its messages, while its children stay; FileNotFoundError."""

    def renaming(self, source: Parts, target: Parts) -> Relocation:
        """How a folder (or a parent that is none itself) is renamed with all its children."""


class MaildirPlusPlus:
    """Folders as `.A.B` beside the root's cur/."""

    separator = "."

    def __init__(self, root: bytes, names: Names) -> None:
        self.root = root
        self.names = names
        self.problems: frozenset[str] = frozenset()

    def folders(self) -> dict[Parts, bytes]:
        """See Layout."""
        found: dict[Parts, bytes] = {INBOX: self.root} if is_folder(self.root) else {}
        left_out = []
        for name in subdirectories(self.root):
            directory = os.path.join(self.root, name)
            if not name.startswith(b".") or name.startswith(b"..") or not is_folder(directory):
                continue
            parts = self._parts(name)
            if parts is None:
                left_out.append(directory)
            else:
                found[parts] = directory
        self.problems = _report(self.problems, left_out)
        return found

    def directory(self, parts: Parts) -> bytes:
        """See Layout."""
        if parts == INBOX:
            return self.root
        _check_inbox(parts)
        levels = [spell(part, self.names, forbidden="./") for part in parts]
        return os.path.join(self.root, _short_enough(b"." + b".".join(levels)))

    def create(self, parts: Parts) -> bytes:
        """See Layout."""
        directory = self.directory(parts)
        if parts != INBOX:
            make_directories(self.root, directory)
            marker = os.path.join(directory, b"maildirfolder")
            os.close(os.open(marker, os.O_WRONLY | os.O_CREAT, 0o600))
        make_folder(directory)
        fsync_directory(directory)
        fsync_directory(self.root)
        return directory

    def deletion(self, parts: Parts) -> Relocation:
        """See Layout."""
        return _whole(self.root, _not_inbox(self, parts))

    def renaming(self, source: Parts, target: Parts) -> Relocation:
        """See Layout; each child is a directory of its own."""
        _not_inbox(self, source)
        return Relocation(
            tuple(
                move_of(directory, self.directory(target + parts[len(source) :]))
                for parts, directory in self.folders().items()
                if parts[: len(source)] == source
            )
        )

    def _parts(self, name: bytes) -> Parts | None:
        parts = _readable(read(level, self.names) for level in name[1:].split(b"."))
        return None if parts == INBOX else parts


class Fs:
    """Folders as directories in directories; `inbox` is INBOX's, None when that is the root."""

    separator = "/"

    def __init__(self, root: bytes, names: Names, inbox: str | None) -> None:
        self.root = root
        self.names = names
        self.inbox = inbox
        self.problems: frozenset[str] = frozenset()

    def folders(self) -> dict[Parts, bytes]:
        """See Layout."""
        found: dict[Parts, bytes] = {}
        left_out = []
        for levels, directory in directories_below(self.root):
            if is_folder(directory):
                parts = self._parts(levels)
                if parts is None:
                    left_out.append(directory)
                else:
                    found[parts] = directory
        if self.inbox is None and is_folder(self.root):
            found[INBOX] = self.root
        self.problems = _report(self.problems, left_out)
        return found

    def directory(self, parts: Parts) -> bytes:
        """See Layout."""
        if self.inbox is None and parts == INBOX:
            return self.root
        if self.inbox is not None and parts[0] == self.inbox != "INBOX":
            raise Refused(Code.CANNOT, f"the folder {self.inbox} is INBOX; use that name")
        _check_inbox(parts)
        if self.inbox is not None and parts[0] == "INBOX":
            parts = (self.inbox, *parts[1:])
        if len(parts) > DEEPEST:
            raise Refused(Code.CANNOT, f"mailbox names have at most {DEEPEST} levels here")
        levels = [_short_enough(spell(part, self.names, forbidden="/")) for part in parts]
        if any(level in SUBDIRS or level.startswith(b".") for level in levels):
            raise Refused(
                Code.CANNOT, "cur, new, tmp and names that begin with a dot are no mailboxes"
            )
        return _short_enough(os.path.join(self.root, *levels), _LONGEST_PATH)

    def create(self, parts: Parts) -> bytes:
        """See Layout."""
        directory = self.directory(parts)
        make_directories(self.root, directory)
        make_folder(directory)
        fsync_directory(directory)
        return directory

    def deletion(self, parts: Parts) -> Relocation:
        """See Layout; a folder with children, or files of others, loses cur/ first."""
        directory = _not_inbox(self, parts)
        present = os.listdir(directory)
        own = [name for name in present if _is_own(directory, name)]
        if own == present:
            return _whole(self.root, directory)
        trash = new_trash(self.root)
        return Relocation(
            tuple(
                move_of(os.path.join(directory, name), os.path.join(trash, name))
                for name in sorted(own, key=_deletion_order)
            ),
            trash,
        )

    def renaming(self, source: Parts, target: Parts) -> Relocation:
        """See Layout."""
        return Relocation((move_of(_not_inbox(self, source), self.directory(target)),))

    def _parts(self, levels: tuple[bytes, ...]) -> Parts | None:
        top = read(levels[0], self.names)
        if self.inbox is not None:
            if top == self.inbox:
                top = "INBOX"
            elif top == "INBOX":
                return None
        parts = _readable([top, *(read(level, self.names) for level in levels[1:])])
        return None if parts == INBOX and self.inbox is None else parts


def _readable(levels: Iterable[str | None]) -> Parts | None:
    """The parts that were read on disk; None when a level stands for none, or INBOX is misspelt."""
    parts: list[str] = []
    for level in levels:
        if level is None:
            return None
        parts.append(level)
    return None if _is_misspelt_inbox(parts[0]) else tuple(parts)


def _is_misspelt_inbox(level: str) -> bool:
    """INBOX is one mailbox in whatever case (RFC 3501 section 5.1), and on disk in capitals."""
    return level.upper() == "INBOX" and level != "INBOX"


def _check_inbox(parts: Parts) -> None:
    if _is_misspelt_inbox(parts[0]):
        raise Refused(Code.CANNOT, "INBOX is spelled in capitals on disk")


def _not_inbox(layout: Layout, parts: Parts) -> bytes:
    """The directory of a folder that may go away; INBOX may not."""
    if parts == INBOX:
        raise Refused(Code.CANNOT, "INBOX can't be deleted or renamed")
    return layout.directory(parts)


def _whole(root: bytes, directory: bytes) -> Relocation:
    """The deletion of a directory with all that is in it; FileNotFoundError when it isn't there."""
    os.lstat(directory)
    trash = new_trash(root)
    return Relocation((move_of(directory, trash),), trash)


def _short_enough(path: bytes, longest: int = _LONGEST_NAME) -> bytes:
    if len(path) > longest:
        raise Refused(Code.CANNOT, f"the mailbox name is longer than {longest} octets on disk")
    return path


def _is_own(directory: bytes, name: bytes) -> bool:
    """Whether it belongs to a folder itself: its subdirectories, and what servers keep there."""
    if name in SUBDIRS or name == b"courierimapkeywords":
        return True
    return name.startswith(OWN_FILES) and not os.path.isdir(os.path.join(directory, name))


def _deletion_order(name: bytes) -> tuple[bool, bool]:
    """cur/, then new/, which ends the folder, then the rest."""
    return name != b"cur", name != b"new"


def _report(before: frozenset[str], left_out: Iterable[bytes]) -> frozenset[str]:
    """What to say about directories that are no mailboxes; what is new goes to the log."""
    problems = frozenset(
        f"folder {os.fsdecode(directory)!a} is left out: its name can't be a mailbox's; rename it,"
        " or set how names are spelled on disk"
        for directory in left_out
    )
    for problem in sorted(problems - before):
        logger.warning("%s", problem)
    return problems
