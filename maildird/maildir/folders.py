"""One folder: a directory with new/, cur/ and tmp/, and the files in it.

Theory of operation. A file is named relative to its folder, `cur/base:2,S`. Other programs rename
and remove files at any time, so every function here either does all of its work or raises what the
system said, and none ever overwrites a file: what is new gets a base name of its own, and a rename
fails where something has the new name already. FileNotFoundError means that another program was
quicker: whoever called lists the folder again and sees what it did.

A listing of a directory in which others rename may lack files that are there all along. It is
*stable* when the directories' times were the same before and after it, and none lay within the
clock's tick of its beginning: only then does a name's absence mean anything.
"""

import errno
import os
import stat
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from maildird.maildir.content import disk_form, open_message, wire_size
from maildird.maildir.names import FileName, parse_name, unique_base, with_mask
from maildird.maildir.naming import naming
from maildird.maildir.renaming import rename_exclusively
from maildird.terms.codes import Code
from maildird.terms.errors import Refused

SUBDIRS: Final = (b"new", b"cur", b"tmp")

TICK: Final = 20_000_000
"""Nanoseconds after which a change surely shows in a directory's mtime."""

ABANDONED: Final = 36 * 3600
"""Age in seconds from which a file in tmp/ is nobody's (Maildir specification)."""

_SMALL: Final = bytes(range(ord("a"), 256))

WAITING: Final = b"..maildird-"
"""What names in tmp/ begin with that are not removed for their age."""

_STAY_IN_NEW: Final = frozenset(
    {
        errno.EACCES,
        errno.EPERM,
        errno.EROFS,
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EEXIST,
        errno.ENAMETOOLONG,
    }
)
_NO_LINK: Final = frozenset({errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.ENOSYS})


@dataclass(frozen=True, slots=True)
class Listing:
    """All messages of a folder.

    `names` are `subdir/file`, in the directories' order, which stays as long as nothing changes;
    one that others rename meanwhile may stand there twice. `strange` is what looks like a message
    but is no regular file. `mtimes` are those of new/ and cur/ (ns) before the listing.
    """

    names: Sequence[bytes]
    strange: frozenset[bytes]
    mtimes: tuple[int, int]
    stable: bool


@dataclass(frozen=True, slots=True)
class Staged:
    """A message that lies complete in tmp/, synced, and is to appear as `base`."""

    path: bytes
    base: bytes


def list_folder(folder: bytes, *, in_order: bool = False) -> Listing:
    """List new/ and then cur/; Refused (UNAVAILABLE, NOPERM) when that can't be done.

    Names that are sorted `in_order` lie so in memory, too, and are gone through quickly.
    """
    try:
        complete(folder)
        before = folder_mtimes(folder)
        began = time.time_ns()
        names, strange = _scan(folder, b"new", b"cur", in_order=in_order)
        settled = all(abs(began - mtime) > TICK for mtime in before)
        stable = settled and before == folder_mtimes(folder)
    except OSError as error:
        raise unreadable(folder, error) from error
    return Listing(names, frozenset(strange), before, stable)


def has_new(folder: bytes) -> bool:
    """Whether anything with a message's name lies in new/; OSError."""
    with os.scandir(os.path.join(folder, b"new")) as found:
        return any(not entry.name.startswith(b".") for entry in found)


def list_new(folder: bytes) -> list[bytes]:
    """The messages that lie in new/, by name; OSError."""
    return sorted(_scan(folder, b"new")[0])


def quick_look(folder: bytes) -> list[bytes]:
    """The messages that a quick look shows, in new/ and cur/; OSError."""
    names: list[bytes] = []
    for subdir in (b"new", b"cur"):
        with suppress(FileNotFoundError):
            names += _scan(folder, subdir)[0]
    return sorted(names)


def folder_mtimes(folder: bytes) -> tuple[int, int]:
    """The times (ns) of the last change in new/ and cur/."""
    return (
        os.stat(os.path.join(folder, b"new")).st_mtime_ns,
        os.stat(os.path.join(folder, b"cur")).st_mtime_ns,
    )


def stirs(mtimes: tuple[int, int]) -> bool:
    """Whether a folder with these times was changed just now, so that no listing is stable."""
    now = time.time_ns()
    return any(abs(now - mtime) <= TICK for mtime in mtimes)


def all_before(mtimes: tuple[int, int], heard: int) -> bool:
    """Whether the events of what was done at these times were surely told by the time `heard`."""
    return all(mtime < heard - TICK for mtime in mtimes)


