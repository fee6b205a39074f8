"""The one walk over a message: its tree of parts with offsets."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a message: a leaf, a multipart with its parts, or an encapsulated message.

    Offsets are octets from the start of the whole message.
    """

    header_start: int
    body_start: int
    body_end: int
    children: tuple["Part", ...] = ()


def walk(message: bytes) -> Part:
    """The tree of parts of `message` (wire form), depth and count limited, in linear time."""
    raise NotImplementedError
