"""Maildir trees full of generated mail."""

import os
import random
from pathlib import Path

from tests.corpus.mail import messages

LETTERS = ("", "S", "S", "S", "RS", "FS", "T", "D", "FRS")


def make_folder(folder: Path, count: int, seed: int) -> None:
    """A Maildir with `count` messages, some of them in new/; INTERNALDATE is their Date."""
    rng = random.Random(seed)
    for subdir in ("cur", "new", "tmp"):
        (folder / subdir).mkdir(parents=True, exist_ok=True)
    for number, (when, content) in enumerate(messages(seed, count)):
        seconds = int(when.timestamp())
        base = f"{seconds}.M{number}P1.corpus"
        if rng.random() < 0.02:
            path = folder / "new" / base
        else:
            path = folder / "cur" / f"{base}:2,{rng.choice(LETTERS)}"
        path.write_bytes(content)
        os.utime(path, (seconds, seconds))


def make_tree(root: Path, count: int, folders: int, seed: int = 1) -> None:
    """A Maildir++ tree: `count` messages in INBOX and a tenth of that in each of the folders."""
    make_folder(root, count, seed)
    for number in range(folders):
        folder = root / f".Folder{number}"
        make_folder(folder, count // 10, seed + number + 1)
        (folder / "maildirfolder").touch()