def folder_identity(folder: bytes) -> tuple[int, int]:
    """(st_dev, st_ino) of the folder's directory."""
    status = os.stat(folder)
    return status.st_dev, status.st_ino


def exists_in(folder: bytes, name: bytes) -> bool:
    """Whether the message `subdir/file` is there now."""
    try:
        return stat.S_ISREG(os.lstat(os.path.join(folder, name)).st_mode)
    except OSError:
        return False


def stage(folder: bytes, content: bytes, internaldate: int | None) -> Staged:
    """Write a message to tmp/ and sync it; its mtime becomes `internaldate` (Unix seconds)."""
    raw = disk_form(content)
    base = unique_base(len(raw), wire_size(raw))
    complete(folder)
    staged = Staged(os.path.join(folder, b"tmp", base), base)
    try:
        _write(staged.path, raw, internaldate)
    except BaseException:
        discard(staged)
        raise
    return staged


def discard(staged: Staged) -> None:
    """Remove what was staged and never published; what can't be removed waits for a start."""
    with suppress(OSError):
        os.unlink(staged.path)


def publish(staged: Staged, folder: bytes, mask: int, named: int) -> bytes:
    """Have a staged message appear in cur/; gives its name. The caller syncs the directory."""
    name = published_name(staged, mask, named)
    rename_exclusively(staged.path, os.path.join(folder, name))
    return name


def published_name(staged: Staged, mask: int, named: int) -> bytes:
    """The name under which a staged message is to appear."""
    return b"cur/" + bytes(with_mask(FileName(staged.base), mask, named))


def change_flags(folder: bytes, name: bytes, mask: int, named: int) -> bytes:
    """Rename a message for its flags, as `flagged_name` says; gives the name it has then.

    FileNotFoundError when it isn't where `name` says, FileExistsError when another message is
    where it should go.
    """
    renamed = flagged_name(name, mask, named)
    rename_message(folder, name, renamed)
    return renamed


def flagged_name(name: bytes, mask: int, named: int) -> bytes:
    """The name that a message has for its flags, in cur/, should it be in new/ now."""
    return b"cur/" + bytes(with_mask(parse_name(_file(name)), mask, named))


def rename_message(folder: bytes, name: bytes, renamed: bytes) -> None:
    """Give a message another name; errors as of `change_flags`.

    Where the new name is another link to the same file, somebody's move stopped half-way: it is
    finished by removing the old name.
    """
    if renamed == name:
        return
    origin, path = folder + b"/" + name, folder + b"/" + renamed
    try:
        rename_exclusively(origin, path)
    except FileExistsError:
        if not os.path.samestat(os.lstat(origin), os.lstat(path)):
            raise
        os.unlink(origin)


def take_new(folder: bytes, name: bytes) -> bytes:
    """Move a message from new/ to cur/ and give its name there.

    Where the disk forbids it, or another message has that name, it stays where it is.
    """
    taken = taken_name(name)
    try:
        rename_message(folder, name, taken)
    except OSError as error:
        if error.errno in _STAY_IN_NEW:
            return name
        raise
    return taken


def taken_name(name: bytes) -> bytes:
    """The name that a message gets by `take_new`."""
    parsed = parse_name(_file(name))
    return b"cur/" + bytes(FileName(parsed.base, parsed.letters, parsed.trailer))


def remove(folder: bytes, name: bytes) -> None:
    """Unlink a message; FileNotFoundError when it isn't there."""
    os.unlink(folder + b"/" + name)


def copied_name(name: bytes, base: bytes, mask: int, named: int) -> bytes:
    """The name of a message's copy, as `base`, a new base name, and in cur/.

    Capitals that mean no flag come along; small letters don't, for they mean something else in each
    folder.
    """
    capitals = parse_name(_file(name)).letters.translate(None, _SMALL)
    return b"cur/" + bytes(with_mask(FileName(base, capitals), mask, named))


