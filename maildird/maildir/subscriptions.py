"""Subscriptions, in the file that Dovecot keeps at the root of the tree.

`subscriptions` has one name a line, levels parted by the layout's separator; a newer form begins
with `V<tab>2` and an empty line and parts levels by tabs. Names are spelled as folders are on disk.
Where there is none, Courier's `courierimapsubscribed` is read, whose names begin with `INBOX.`.
Lines that are no name here are kept as they are.
"""

import os
from typing import Final

from maildird.maildir.layouts import Layout, Parts
from maildird.maildir.replacing import replace_file
from maildird.maildir.spelling import Names
from maildird.terms import mutf7

DOVECOT: Final = b"subscriptions"
COURIER: Final = b"courierimapsubscribed"

_VERSION_2: Final = b"V\t2"


def read_subscriptions(layout: Layout) -> frozenset[Parts]:
    """What is subscribed, whether or not it exists."""
    lines = _lines(os.path.join(layout.root, DOVECOT))
    if lines is None:
        courier = _lines(os.path.join(layout.root, COURIER)) or []
        found = [_read_courier(line) for line in courier]
    else:
        separator = _separator(layout, lines)
        found = [_read(line, separator, layout.names) for line in lines]
    return frozenset(parts for parts in found if parts is not None)


def change_subscription(layout: Layout, parts: Parts, subscribed: bool) -> None:
    """Add or remove a name; nothing is written when nothing changes. OSError."""
    present = read_subscriptions(layout)
    if (parts in present) == subscribed:
        return
    path = os.path.join(layout.root, DOVECOT)
    lines = _lines(path)
    if lines is None:
        lines = [_line(each, layout.separator.encode(), layout.names) for each in sorted(present)]
    separator = _separator(layout, lines)
    if subscribed:
        lines.append(_line(parts, separator, layout.names))
    else:
        lines = [line for line in lines if _read(line, separator, layout.names) != parts]
    replace_file(path, b"".join(line + b"\n" for line in lines))


def _lines(path: bytes) -> list[bytes] | None:
    try:
        with open(path, "rb") as file:
            return file.read().removesuffix(b"\n").split(b"\n")
    except FileNotFoundError:
        return None


def _separator(layout: Layout, lines: list[bytes]) -> bytes:
    return b"\t" if lines[:1] == [_VERSION_2] else layout.separator.encode("ascii")


def _read(line: bytes, separator: bytes, names: Names) -> Parts | None:
    if not line or line == _VERSION_2:
        return None
    if line.upper() == b"INBOX":
        return ("INBOX",)
    try:
        text = line.decode("utf-8")
        levels = text.split(separator.decode("ascii"))
        parts = tuple(mutf7.decode(level) if names == "utf-7" else level for level in levels)
    except ValueError:
        return None
    return parts if all(parts) else None


def _read_courier(line: bytes) -> Parts | None:
    parts = _read(line, b".", "utf-7")
    if parts is not None and parts[0] == "INBOX" and len(parts) > 1:
        return parts[1:]
    return parts


def _line(parts: Parts, separator: bytes, names: str) -> bytes:
    spelled = [mutf7.encode(part) if names == "utf-7" else part for part in parts]
    return separator.decode("ascii").join(spelled).encode("utf-8")
