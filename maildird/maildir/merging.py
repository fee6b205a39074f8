"""Putting a folder back to where others have made a new one meanwhile.

Theory of operation. A delivery agent makes the folder that it delivers to. Messages then go back
into that one: each base name is unique, and one whose name is taken by another file all the same
gets its own. Their keywords go with them (`lettering`, `letterless`). Of the files that servers
keep in a folder the new folder's stay, and the other ones go last, when nothing remains of which
they tell.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Final

from maildird.maildir.each import to_each
from maildird.maildir.folders import SUBDIRS, fsync_directory
from maildird.maildir.lettering import Lettering, lettering
from maildird.maildir.letterless import join_letterless
from maildird.maildir.names import base_name, parse_name, unique_base
from maildird.maildir.renaming import rename_exclusively

OWN_FILES: Final = (b"dovecot", b"courier", b"maildird-", b"maildirfolder", b"maildirsize")
"""What the names of files begin with that servers keep in a folder."""


def merge(directory: bytes, target: bytes) -> None:
    """Move all that is in a directory into another one, and remove it; OSError.

    What can't be moved stays, and the rest is moved all the same. It may be a folder, or its cur/,
    new/ or tmp/ alone.
    """
    if os.path.basename(directory) in SUBDIRS:
        changed = lettering(os.path.dirname(directory), os.path.dirname(target))
        _merge_messages(directory, target, changed)
    else:
        _merge_folder(directory, target)


def _merge_folder(directory: bytes, target: bytes) -> None:
    present = os.listdir(directory)
    own = [name for name in present if name.startswith(OWN_FILES)]
    changed = lettering(directory, target) if b"cur" in present else None

    def move(name: bytes) -> None:
        path, place = os.path.join(directory, name), os.path.join(target, name)
        if changed is not None and name in SUBDIRS:
            _merge_messages(path, place, changed)
        else:
            _move(path, place, settle_other)

    try:
        to_each([name for name in present if name not in own], move)
        join_letterless(directory, target, _bases_in(target))
        to_each(own, move)
    finally:
        fsync_directory(target)
    os.rmdir(directory)


def _bases_in(folder: bytes) -> Iterator[bytes]:
    for subdir in (b"cur", b"new"):
        with suppress(FileNotFoundError):
            yield from map(base_name, os.listdir(os.path.join(folder, subdir)))


def _merge_messages(directory: bytes, target: bytes, changed: Lettering) -> None:
    """Move the messages of cur/, new/ or tmp/, with the letters that they get there."""

    def move(file: bytes) -> None:
        place = os.path.join(target, changed.rename(file))
        _move(os.path.join(directory, file), place, _settle_message)

    with suppress(FileExistsError):
        os.mkdir(target, 0o700)
    try:
        to_each(os.listdir(directory), move)
    finally:
        fsync_directory(target)
    os.rmdir(directory)


def _move(path: bytes, target: bytes, settle: Callable[[bytes, bytes], None]) -> None:
    """Move what is at a path; `settle` says what to do where there is another file."""
    try:
        rename_exclusively(path, target)
    except FileExistsError:
        if _is_directory(path) and _is_directory(target):
            merge(path, target)
        else:
            settle(path, target)


def _settle_message(path: bytes, target: bytes) -> None:
    """Give a message a base name of its own, unless it is the very file that is there already."""
    if os.path.samestat(os.lstat(path), os.lstat(target)):
        os.unlink(path)
        return
    own = replace(parse_name(os.path.basename(target)), base=unique_base())
    rename_exclusively(path, os.path.join(os.path.dirname(target), bytes(own)))


def settle_other(path: bytes, target: bytes) -> None:
    """Let a server's own file go for the one that is there; OSError for any other file."""
    if os.path.basename(path).startswith(OWN_FILES):
        with suppress(FileNotFoundError):
            os.unlink(path)
    else:
        rename_exclusively(path, target)


def _is_directory(path: bytes) -> bool:
    return os.path.isdir(path) and not os.path.islink(path)
