"""Messages that come to a folder together, all or none, and perhaps leave another one for that.

Theory of operation. Whoever makes them appear knows their base names before, which no other program
changes. So they can be taken away again by those, whatever became of their flags meanwhile. Copies
are taken away only while their originals are there.

What leaves a folder (MOVE) is hidden first: it goes to tmp/ under the base name of its copy, where
nobody takes it for a message. It is brought back if the whole is taken back, and unlinked when that
can't happen any more. Then the copies are on disk for good.
"""

import os
from collections.abc import Iterable, Set
from dataclasses import dataclass
from typing import Final

from maildird.maildir.folders import list_all
from maildird.maildir.names import base_name
from maildird.maildir.renaming import rename_exclusively

_ROUNDS: Final = 5
"""How often files are looked for that others rename meanwhile."""


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Messages are to come to a folder, with the base names `bases`.

    Copies come from `origin`, a folder's directory, where `originals` are the names (`subdir/file`)
    of what they are copies of, one for each. These are to `leave`, or not.
    """

    bases: tuple[bytes, ...]
    origin: bytes | None = None
    originals: tuple[bytes, ...] = ()
    leave: bool = False


def hide(folder: bytes, name: bytes, base: bytes) -> None:
    """Take a message out of sight, for its copy `base`; FileNotFoundError when it isn't there."""
    rename_exclusively(os.path.join(folder, name), _hidden(folder, base))


def bring_back(arrivals: Arrivals) -> None:
    """Have what is hidden be where it was; OSError when some can't be, the rest is all the same."""
    if arrivals.origin is None or not arrivals.leave:
        return
    errors = []
    for base, name in zip(arrivals.bases, arrivals.originals, strict=True):
        try:
            rename_exclusively(_hidden(arrivals.origin, base), os.path.join(arrivals.origin, name))
        except FileNotFoundError:
            continue
        except OSError as error:
            errors.append(error)
    if errors:
        raise errors[0]


def drop_hidden(arrivals: Arrivals) -> None:
    """Unlink what is hidden; OSError when some can't be, the rest is all the same."""
    if arrivals.origin is not None and arrivals.leave:
        _unlink_all(_hidden(arrivals.origin, base) for base in arrivals.bases)


def take_back(folder: bytes, arrivals: Arrivals, but: Set[bytes] = frozenset()) -> None:
    """Undo as much as was done of these arrivals in `folder`; those in `but` stay.

    OSError when something can't be undone; what can is, all the same.
    """
    bring_back(arrivals)
    doomed = set(arrivals.bases) - but
    if arrivals.origin is not None:
        originals = {base_name(_file(name)) for name in list_all(arrivals.origin)}
        copies = zip(arrivals.bases, arrivals.originals, strict=True)
        doomed -= {base for base, name in copies if base_name(_file(name)) not in originals}
    take_away(folder, doomed)


def take_away(folder: bytes, bases: Set[bytes]) -> None:
    """Unlink the messages with these base names, also those that others rename meanwhile.

    What isn't there is no error. OSError when one can't be, the rest is all the same.
    """
    for _ in range(_ROUNDS):
        found = [name for name in list_all(folder) if base_name(_file(name)) in bases]
        if not found:
            break
        _unlink_all(os.path.join(folder, name) for name in found)


def _unlink_all(paths: Iterable[bytes]) -> None:
    """Unlink what is there; OSError when one can't be, the rest is all the same."""
    errors = []
    for path in paths:
        try:
            os.unlink(path)
        except FileNotFoundError:
            continue
        except OSError as error:
            errors.append(error)
    if errors:
        raise errors[0]


def _hidden(folder: bytes, base: bytes) -> bytes:
    return os.path.join(folder, b"tmp", base)


def _file(name: bytes) -> bytes:
    return name.partition(b"/")[2]
