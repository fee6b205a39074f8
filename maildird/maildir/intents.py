"""Intents: what a command is about to do, written down before it does the first of it.

Theory of operation. A command that takes several steps on disk (two links, a rename for each child)
can be stopped between them. So it first leaves a small file that says what it is about, and removes
it when all is done and committed, before anybody is answered. A start that finds such a file knows
what to take back or to finish (`mailbox.recovering`).

An intent lies where the change is to happen: for messages in tmp/ of the folder that they come to,
which every program takes for unfinished business of somebody's; for folders at the root, under a
name that no layout takes for a folder. It names the index and the commit that decides. Of copies
and their originals it has the base names: what follows those, other programs may change at any
time. Paths are relative to the root, which may be mounted elsewhere tomorrow.

One that *lasts* is synced, with its directory, before it counts: then a power cut leaves no step
without it. One that doesn't still survives the death of the process. A file that was not written to
its end says nothing, and nothing was done under it. Who made it stands in its name, and holds the
tree (`holding`) until it is done.
"""

import errno
import json
import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from maildird.maildir.arrivals import Arrivals, Copies, Deliveries
from maildird.maildir.directories import Move, Relocation
from maildird.maildir.folders import fsync_directory
from maildird.maildir.hiding import PREFIX as HIDDEN
from maildird.maildir.leftovers import may_return
from maildird.maildir.making import Making
from maildird.maildir.names import delivery_order, unique_base
from maildird.maildir.naming import naming

PREFIX: Final = b"..maildird-intent-"
"""What the names of these files begin with; the rest is as a message's base name."""

LONGEST: Final = 256 * 1024 * 1024
"""Octets that an intent may have; a million messages that move need about half."""


@dataclass(frozen=True, slots=True)
class Intent:
    """What is to be done, by which index, in which of its commits.

    `after` is what that index says of settled intents until then.
    """

    index: str
    commit: int
    after: str
    what: Arrivals | Relocation | Making


def needs_room(error: OSError) -> bool:
    """Whether an intent could not be left as the disk or a quota is full."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


def write_intent(root: bytes, directory: bytes, intent: Intent, *, lasts: bool) -> bytes:
    """Leave an intent in a directory and give its path; OSError, and then there is none."""
    path = os.path.join(directory, PREFIX + unique_base())
    content = _packed(root, intent)
    if len(content) > LONGEST:
        raise OSError(errno.EFBIG, "so many messages can't be copied at once", path)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with naming(path), open(descriptor, "wb") as file:
            file.write(content)
            if lasts:
                file.flush()
                os.fsync(descriptor)
        if lasts:
            fsync_directory(directory)
    except BaseException:
        with suppress(OSError):
            remove_intent(path)
        raise
    return path


def find_intents(directory: bytes) -> list[bytes]:
    """The paths of the intents in a directory; OSError, but none where there is no directory.

    The latest is the first: what was done last has to be taken back first.
    """
    with suppress(FileNotFoundError):
        bases = [
            name.removeprefix(PREFIX) for name in os.listdir(directory) if name.startswith(PREFIX)
        ]
        latest_first = sorted(bases, key=delivery_order, reverse=True)
        return [os.path.join(directory, PREFIX + base) for base in latest_first]
    return []


def read_intent(root: bytes, path: bytes) -> Intent | None:
    """What an intent says, None when it is not whole, or no intent; OSError."""
    if not stat.S_ISREG(os.lstat(path).st_mode):
        return None
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with naming(path), open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > LONGEST:
            return None
        content = file.read(LONGEST)
    try:
        return _unpacked(root, content)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def maker_may_return(root: bytes, path: bytes) -> bool:
    """Whether another process that wrote an intent may still be at it; not after 36 hours."""
    return may_return(root, path, PREFIX)


def remove_intent(path: bytes) -> None:
    """Remove an intent, all of it being done or taken back; OSError."""
    with suppress(FileNotFoundError):
        os.unlink(path)


def _packed(root: bytes, intent: Intent) -> bytes:
    """One JSON object; octets that are no UTF-8 are spelled as lone surrogates."""
    said: dict[str, Any] = {
        "index": intent.index,
        "commit": intent.commit,
        "after": intent.after,
    }
    match intent.what:
        case Deliveries(names):
            said["names"] = list(map(os.fsdecode, names))
        case Copies(origin, pairs, hiding):
            said["origin"] = _relative(root, origin)
            said["pairs"] = [list(map(os.fsdecode, pair)) for pair in pairs]
            said["hiding"] = hiding and os.fsdecode(hiding)
        case Relocation(moves, trash):
            said["moves"] = [
                [_relative(root, move.old), _relative(root, move.new), move.inode] for move in moves
            ]
            said["trash"] = trash and _relative(root, trash)
        case Making(folder):
            said["made"] = _relative(root, folder)
    return json.dumps(said, separators=(",", ":")).encode("ascii")


def _unpacked(root: bytes, content: bytes) -> Intent:
    """Inverse of `_packed`; ValueError, KeyError or TypeError for anything else."""
    said = json.loads(content)
    what: Arrivals | Relocation | Making
    if "made" in said:
        what = Making(_absolute(root, said["made"]))
    elif "moves" in said:
        moves = tuple(
            Move(_absolute(root, old), _absolute(root, new), int(inode))
            for old, new, inode in said["moves"]
        )
        what = Relocation(moves, said["trash"] and _absolute(root, said["trash"]))
    elif "names" in said:
        what = Deliveries(tuple(map(_name, said["names"])))
    else:
        hiding = said["hiding"] and _file_name(said["hiding"])
        if hiding and not hiding.startswith(HIDDEN):
            raise ValueError(f"{hiding!a} is no place for hidden messages")
        pairs = tuple((_file_name(copy), _file_name(original)) for copy, original in said["pairs"])
        what = Copies(_absolute(root, said["origin"]), pairs, hiding or None)
    index, commit, after = said["index"], said["commit"], said["after"]
    if not (isinstance(index, str) and isinstance(commit, int) and isinstance(after, str)):
        raise TypeError("the index or its commit is none")
    os.fsencode(index + after)
    return Intent(index, commit, after, what)


def _relative(root: bytes, path: bytes) -> str:
    return os.fsdecode(os.path.relpath(path, root))


def _absolute(root: bytes, spelled: str) -> bytes:
    """The path that is meant; ValueError when it leads out of the tree, or can't be one."""
    if "\0" in spelled:
        raise ValueError(f"{spelled!a} is no path")
    path = os.path.normpath(os.path.join(root, os.fsencode(spelled)))
    if os.path.commonpath([root, path]) != os.path.normpath(root):
        raise ValueError(f"{spelled!a} is not below the root")
    return path


def _name(spelled: str) -> bytes:
    """A message's name in cur/; ValueError when it can't be one."""
    subdir, _, file = spelled.partition("/")
    if subdir != "cur":
        raise ValueError(f"{spelled!a} is no message's name")
    return b"cur/" + _file_name(file)


def _file_name(spelled: str) -> bytes:
    """The name of a file, or the base name in it; ValueError when it can't be one."""
    if spelled in ("", ".", "..") or "/" in spelled or "\0" in spelled:
        raise ValueError(f"{spelled!a} is no file's name")
    return os.fsencode(spelled)
