"""Messages that come to a folder together, all or none, and perhaps leave another one for that.

Theory of operation. Whoever makes them appear knows their names before. So they can be taken away
again. What was delivered is taken away only under the very name that it got: once another program
has given it flags, somebody has seen it, and there is no other. Copies are known by their base
names, which no other program changes, and are taken away only while their originals are there.

What leaves a folder (MOVE) is hidden first (`hiding`), and brought back if the whole is taken back.
Then the copies are on disk for good.
"""

import os
from collections.abc import Set
from dataclasses import dataclass
from typing import Final

from maildird.maildir.each import to_each
from maildird.maildir.folders import quick_look
from maildird.maildir.hiding import bring_back
from maildird.maildir.names import base_name

_ROUNDS: Final = 5
"""How often files are looked for that others rename meanwhile."""


@dataclass(frozen=True, slots=True)
class Deliveries:
    """Messages are to come to a folder, under these names (`cur/file`)."""

    names: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Copies:
    """Copies of messages in `origin`, a folder's directory, are to come to another one.

    `pairs` are the base names of each copy and its original. The originals are to leave if `hiding`
    names a place for them.
    """

    origin: bytes
    pairs: tuple[tuple[bytes, bytes], ...]
    hiding: bytes | None = None


Arrivals = Deliveries | Copies


def bases_of(arrivals: Arrivals) -> frozenset[bytes]:
    """The base names of what is to come."""
    match arrivals:
        case Deliveries(names):
            return frozenset(map(_base_in, names))
        case Copies(_, pairs):
            return frozenset(copy for copy, _original in pairs)


def take_back(folder: bytes, arrivals: Arrivals, but: Set[bytes] = frozenset()) -> None:
    """Undo as much as was done of these arrivals in `folder`; the base names in `but` stay.

    OSError when something can't be undone; what can is, all the same.
    """
    match arrivals:
        case Deliveries(names):
            ours = [os.path.join(folder, name) for name in names if _base_in(name) not in but]
            to_each(ours, os.unlink)
        case Copies(origin, pairs, hiding):
            if hiding is not None:
                bring_back(origin, hiding)
            originals = set(map(_base_in, quick_look(origin)))
            take_away(folder, {copy for copy, original in pairs if original in originals} - but)


def take_away(folder: bytes, bases: Set[bytes]) -> None:
    """Unlink the messages with these base names, also those that others rename meanwhile.

    What isn't there is no error. OSError when one can't be, the rest is all the same.
    """
    for _ in range(_ROUNDS):
        found = [name for name in quick_look(folder) if _base_in(name) in bases]
        if not found:
            break
        to_each((os.path.join(folder, name) for name in found), os.unlink)


def _base_in(name: bytes) -> bytes:
    """The base name in `subdir/file`."""
    return base_name(name.partition(b"/")[2])
