"""Subscriptions, in the file that Dovecot keeps at the root of the tree.

`subscriptions` has one name a line, levels parted by the layout's separator; a newer form begins
with `V<tab>2` and an empty line and parts levels by tabs (Dovecot's `subscription-file.c`). Names
are spelled as folders are on disk. Where there is none, Courier's `courierimapsubscribed` is read,
whose names begin with `INBOX.`. Lines that are no name here are kept as they are. Writers hold
`subscriptions.lock`, as Dovecot does.
"""

import os
from typing import Final

from maildird.maildir.dotlock import locked
from maildird.maildir.layouts import INBOX, Layout, Parts
from maildird.maildir.plain_files import read_regular
from maildird.maildir.replacing import replace_file
from maildird.maildir.spelling import Names
from maildird.terms import mutf7

DOVECOT: Final = b"subscriptions"
COURIER: Final = b"courierimapsubscribed"

_VERSION_2: Final = b"V\t2"


def read_subscriptions(layout: Layout) -> frozenset[Parts]:
    """What is subscribed, whether or not it exists; OSError."""
    lines = _lines(os.path.join(layout.root, DOVECOT))
    if lines is None:
        return _read_courier(layout)
    separator = _separator(layout, lines)
    found = [_read(line, separator, layout.names) for line in lines]
    return frozenset(parts for parts in found if parts is not None)


def change_subscription(layout: Layout, parts: Parts, subscribed: bool) -> None:
    """Add or remove a name; nothing is written when nothing changes.

    Refused (INUSE) while another program changes the file; OSError.
    """
    path = os.path.join(layout.root, DOVECOT)
    with locked(path):
        if (parts in read_subscriptions(layout)) != subscribed:
            replace_file(path, b"".join(line + b"\n" for line in _changed(layout, path, parts)))


def _changed(layout: Layout, path: bytes, parts: Parts) -> list[bytes]:
    """The file's lines without `parts`, or with `parts` where it was missing."""
    lines = _lines(path)
    if lines is None:
        plain = layout.separator.encode("ascii")
        lines = [_line(each, plain, layout.names) for each in sorted(_read_courier(layout))]
    separator = _separator(layout, lines)
    others = [line for line in lines if _read(line, separator, layout.names) != parts]
    if len(others) == len(lines):
        others.append(_line(parts, separator, layout.names))
    return others


def _lines(path: bytes) -> list[bytes] | None:
    """The lines of a file, the empty one too that a header ends with; None when there is none.

    A header that is not the first line is left out, lest it become that when lines are taken away.
    """
    try:
        content = read_regular(path)
    except FileNotFoundError:
        return None
    first, *others = content.removesuffix(b"\n").split(b"\n")
    return [first, *(line for line in others if line != _VERSION_2)] if content else []


def _separator(layout: Layout, lines: list[bytes]) -> bytes:
    return b"\t" if lines[:1] == [_VERSION_2] else layout.separator.encode("ascii")


def _read(line: bytes, separator: bytes, names: Names) -> Parts | None:
    if not line or line == _VERSION_2:
        return None
    if line.upper() == b"INBOX":
        return INBOX
    try:
        levels = line.decode("utf-8").split(separator.decode("ascii"))
        parts = tuple(mutf7.decode(level) if names == "utf-7" else level for level in levels)
    except ValueError:
        return None
    return parts if all(parts) else None


def _read_courier(layout: Layout) -> frozenset[Parts]:
    """Courier's subscriptions; its INBOX. is a namespace's prefix and no level."""
    found = set()
    for line in _lines(os.path.join(layout.root, COURIER)) or []:
        parts = _read(line, b".", layout.names)
        if parts is not None:
            found.add(parts[1:] if parts[0] == "INBOX" and len(parts) > 1 else parts)
    return frozenset(found)


def _line(parts: Parts, separator: bytes, names: Names) -> bytes:
    spelled = [mutf7.encode(part) if names == "utf-7" else part for part in parts]
    return separator.decode("ascii").join(spelled).encode("utf-8")
