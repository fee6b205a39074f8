"""Another program that changes a folder: `python -m tests.storms.outsider WORK FOLDER …`.

It begins when a line comes on stdin, at `rate` changes a second (0: as quick as can be), and ends
after `count` of them or when stdin is closed. Then it says, a line each, which base names it
delivered, unlinked or moved, or how many renames it made. It keeps to those base names whose
checksum modulo `PARTS` is among `parts`, so that programs need not fall out over one message.
"""

import argparse
import itertools
import os
import random
import select
import sys
import time
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

PARTS = 8
TOGGLED = "FS"
"""The letters that renames set and clear."""


def part_of(base: str) -> int:
    """Which part of the messages a base name belongs to."""
    return zlib.crc32(base.encode()) % PARTS


class Outsider:
    """What the works share: each is an iterator that makes one change a step and names it."""

    def __init__(self, folder: Path, target: Path | None, parts: frozenset[int], seed: int) -> None:
        self.folder = folder
        self.target = target
        self._parts = parts
        self._random = random.Random(seed)

    def rename(self) -> Iterator[str]:
        """Toggle a flag of each message, again and again."""
        for name in self._names():
            base, _, letters = name.rpartition(":2,")
            toggled = "".join(sorted(set(letters) ^ {self._random.choice(TOGGLED)}))
            with suppress(FileNotFoundError):
                os.rename(self._cur(name), self._cur(f"{base}:2,{toggled}"))
                yield base

    def deliver(self) -> Iterator[str]:
        """As Postfix: written to tmp/, linked into new/."""
        for number in itertools.count():
            base = f"{int(time.time())}.P{os.getpid()}Q{number}.outsider"
            temporary = self.folder / "tmp" / base
            temporary.write_text(f"Subject: {base}\n\nSome text.\n")
            os.link(temporary, self.folder / "new" / base)
            temporary.unlink()
            yield base

    def unlink(self) -> Iterator[str]:
        """Remove messages from cur/."""
        for name in self._names():
            with suppress(FileNotFoundError):
                os.unlink(self._cur(name))
                yield name.rpartition(":2,")[0]

    def move(self) -> Iterator[str]:
        """As afew: to another folder, the name stays."""
        assert self.target is not None
        for name in self._names():
            with suppress(FileNotFoundError):
                os.rename(self._cur(name), self.target / "cur" / name)
                yield name.rpartition(":2,")[0]

    def _cur(self, name: str) -> Path:
        return self.folder / "cur" / name

    def _names(self) -> Iterator[str]:
        """Names in cur/ without end, in any order."""
        while True:
            names = os.listdir(self.folder / "cur")
            mine = [name for name in names if part_of(name.rpartition(":2,")[0]) in self._parts]
            self._random.shuffle(mine)
            yield from mine
            if not mine:
                time.sleep(0.01)


def main() -> None:
    """Run one work."""
    parser = argparse.ArgumentParser(description="Change a folder.")
    parser.add_argument("work", choices=("rename", "deliver", "unlink", "move"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--target", type=Path)
    parser.add_argument("--parts", default=",".join(map(str, range(PARTS))))
    parser.add_argument("--rate", type=float, default=0)
    parser.add_argument("--count", type=int, default=sys.maxsize)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    parts = frozenset(map(int, chosen.parts.split(",")))
    outsider = Outsider(chosen.folder, chosen.target, parts, chosen.seed)
    print("ready", flush=True)
    sys.stdin.readline()
    done = _run(getattr(outsider, chosen.work)(), chosen.rate, chosen.count)
    print(*([str(len(done))] if chosen.work == "rename" else done), sep="\n", flush=True)


def _run(changes: Iterator[str], rate: float, count: int) -> list[str]:
    """Make changes; gives the base names."""
    began = time.perf_counter()
    done: list[str] = []
    while len(done) < count and not _told_to_end():
        if rate:
            time.sleep(max(0.0, began + len(done) / rate - time.perf_counter()))
        done.append(next(changes))
    return done


def _told_to_end() -> bool:
    readable, _, _ = select.select([sys.stdin], [], [], 0)
    return bool(readable)


if __name__ == "__main__":
    main()