def copy_into(source: bytes, name: bytes, target: bytes, copied: bytes) -> None:
    """Copy a message to another folder, or the same, where it is called `copied`.

    A hard link where the file system can, which keeps content and mtime; else a synced copy. The
    caller syncs the directory. FileNotFoundError when the message isn't in `source`.
    """
    origin, path = source + b"/" + name, target + b"/" + copied
    try:
        os.link(origin, path, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINK:
            raise
        _copy_content(origin, target, path)


def resolve_double(folder: bytes, kept: bytes, extra: bytes) -> bytes | None:
    """Two files have one base name: give `extra` a base name of its own; gives its new name.

    When both are one file (somebody's half-finished move), `extra` goes once it is a minute old,
    and None is given: there is but one message.
    """
    one = os.lstat(os.path.join(folder, kept))
    other = os.lstat(os.path.join(folder, extra))
    if (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino):
        if other.st_ctime < time.time() - 60:
            os.unlink(os.path.join(folder, extra))
        return None
    parsed = parse_name(_file(extra))
    own = FileName(unique_base(), parsed.letters, parsed.trailer)
    return _rename(folder, extra, own)


def make_folder(folder: bytes) -> None:
    """Make new/, cur/ and tmp/ where they lack; cur/ comes last, it makes the folder be one."""
    for subdir in (b"tmp", b"new", b"cur"):
        with suppress(FileExistsError):
            os.mkdir(os.path.join(folder, subdir), 0o700)


def complete(folder: bytes) -> None:
    """Make what lacks of new/, cur/ and tmp/ in a folder that has one of the first two; OSError."""
    missing = [s for s in SUBDIRS if not os.path.isdir(os.path.join(folder, s))]
    if missing and not {b"new", b"cur"} <= set(missing):
        make_folder(folder)


def unmake_folder(directory: bytes) -> None:
    """Remove an empty folder, and of one that is not empty nothing that anybody put there."""
    with suppress(OSError):
        for subdir in (b"cur", b"new", b"tmp"):
            with suppress(FileNotFoundError):
                os.rmdir(os.path.join(directory, subdir))
        with suppress(FileNotFoundError):
            os.unlink(os.path.join(directory, b"maildirfolder"))
        os.rmdir(directory)


def is_folder(directory: bytes) -> bool:
    """Whether a directory is a Maildir."""
    return os.path.isdir(os.path.join(directory, b"cur")) or os.path.isdir(
        os.path.join(directory, b"new")
    )


def clean_tmp(folder: bytes) -> None:
    """Remove files from tmp/ that nobody touched for 36 hours.

    Their ctime tells; the mtime may be a date that a client gave. What can't be removed stays, and
    so does what waits for its own end, an intent.
    """
    with suppress(OSError), os.scandir(os.path.join(folder, b"tmp")) as found:
        for entry in found:
            with suppress(OSError):
                status = entry.stat(follow_symlinks=False)
                if entry.name.startswith(WAITING):
                    continue
                if stat.S_ISREG(status.st_mode) and status.st_ctime < time.time() - ABANDONED:
                    os.unlink(entry.path)


def fsync_directory(path: bytes) -> None:
    """Have the names in a directory survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with naming(path):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def unreadable(directory: bytes, error: OSError) -> Refused:
    """The refusal for a directory that can't be listed."""
    path = os.fsdecode(directory)
    if isinstance(error, PermissionError):
        return Refused(
            Code.NOPERM, f"{path} can't be read: {error.strerror}; check its owner and mode"
        )
    return Refused(Code.UNAVAILABLE, f"{path} can't be read: {error.strerror}; is it mounted?")


def _scan(
    folder: bytes, *subdirs: bytes, in_order: bool = False
) -> tuple[list[bytes], list[bytes]]:
    """`subdir/file` of all that has a message's name, and what of it is no regular file.

    The listing tells the types, so that nothing is asked file by file.
    """
    names: list[bytes] = []
    strange: list[bytes] = []
    for subdir in subdirs:
        files: list[bytes] = []
        prefix = subdir + b"/"
        with os.scandir(os.path.join(folder, subdir)) as found:
            for entry in found:
                name = entry.name
                if name.startswith(b"."):
                    continue
                if entry.is_file(follow_symlinks=False):
                    files.append(name)
                else:
                    strange.append(prefix + name)
        if in_order:
            files.sort()
        names += [prefix + name for name in files]
    return names, strange


def _file(name: bytes) -> bytes:
    return name.partition(b"/")[2]


def _rename(folder: bytes, name: bytes, renamed: FileName) -> bytes:
    """Rename a message within its folder, to cur/."""
    target = b"cur/" + bytes(renamed)
    rename_message(folder, name, target)
    return target


def _copy_content(origin: bytes, target: bytes, path: bytes) -> None:
    with open_message(origin) as file:
        raw = file.read()
        mtime = int(os.fstat(file.fileno()).st_mtime)
    temporary = os.path.join(target, b"tmp", unique_base())
    try:
        _write(temporary, raw, mtime)
        rename_exclusively(temporary, path)
    finally:
        discard(Staged(temporary, b""))


def _write(path: bytes, raw: bytes, mtime: int | None) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with naming(path), open(descriptor, "wb") as file:
        file.write(raw)
        file.flush()
        if mtime is not None:
            os.utime(descriptor, (mtime, mtime))
        os.fsync(descriptor)
