"""Messages out of sight: the originals of a move, until it is committed.

Theory of operation. They go to a directory in tmp/ of their folder, each under the name that it
has, flags and all. No program takes a directory in tmp/ for a message, nor for one that somebody
staged and forgot: what is hidden looks like nothing that is ever cleaned away. It is removed only
by whoever knows that the move was committed.

Each move makes a directory of its own. Its name tells who made it, and holds the tree meanwhile
(`holding`), so that whatever nobody will come back for can be brought back, even if nothing else is
known of that move.
"""

import os
from contextlib import suppress
from functools import partial
from typing import Final

from maildird.maildir.each import to_each
from maildird.maildir.folders import fsync_directory
from maildird.maildir.leftovers import may_return
from maildird.maildir.names import FileName, parse_name, unique_base
from maildird.maildir.renaming import rename_exclusively

PREFIX: Final = b"..maildird-hidden-"
"""What the names of these directories begin with; the rest is as a message's base name."""


def new_hiding() -> bytes:
    """The name of a directory for messages of one move."""
    return PREFIX + unique_base()


def make_hiding(folder: bytes, hiding: bytes) -> None:
    """Make that directory in a folder's tmp/; OSError."""
    os.mkdir(_path(folder, hiding), 0o700)


def hide(folder: bytes, name: bytes, hiding: bytes) -> None:
    """Take the message `subdir/file` out of sight; FileNotFoundError when it isn't there."""
    file = name.partition(b"/")[2]
    rename_exclusively(os.path.join(folder, name), os.path.join(_path(folder, hiding), file))


def bring_back(folder: bytes, hiding: bytes) -> None:
    """Have what is hidden be in cur/, with its flags; OSError when some can't be.

    The rest is brought back all the same. A message gets a base name of its own where another one
    has taken its name meanwhile.
    """
    directory = _path(folder, hiding)
    with suppress(FileNotFoundError):
        to_each(os.listdir(directory), partial(_bring_back, folder, directory))
        fsync_directory(os.path.join(folder, b"cur"))
        os.rmdir(directory)


def drop_hidden(folder: bytes, hiding: bytes) -> None:
    """Unlink what is hidden; OSError when some can't be, the rest is all the same."""
    directory = _path(folder, hiding)
    with suppress(FileNotFoundError):
        to_each((os.path.join(directory, file) for file in os.listdir(directory)), os.unlink)
        os.rmdir(directory)


def find_hidings(root: bytes, folder: bytes) -> list[bytes]:
    """The names of the directories in a folder for which nobody may come back; OSError."""
    with suppress(FileNotFoundError):
        return [
            name
            for name in os.listdir(os.path.join(folder, b"tmp"))
            if name.startswith(PREFIX) and not may_return(root, _path(folder, name), PREFIX)
        ]
    return []


def _bring_back(folder: bytes, directory: bytes, file: bytes) -> None:
    parsed = parse_name(file)
    hidden = os.path.join(directory, file)
    for base in (parsed.base, unique_base()):
        name = bytes(FileName(base, parsed.letters, parsed.trailer))
        with suppress(FileExistsError):
            rename_exclusively(hidden, os.path.join(folder, b"cur", name))
            return


def _path(folder: bytes, hiding: bytes) -> bytes:
    return os.path.join(folder, b"tmp", hiding)
