"""Headers: where they end, which fields they hold (RFC 5322 sections 2.1 to 2.2.3).

A header goes up to the first empty line. Lines end in LF, with or without CR before it; a bare CR
is text. A line that begins with a space or a tab continues the field above it. A line that is no
field (an mbox `From ` line, say) stands among the others and has no name that anybody asks for;
it does not end the header.

Whatever looks for fields looks at the first `MAX_HEADER` octets of a header only, and at the first
`MAX_REPEATS` fields of one name; a header fetched as a whole is whole.

Of a header with fifty fields ten are wanted. Where the same ones are wanted of every message, they
are found by an expression that is made of their names (`FieldFinder`), so that the others cost no
more than a look at the beginnings of their lines. It begins with LF, for which the expression
engine searches quickest; the field that nothing stands before is matched by itself.
"""

import re
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Final

MAX_HEADER: Final = 10 * 1024 * 1024
MAX_REPEATS: Final = 1000

Header = dict[bytes, list[bytes]]
"""Field names in lower case to the values of the fields so called, in order, unfolded."""

_EMPTY_LINE: Final = re.compile(rb"\n\r?\n")
_EMPTY_FIRST_LINE: Final = re.compile(rb"\r?\n")
_NEXT_FIELD: Final = re.compile(rb"\n(?![ \t])")

_STRETCH: Final = 64 * 1024
"""Octets of a header whose fields are in memory at a time."""


def header_end(message: bytes) -> int:
    """Offset just behind the empty line that ends the header, or the end where there is none."""
    found = _EMPTY_FIRST_LINE.match(message) or _EMPTY_LINE.search(message)
    return found.end() if found else len(message)


def used_header(message: bytes) -> bytes:
    """The header of `message` as far as it is looked into, its empty line included."""
    return message[: min(header_end(message), MAX_HEADER)]


def split_fields(header: bytes) -> Iterator[bytes]:
    """The fields of `header` as they stand, each without the LF at its end.

    The empty line at the end of a header gives an entry without a name. They are split off a
    stretch at a time: all at once, short ones would take ten times the memory of the header.
    """
    at = 0
    while end := _NEXT_FIELD.search(header, at + _STRETCH):
        yield from _NEXT_FIELD.split(header[at : end.start()])
        at = end.end()
    yield from _NEXT_FIELD.split(header[at:])


def field_name(field: bytes) -> bytes:
    """The name of a field as it stands, in lower case; empty for what is no field.

    White space before the colon is obsolete but allowed (RFC 5322 section 4.5.8).
    """
    name, colon, _ = field.partition(b":")
    return name.rstrip(b" \t").lower() if colon else b""


FoundField = tuple[bytes, bytes, bytes]
"""A field as it stands, without the LF at its end; its name as written; its value, still folded."""


@dataclass(frozen=True, slots=True)
class FieldFinder:
    """Finds fields by their names: `first` the one a header begins with, `next` all the others."""

    first: re.Pattern[bytes]
    next: re.Pattern[bytes]

    def find(self, message: bytes, start: int, end: int) -> Iterator[FoundField]:
        """The fields so called of the header at [`start`, `end`), in order."""
        if found := self.first.match(message, start, end):
            yield found[1], found[2], found[3]
            start = found.end()
        while cut := _NEXT_FIELD.search(message, start + _STRETCH, end):
            yield from self.next.findall(message, start, cut.start())
            start = cut.start()
        yield from self.next.findall(message, start, end)


def finder(names: Iterable[bytes]) -> FieldFinder:
    """A finder of the fields with these names (lower case)."""
    field = rb"((%b)[ \t]*+:(.*+(?:\n[ \t].*+)*+))" % _alternatives(sorted(names))
    return FieldFinder(re.compile(field, re.IGNORECASE), re.compile(rb"\n" + field, re.IGNORECASE))


def _alternatives(names: Iterable[bytes]) -> bytes:
    """An expression for sorted names that looks at the first letter once for all that share it."""
    return b"|".join(
        b"%b(?:%b)" % (re.escape(first), b"|".join(re.escape(name[1:]) for name in several))
        for first, several in groupby(names, key=lambda name: name[:1])
    )


def values_of(fields: Iterable[FoundField]) -> Header:
    """What a finder found, by name."""
    header: Header = {}
    for _, name, value in fields:
        add_value(header, name.lower(), value)
    return header


def parse_header(header: bytes, wanted: Container[bytes]) -> Header:
    """The fields of `header` whose names, in lower case, are `wanted`."""
    fields: Header = {}
    for field in split_fields(header):
        name, colon, value = field.partition(b":")
        name = name.rstrip(b" \t").lower()
        if colon and name in wanted:
            add_value(fields, name, value)
    return fields


def add_value(header: Header, name: bytes, value: bytes) -> None:
    """Add the value of a field, folded as it stands; nothing happens after `MAX_REPEATS`."""
    values = header.get(name)
    if values is None:
        header[name] = [unfold(value)]
    elif len(values) < MAX_REPEATS:
        values.append(unfold(value))


def first(header: Header, name: bytes) -> bytes | None:
    """The value of the first field called `name`, None where there is none."""
    values = header.get(name)
    return values[0] if values else None


def unfold(value: bytes) -> bytes:
    """A field's value on one line, without white space around it (RFC 5322 section 2.2.3).

    A tab that begins a continued line was put there by folding, in place of the space that the
    writer typed: it becomes a space again.
    """
    value = value.strip(b" \t\r\n")
    if b"\n" in value:
        value = value.replace(b"\r\n", b"\n").replace(b"\n\t", b" ").replace(b"\n", b"")
    return value
