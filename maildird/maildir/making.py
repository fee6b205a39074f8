"""A folder that is made for messages to come to, and unmade when they don't."""

import os
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from maildird.maildir import letterless, told
from maildird.maildir.folders import SUBDIRS, fsync_directory, unmake_folder
from maildird.maildir.keywords import KEYWORDS

_OURS: Final = frozenset({*SUBDIRS, b"maildirfolder", KEYWORDS, letterless.FILE, told.FILE})


@dataclass(frozen=True, slots=True)
class Making:
    """A folder is to be made in the directory `folder`, where there is none."""

    folder: bytes


def unmake(making: Making) -> None:
    """Remove the folder, as far as it was made; one that others use by now stays. OSError."""
    folder = making.folder
    with suppress(FileNotFoundError):
        present = set(os.listdir(folder))
        if present <= _OURS and not any(
            os.listdir(os.path.join(folder, subdir)) for subdir in present.intersection(SUBDIRS)
        ):
            with suppress(FileNotFoundError):
                os.unlink(os.path.join(folder, KEYWORDS))
            letterless.remove_letterless(folder)
            told.remove_told(folder)
            unmake_folder(folder)
            fsync_directory(os.path.dirname(folder))
