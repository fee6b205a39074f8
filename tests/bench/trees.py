"""The generated mail that servers are measured on: made once, then copied by hard links.

Nobody changes what a message file says, so copies may share the files; the directories are each
server's own.
"""

import os
import shutil
from pathlib import Path

from tests.corpus.tree import make_folder

SEED = 7


class Trees:
    """Trees by size, below `directory`; a server that runs as another user gets there."""

    def __init__(self, directory: Path) -> None:
        directory.chmod(0o711)
        self._directory = directory
        self._copies = 0

    def copy(self, messages: int, folders: int) -> Path:
        """A tree with so many messages in INBOX and so many empty folders."""
        self._copies += 1
        target = self._directory / f"copy{self._copies}" / "Maildir"
        shutil.copytree(self._original(messages), target, copy_function=os.link)
        for number in range(folders):
            folder = target / f".Folder{number}"
            for subdir in ("cur", "new", "tmp"):
                (folder / subdir).mkdir(parents=True)
            (folder / "maildirfolder").touch()
        return target

    def remove(self, tree: Path) -> None:
        """Remove a copy and what a server kept beside it."""
        shutil.rmtree(tree.parent)

    def _original(self, messages: int) -> Path:
        original = self._directory / f"original{messages}"
        if not original.exists():
            make_folder(original, messages, SEED)
        return original
