"""Where the folders of a tree are: mailbox parts to directories and back.

Theory of operation. *Maildir++* (Courier, Dovecot's default) has the root as INBOX and every other
folder beside its cur/ as `.A.B`, with an empty file `maildirfolder` in it. *fs* (mbsync,
offlineimap, Dovecot with LAYOUT=fs) has directories in directories, `A/B`; there INBOX is the root,
or a folder of its own. A directory is a folder if it has cur/ or new/.

A level's name is spelled on disk in modified UTF-7 (Dovecot, Courier) or UTF-8 (mbsync). What can't
be spelled, or would be something else on disk (`..`, `cur`, a dot in Maildir++), is no mailbox
name. What stands on disk and can't be read as a name is left out and reported in `problems`.

Deleting renames away first, so that a crash never leaves half a folder; what such a crash leaves
behind is removed when the tree is opened next.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from typing import Final, Protocol

from maildird.maildir.folders import SUBDIRS, fsync_directory, is_folder, make_folder
from maildird.terms import mutf7
from maildird.terms.codes import Code
from maildird.terms.errors import Refused

Parts = tuple[str, ...]

INBOX: Final[Parts] = ("INBOX",)
DELETED: Final = b"..maildird-deleted-"
"""Prefix of directories at the root that wait for their removal; they are no folders."""

_LONGEST: Final = 255
_DEEPEST: Final = 100


class Layout(Protocol):
    """How folders lie below `root`. `separator` parts levels on disk, `names` says how they spell.

    Methods raise Refused (CANNOT) for parts that can't be a folder here, and OSError.
    """

    root: bytes
    separator: str
    names: str
    problems: list[str]

    def folders(self) -> dict[Parts, bytes]:
        """Every folder that is there now, with its directory; fills `problems` anew."""

    def directory(self, parts: Parts) -> bytes:
        """Where a folder is or would be."""

    def create(self, parts: Parts) -> bytes:
        """Make a folder and give its directory; one that is there already stays as it is."""

    def delete(self, parts: Parts) -> None:
        """Remove a folder with its messages; its children stay."""

    def rename(self, source: Parts, target: Parts) -> None:
        """Rename a folder (or a parent that is none itself) with all its children."""


class MaildirPlusPlus:
    """Folders as `.A.B` beside the root's cur/."""

    separator = "."

    def __init__(self, root: bytes, names: str) -> None:
        self.root = root
        self.names = names
        self.problems: list[str] = []

    def folders(self) -> dict[Parts, bytes]:
        """See Layout."""
        found: dict[Parts, bytes] = {INBOX: self.root} if is_folder(self.root) else {}
        self.problems = []
        for name in _directories(self.root):
            if name.startswith(b".") and not name.startswith(b".."):
                directory = os.path.join(self.root, name)
                if is_folder(directory):
                    parts = self._parts(name)
                    if parts is None:
                        self.problems.append(_unreadable_name(directory))
                    else:
                        found[parts] = directory
        return found

    def directory(self, parts: Parts) -> bytes:
        """See Layout."""
        if parts == INBOX:
            return self.root
        spelled = [_spelled(part, self.names, forbidden="./") for part in parts]
        if parts[0].upper() == "INBOX" and len(parts) == 1:
            raise Refused(Code.CANNOT, "INBOX is spelled in capitals on disk")
        return os.path.join(self.root, _short_enough(b"." + b".".join(spelled)))

    def create(self, parts: Parts) -> bytes:
        """See Layout."""
        directory = self.directory(parts)
        if directory != self.root:
            os.makedirs(directory, 0o700, exist_ok=True)
            marker = os.open(
                os.path.join(directory, b"maildirfolder"), os.O_WRONLY | os.O_CREAT, 0o600
            )
            os.close(marker)
        make_folder(directory)
        fsync_directory(self.root)
        return directory

    def delete(self, parts: Parts) -> None:
        """See Layout."""
        trash = _trash(self.root)
        os.rename(self.directory(parts), trash)
        fsync_directory(self.root)
        shutil.rmtree(trash)

    def rename(self, source: Parts, target: Parts) -> None:
        """See Layout; renames one by one, and back when one fails."""
        moves = [
            (directory, self.directory(target + parts[len(source) :]))
            for parts, directory in self.folders().items()
            if parts[: len(source)] == source
        ]
        done: list[tuple[bytes, bytes]] = []
        try:
            for old, new in moves:
                os.rename(old, new)
                done.append((old, new))
        except OSError:
            for old, new in reversed(done):
                os.rename(new, old)
            raise
        fsync_directory(self.root)

    def _parts(self, name: bytes) -> Parts | None:
        parts = [_read(level, self.names) for level in name[1:].split(b".")]
        if not all(parts) or (len(parts) == 1 and str(parts[0]).upper() == "INBOX"):
            return None
        return tuple(str(part) for part in parts)


