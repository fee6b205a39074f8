"""What a monitor tells: where to look; and which directories of a tree it has to watch for that."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from os.path import dirname, join
from typing import Final, NamedTuple


@dataclass(frozen=True, slots=True)
class Dirty:
    """Where to look: at a message `name` (`subdir/file`) of `folder`, at all of `folder` (no name),
    at which folders there are (neither), or at everything.
    """

    folder: bytes | None = None
    name: bytes | None = None
    everything: bool = False


@dataclass(frozen=True, slots=True)
class Moved:
    """A message was renamed from one folder into another."""

    source: Dirty
    target: Dirty


Noticed = Dirty | Moved

EVERYTHING: Final = Dirty(everything=True)
TREE: Final = Dirty()


class Place(NamedTuple):
    """What a watched directory is: new/ or cur/ of a folder (`subdir`), or a directory that is a
    folder, or may have some below it.
    """

    directory: bytes
    subdir: bytes | None = None

    def changed(self) -> Sequence[Dirty]:
        """What a change in it means when no name is known."""
        return [Dirty(self.directory)] if self.subdir else [Dirty(self.directory), TREE]


def places_of(root: bytes, folders: Iterable[bytes]) -> dict[bytes, Place]:
    """The directories to watch, by path: root, folders with new/ and cur/, and those above."""
    places = {root: Place(root)}
    for folder in folders:
        above = dirname(folder)
        while len(above) > len(root):
            places[above] = Place(above)
            above = dirname(above)
        places[folder] = Place(folder)
        places |= subplaces(folder)
    return places


def subplaces(folder: bytes) -> dict[bytes, Place]:
    """The directories with the messages of a folder, by path."""
    return {join(folder, subdir): Place(folder, subdir) for subdir in (b"new", b"cur")}
