"""Putting a folder back to where others have made a new one meanwhile.

A delivery agent makes the folder that it delivers to. Messages then go back into that one: each
base name is unique, and one whose name is taken by another file all the same gets its own. Of the
files that servers keep in a folder the new folder's stay.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from maildird.maildir.folders import SUBDIRS, fsync_directory
from maildird.maildir.names import FileName, parse_name, unique_base
from maildird.maildir.renaming import rename_exclusively

OWN_FILES: Final = (b"dovecot", b"courier", b"maildird-", b"maildirfolder", b"maildirsize")
"""What the names of files begin with that servers keep in a folder."""


def merge(directory: bytes, target: bytes) -> None:
    """Move all that is in a directory into another one, and remove it; OSError.

    What can't be moved stays, and the rest is moved all the same.
    """
    errors: list[OSError] = []
    settle = _settle_message if os.path.basename(directory) in SUBDIRS else settle_other
    for name in os.listdir(directory):
        try:
            _move(os.path.join(directory, name), os.path.join(target, name), settle)
        except OSError as error:
            errors.append(error)
    fsync_directory(target)
    if errors:
        raise errors[0]
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
    parsed = parse_name(os.path.basename(path))
    own = FileName(unique_base(), parsed.letters, parsed.trailer, parsed.has_info)
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