class Fs:
    """Folders as directories in directories; `inbox` is INBOX's, None when that is the root."""

    separator = "/"

    def __init__(self, root: bytes, names: str, inbox: str | None) -> None:
        self.root = root
        self.names = names
        self.inbox = inbox
        self.problems: list[str] = []

    def folders(self) -> dict[Parts, bytes]:
        """See Layout."""
        self.problems = []
        found = dict(self._below(self.root, ()))
        if self.inbox is None and is_folder(self.root):
            found[INBOX] = self.root
        return found

    def directory(self, parts: Parts) -> bytes:
        """See Layout."""
        if parts == INBOX and self.inbox is None:
            return self.root
        if parts[0] == "INBOX" and self.inbox is not None:
            parts = (self.inbox, *parts[1:])
        spelled = [_short_enough(_spelled(part, self.names, forbidden="/")) for part in parts]
        for name in spelled:
            if name in SUBDIRS or name.startswith(b"."):
                raise Refused(
                    Code.CANNOT, "cur, new, tmp and names that begin with a dot are no mailboxes"
                )
        return os.path.join(self.root, *spelled)

    def create(self, parts: Parts) -> bytes:
        """See Layout."""
        directory = self.directory(parts)
        os.makedirs(directory, 0o700, exist_ok=True)
        make_folder(directory)
        fsync_directory(os.path.dirname(directory))
        fsync_directory(directory)
        return directory

    def delete(self, parts: Parts) -> None:
        """See Layout; cur/ goes first, with it the folder is one no more."""
        directory = self.directory(parts)
        trash = _trash(self.root)
        os.mkdir(trash, 0o700)
        for name in (b"cur", b"new", b"tmp", *_own_files(directory)):
            with suppress(FileNotFoundError):
                os.rename(os.path.join(directory, name), os.path.join(trash, name))
        fsync_directory(directory)
        shutil.rmtree(trash)
        if not os.listdir(directory):
            os.rmdir(directory)

    def rename(self, source: Parts, target: Parts) -> None:
        """See Layout."""
        old, new = self.directory(source), self.directory(target)
        os.makedirs(os.path.dirname(new), 0o700, exist_ok=True)
        os.rename(old, new)
        fsync_directory(os.path.dirname(old))
        fsync_directory(os.path.dirname(new))

    def _below(self, directory: bytes, above: Parts) -> Iterator[tuple[Parts, bytes]]:
        for name in _directories(directory):
            if name in SUBDIRS or name.startswith(b"."):
                continue
            path = os.path.join(directory, name)
            part = _read(name, self.names)
            if part is None or (self.inbox is None and not above and part.upper() == "INBOX"):
                self.problems.append(_unreadable_name(path))
                continue
            parts = INBOX if not above and part == self.inbox else (*above, part)
            if is_folder(path):
                yield parts, path
            if len(parts) < _DEEPEST and not os.path.islink(path):
                yield from self._below(path, parts)


def remove_deleted(layout: Layout) -> None:
    """Remove what a crash in the middle of `delete` left at the root."""
    for name in _directories(layout.root):
        if name.startswith(DELETED):
            shutil.rmtree(os.path.join(layout.root, name))


def _directories(directory: bytes) -> list[bytes]:
    with os.scandir(directory) as found:
        return sorted(entry.name for entry in found if entry.is_dir())


def _spelled(part: str, names: str, forbidden: str) -> bytes:
    """A level's name on disk; Refused (CANNOT) when it can't be one."""
    if not part or part in (".", "..") or part.startswith("~"):
        raise Refused(Code.CANNOT, f"{part!a} can't be a mailbox name")
    if any(character in forbidden or not character.isprintable() for character in part):
        raise Refused(
            Code.CANNOT,
            f"a level of a mailbox name can't hold control characters or any of {forbidden}",
        )
    try:
        return (mutf7.encode(part) if names == "utf-7" else part).encode("utf-8")
    except ValueError:
        raise Refused(Code.CANNOT, f"{part!a} can't be written in UTF-8") from None


def _read(name: bytes, names: str) -> str | None:
    """The level that a name on disk stands for; None when it stands for none."""
    try:
        text = name.decode("utf-8")
        part = mutf7.decode(text) if names == "utf-7" else text
        _spelled(part, names, forbidden="/")
    except (ValueError, Refused):
        return None
    return part


def _short_enough(name: bytes) -> bytes:
    if len(name) > _LONGEST:
        raise Refused(Code.CANNOT, f"the mailbox name is longer than {_LONGEST} octets on disk")
    return name


def _own_files(directory: bytes) -> list[bytes]:
    """What servers keep beside cur/ in a folder."""
    return [
        name
        for name in os.listdir(directory)
        if name.startswith((b"dovecot", b"courier", b"maildirfolder", b"maildirsize"))
    ]


def _trash(root: bytes) -> bytes:
    return os.path.join(root, DELETED + os.urandom(8).hex().encode("ascii"))


def _unreadable_name(path: bytes) -> str:
    return (
        f"folder {os.fsdecode(path)!a} is left out: its name is no mailbox name; rename it, or set"
        " how names are spelled on disk"
    )
