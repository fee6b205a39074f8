"""A process that describes messages for a session (`describe_processes`).

It gets batches of paths on its standard input, pickled. For each batch comes its length in eight
octets, and a pickled list: for each path the facts, or None where nothing is to be kept of the
message now, for it can't be read so, or is being written.
"""

import pickle
import sys
from typing import Final

from maildird.index.rows import Facts
from maildird.maildir.content import read_content
from maildird.session.describe import describe

LENGTH: Final = 8
"""Octets of the length before each batch's answer, big-endian."""

Batches = list[list[bytes]]
Described = list[Facts | None]


def main() -> None:
    """Describe all batches."""
    batches: Batches = pickle.load(sys.stdin.buffer)
    for paths in batches:
        answer = pickle.dumps(list(map(_describe, paths)))
        sys.stdout.buffer.write(len(answer).to_bytes(LENGTH, "big"))
        sys.stdout.buffer.write(answer)
        sys.stdout.buffer.flush()


def _describe(path: bytes) -> Facts | None:
    try:
        content = read_content(path)
    except OSError:
        return None
    return describe(content.data, content.internaldate) if content.at_rest else None
