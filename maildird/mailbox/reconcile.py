"""What changed on disk: two sets of file names in, a difference out. Pure.

Names are `subdir/file` ("cur/1700.M1.host:2,S"). Names that stand on both sides are done with at
once, by set difference; only the rest is taken apart. What remains is told apart by base name, the
identity of a message:

- a base name on both sides under different names was *renamed* (flags, or moved between new/ and
  cur/);
- one only on disk *arrived*;
- one only in the index is *missing*, which proves nothing: a listing taken while others rename may
  lack living files. Whoever makes a tombstone of it needs a stable listing first;
- a base name twice on disk is *doubled*: the name that the index knows stays, else the one in cur/.
"""

from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass
from typing import Final

from maildird.maildir.names import INFO, base_name, delivery_order

SUBDIR_LENGTH: Final = len(b"cur/")
"""Where the file name begins in `cur/file` and `new/file`."""


@dataclass(frozen=True, slots=True)
class Renamed:
    """Message `uid` is now called `name`."""

    uid: int
    name: bytes


@dataclass(frozen=True, slots=True)
class Doubled:
    """`extra` has the base name of `kept`: a half-finished move, or another message altogether."""

    kept: bytes
    extra: bytes


@dataclass(frozen=True, slots=True)
class Difference:
    """How the disk differs from the index; `arrived` is in order of delivery."""

    renamed: tuple[Renamed, ...] = ()
    arrived: tuple[bytes, ...] = ()
    missing: tuple[int, ...] = ()
    doubled: tuple[Doubled, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.renamed or self.arrived or self.missing or self.doubled)


def base_of(name: bytes) -> bytes:
    """The base name in `subdir/file`."""
    return base_name(name[SUBDIR_LENGTH:])


def bases_of(names: Iterable[bytes]) -> list[bytes]:
    """The base name in each `subdir/file`, twice as quickly as one by one."""
    return [name[SUBDIR_LENGTH:].rsplit(INFO, 1)[0] for name in names]


def difference(
    known: Set[bytes],
    listed: Set[bytes],
    uid_of: Callable[[bytes], int],
    name_of_base: Callable[[bytes], bytes | None],
) -> Difference:
    """Compare the index's names with all names that a full listing found.

    `uid_of` gives the UID of one of the index's names, and `name_of_base` its name for a base name.
    They are asked for what is not listed, and for what looks like an arrival; so the whole costs
    O(names) at set speed and O(change) beyond that.
    """
    differing = known ^ listed
    gone = {base_of(name): uid_of(name) for name in differing & known}
    fresh: dict[bytes, bytes] = {}
    doubled: list[Doubled] = []
    for name in sorted(differing & listed):
        base = base_of(name)
        twin = fresh.get(base) or (None if base in gone else name_of_base(base))
        if twin is None:
            fresh[base] = name
        elif base in fresh:
            doubled.append(_doubled(twin, name))
            fresh[base] = doubled[-1].kept
        else:
            doubled.append(Doubled(kept=twin, extra=name))
    return Difference(
        renamed=tuple(Renamed(gone[base], name) for base, name in fresh.items() if base in gone),
        arrived=in_delivery_order(name for base, name in fresh.items() if base not in gone),
        missing=tuple(sorted(uid for base, uid in gone.items() if base not in fresh)),
        doubled=tuple(doubled),
    )


def in_delivery_order(names: Iterable[bytes]) -> tuple[bytes, ...]:
    """`names` as they were delivered, by the time in the base name."""
    return tuple(sorted(names, key=lambda name: delivery_order(name[SUBDIR_LENGTH:])))


def _doubled(one: bytes, other: bytes) -> Doubled:
    """Of two names that the index doesn't know, the one in cur/ is kept."""
    if other.startswith(b"cur/") and not one.startswith(b"cur/"):
        return Doubled(kept=other, extra=one)
    return Doubled(kept=one, extra=other)
