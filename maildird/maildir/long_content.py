"""Messages too long to be held in memory for a client that may take minutes to read them.

Theory of operation. Such a message stays in its file, which stays open: so it can be renamed or
removed meanwhile. It is gone through piece by piece, once for its length, with which a literal
begins, and again when it is sent. Each piece is brought into wire form by itself; only CR and LF
may not be parted, so that a CR at its end waits for the next piece.

Nobody writes to a message that is there. If somebody does, there may be less than was promised.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from io import FileIO
from typing import Final

from maildird.maildir.content import Content, open_regular, read_opened, wire_form, wire_size
from maildird.terms.once import once

LONG: Final = 1 << 20
"""Octets of a file from which on its message is long."""

PIECE: Final = 256 * 1024
"""Octets of the file that are in memory at a time."""


class LongContent:
    """A long message; close it. For worker threads, one at a time.

    Whatever reads raises OSError when it can't.
    """

    def __init__(self, descriptor: int, path: bytes) -> None:
        """`descriptor` belongs to it from now on."""
        self._file = FileIO(descriptor)
        self._path = path

    @once
    def size(self) -> int:
        """Octets in wire form."""
        return sum(map(wire_size, self._raw_pieces()))

    def whole(self) -> Content:
        """All of it."""
        self._file.seek(0)
        descriptor = self._file.fileno()
        return read_opened(descriptor, os.fstat(descriptor).st_size, self._path)

    def pieces(self, start: int, stop: int) -> Iterator[bytes]:
        """Its octets in wire form from `start` up to, and without, `stop`; or as far as it goes.

        No piece is empty.
        """
        at = 0
        for raw in self._raw_pieces():
            size = wire_size(raw)
            if size and at + size > start:
                yield wire_form(raw)[max(start - at, 0) : stop - at]
            at += size
            if at >= stop:
                break

    def close(self) -> None:
        """Nothing of it can be asked any more."""
        self._file.close()

    def _raw_pieces(self) -> Iterator[bytes]:
        """The file from its beginning; no piece but the last ends in CR."""
        self._file.seek(0)
        held = b""
        while raw := self._file.read(PIECE):
            raw = held + raw
            held = b"\r" if raw.endswith(b"\r") else b""
            yield raw.removesuffix(b"\r")
        yield held


@dataclass(frozen=True, slots=True)
class Stretch:
    """The octets of a long message from `start` up to, and without, `stop`."""

    content: LongContent
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start

    def pieces(self) -> Iterator[bytes]:
        """As of the content."""
        return self.content.pieces(self.start, self.stop)


def open_content(path: bytes) -> Content | LongContent:
    """Read a message, or open it where it is long; OSError as `read_content`."""
    descriptor, size = open_regular(path)
    if size > LONG:
        return LongContent(descriptor, path)
    try:
        return read_opened(descriptor, size, path)
    finally:
        os.close(descriptor)
