"""Maildir trees full of generated mail."""

import os
import random
from pathlib import Path
from typing import Final, Literal

from tests.corpus.mail import messages

Layout = Literal["maildir++", "fs"]

LETTERS: Final = ("", "S", "S", "S", "RS", "FS", "T", "D", "FRS", "Sa", "RSb", "Sab", "P")
KEYWORDS: Final = "0 $Junk\n1 $Forwarded\n"
"""What `a` and `b` mean, as `dovecot-keywords` says it."""


def make_folder(folder: Path, count: int, seed: int) -> None:
    """A Maildir with `count` messages, some of them in new/; INTERNALDATE is their Date."""
    rng = random.Random(seed)
    for subdir in ("cur", "new", "tmp"):
        (folder / subdir).mkdir(parents=True, exist_ok=True)
    (folder / "dovecot-keywords").write_text(KEYWORDS)
    for number, (when, content) in enumerate(messages(seed, count)):
        seconds = int(when.timestamp())
        base = f"{seconds}.M{number}P1.corpus"
        if rng.random() < 0.02:
            path = folder / "new" / base
        else:
            path = folder / "cur" / f"{base}:2,{rng.choice(LETTERS)}"
        path.write_bytes(content)
        os.utime(path, (seconds, seconds))


def make_tree(
    root: Path, count: int, folders: int, seed: int = 1, layout: Layout = "maildir++"
) -> None:
    """A tree with `count` messages in INBOX and a tenth of that in each of the folders.

    In the fs layout INBOX is a directory of that name, as mbsync keeps it.
    """
    make_folder(root / "INBOX" if layout == "fs" else root, count, seed)
    for number in range(folders):
        folder = root / f"Folder{number}" if layout == "fs" else root / f".Folder{number}"
        make_folder(folder, count // 10, seed + number + 1)
        if layout == "maildir++":
            (folder / "maildirfolder").touch()
