"""What a power cut leaves of the index's file, which LMDB writes by itself.

Theory of operation. LMDB writes the pages of a commit where no page of the commit before lies,
syncs them, and writes one of the two meta pages in front of the file then, synced, too. So what is
there when a commit has returned survives. A power cut in its middle leaves the meta pages of the
commit before, and any of the new pages; here it is every other one. All of this holds while LMDB
syncs both, as its flags say; a commit without that keeps nothing.

What was there at the first commit that is seen counts as synced.
"""

import os
from pathlib import Path
from typing import Final

from tests.durability import operations as ops
from tests.durability.operations import Operation

PAGE: Final = os.sysconf("SC_PAGE_SIZE")
META_PAGES: Final = 2

INDEX: Final = b"data.mdb"
"""What the file is called."""

_LEFT: Final = b".left"


class IndexFile:
    """Follows the commits to the index."""

    def __init__(self) -> None:
        self._path = b""
        self._kept = b""

    def begin(self, operation: Operation) -> None:
        """Take in a commit that is about to be done."""
        if operation.kind == ops.COMMIT and not self._path:
            self._path = os.path.join(operation.path, INDEX)
            self._keep()

    def follow(self, operation: Operation) -> None:
        """Take in an operation that was done."""
        if operation.kind == ops.COMMITTED:
            self._keep()

    def tear(self) -> None:
        """The power fails in the middle of the commit that was done last."""
        self._kept = _torn(self._kept, self._read())

    def restore(self) -> None:
        """Have `put_in_place` make the file what a power cut leaves of it."""
        if self._path:
            with open(self._path + _LEFT, "xb") as file:
                file.write(self._kept)

    def _keep(self) -> None:
        self._kept = self._read()

    def _read(self) -> bytes:
        with open(self._path, "rb") as file:
            return file.read()


def put_in_place(state: Path) -> None:
    """Give indexes below a directory what a power cut left; they stay the files that they were.

    For when nobody has them open any more: a map of what is overwritten kills its process. One that
    lost nothing isn't touched.
    """
    for left in state.rglob("*" + _LEFT.decode()):
        index, content = left.with_name(left.name.removesuffix(_LEFT.decode())), left.read_bytes()
        if index.read_bytes() != content:
            index.write_bytes(content)
        left.unlink()


def _torn(old: bytes, new: bytes) -> bytes:
    """The old file with every other page of the new one, but for the meta pages."""
    pages = [
        new[at : at + PAGE]
        if at // PAGE >= META_PAGES and at // PAGE % 2
        else old[at : at + PAGE].ljust(PAGE, b"\0")
        for at in range(0, max(len(old), len(new)), PAGE)
    ]
    return b"".join(pages)
