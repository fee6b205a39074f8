"""Pieces of a message that FETCH BODY[…] asks for (RFC 3501 section 6.4.5).

Part numbers count the parts of a multipart. A message that is no multipart has one part, number 1,
its body; so has an encapsulated message. Numbers go on through message/rfc822 as if it were its
message's multipart. `MIME` is the header of a part; `HEADER` and `TEXT` belong to messages: the
whole one, or the one in a message/rfc822 part.
"""

from collections.abc import Iterable

from maildird.mime.header import field_name, header_end, split_fields, used_header
from maildird.mime.walk import Part, walk
from maildird.terms.section import Section, SectionText


def section(message: bytes, wanted: Section) -> bytes | None:
    """The octets of `wanted` in `message` (wire form); None where no such part exists (NIL)."""
    place = place_of(message, wanted)
    if place is None:
        return None
    octets = message[place.start : place.stop]
    match wanted.text:
        case SectionText.HEADER_FIELDS:
            return header_fields(used_header(octets), wanted.fields, matching=True)
        case SectionText.HEADER_FIELDS_NOT:
            return header_fields(used_header(octets), wanted.fields, matching=False)
        case _:
            return octets


def place_of(message: bytes, wanted: Section) -> range | None:
    """Where `wanted` lies in `message` (wire form); None where no such part exists.

    Of HEADER.FIELDS and its like: where the message lies whose header they are of.
    """
    if not wanted.part:
        return _in_message(message, range(len(message)), wanted.text)
    part = _find(walk(message), wanted.part)
    if part is None:
        return None
    if wanted.text is None:
        return range(part.body_start, part.body_end)
    if wanted.text is SectionText.MIME:
        return range(part.header_start, part.body_start)
    if part.message is None:
        return None
    encapsulated = range(part.message.header_start, part.message.body_end)
    return _in_message(message, encapsulated, wanted.text)


def _in_message(octets: bytes, message: range, text: SectionText | None) -> range | None:
    """Where `text` of the message that lies at `message` is."""
    match text:
        case SectionText.HEADER:
            return message[: header_end(octets[message.start : message.stop])]
        case SectionText.TEXT:
            return message[header_end(octets[message.start : message.stop]) :]
        case SectionText.MIME:
            return None
        case _:
            return message


def header_fields(header: bytes, names: Iterable[bytes], *, matching: bool) -> bytes:
    """The fields of `header` that are called one of `names` (any case), or none of them.

    As they stand and in order; the empty line always follows.
    """
    return fields_called(header, frozenset(name.lower() for name in names), matching=matching)


def fields_called(header: bytes, wanted: frozenset[bytes], *, matching: bool) -> bytes:
    """As `header_fields`, for names that are in lower case."""
    if not header.endswith(b"\n"):
        header += b"\r\n"
    kept = bytearray()
    for field in split_fields(header):
        if field not in (b"", b"\r") and (field_name(field) in wanted) is matching:
            kept += field
            kept += b"\n"
    kept += b"\r\n"
    return bytes(kept)


def _find(root: Part, numbers: tuple[int, ...]) -> Part | None:
    part = None
    numbered = _numbered(root)
    for number in numbers:
        if not 1 <= number <= len(numbered):
            return None
        part = numbered[number - 1]
        numbered = _numbered(part.message) if part.message else part.parts
    return part


def _numbered(message: Part) -> tuple[Part, ...]:
    """The parts of a message by number: those of its multipart, or itself alone."""
    return message.parts or (message,)
