"""The one walk over a message: its tree of parts with offsets (RFC 2046 section 5.1).

The walk goes forward once. It keeps the parts that are open, the root first, and asks for one
thing again and again: the next line that is a delimiter of an open multipart. Such a line closes
every part above its multipart, and opens the next part of it, or ends it. So a delimiter of an
outer multipart ends inner ones that were never closed. Candidates are found by searching for LF
and two hyphens and looked up in a dict, so no byte is looked at more than a few times, however many
multiparts are open.

What is where, by the rules of RFC 2046 section 5.1.1:

    --simple␍␊                  a delimiter line; blanks may follow the boundary
    Content-Type: text/plain␍␊  the part's header begins
    ␍␊
    Text␍␊                      the body; its last CRLF belongs to the delimiter below
    --simple--␍␊                the close-delimiter; what follows is epilogue, nobody's

A delimiter line has to hold the boundary exactly. The RFC would have a line count that merely
begins with it, but then boundary `a` would match a line `--ab`, the delimiter of a neighbour.

What can't be what it says becomes a leaf that a client can show: a multipart in which no
delimiter ever comes is text (RFC 2045 section 5.2 wants text/plain for what is not valid); a
multipart or message beyond the limits is application/octet-stream. Limits: `MAX_DEPTH` parts
inside each other, `MAX_PARTS` in all (the last one takes the rest of the message), `MAX_HEADERS`
octets of all headers together that are looked into, and `MAX_VALUES` octets of what is found in
them: addresses and parameters take many times their size in memory and in what IMAP writes.
"""

import re
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from maildird.mime.header import MAX_HEADER, Header, finder, first, header_end, values_of
from maildird.mime.parameters import ContentType, parameter, parse_content_type
from maildird.mime.remembering import remembering

MAX_DEPTH: Final = 100
MAX_PARTS: Final = 10_000
MAX_HEADERS: Final = 50 * 1024 * 1024
MAX_VALUES: Final = 4 * 1024 * 1024

_VALUE_OCTETS: Final = 32
"""What each value counts besides its length."""

_COMMON_LENGTH: Final = 64 * 1024
"""Octets of a header that can't have more in it than the limits allow."""

DESCRIBED_FIELDS: Final = frozenset(
    (
        *(b"date", b"subject", b"from", b"sender", b"reply-to", b"to", b"cc", b"bcc"),
        *(b"in-reply-to", b"message-id"),
        *(b"content-type", b"content-transfer-encoding", b"content-id", b"content-description"),
        *(b"content-disposition", b"content-language", b"content-location", b"content-md5"),
    )
)
"""The fields that ENVELOPE and BODYSTRUCTURE are made of."""

_FINDER: Final = finder(DESCRIBED_FIELDS)

TEXT_PLAIN: Final = ContentType(b"text", b"plain", ((b"charset", b"us-ascii"),))
MESSAGE_RFC822: Final = ContentType(b"message", b"rfc822")
OCTET_STREAM: Final = ContentType(b"application", b"octet-stream")

_CANDIDATE: Final = re.compile(rb"\n--([^\n]*+)")
_HEADER_STOP: Final = re.compile(rb"\n(?:--([^\n]*+)|\r?\n)")


class Part(NamedTuple):
    """One part of a message: a leaf, a multipart with its parts, or an encapsulated message.

    Offsets are octets from the start of the whole message: the header with its empty line is at
    [`header_start`, `body_start`), the body at [`body_start`, `body_end`). `lines` counts the line
    ends of the body. `header` holds the `DESCRIBED_FIELDS`. `content_type` is what the part is
    taken for. `message` is the root of the message in a message/rfc822.
    """

    header_start: int
    body_start: int
    body_end: int
    lines: int
    header: Header
    content_type: ContentType
    parts: tuple["Part", ...] = ()
    message: "Part | None" = None


def walk(message: bytes, header: Header | None = None) -> Part:
    """The tree of parts of `message` (wire form), depth and count limited, in linear time.

    `header` has the `DESCRIBED_FIELDS` of the message, where they are known.
    """
    return _leaf(message, header) or _Walk(message, header).root()


def _leaf(message: bytes, header: Header | None) -> Part | None:
    """A message of one part with a header of common length; None where it takes a walk to know."""
    if header is None:
        return None
    value = first(header, b"content-type")
    content_type = (value is not None and parse_content_type(value)) or TEXT_PLAIN
    if content_type.is_multipart or content_type.is_message:
        return None
    start = header_end(message)
    if start > _COMMON_LENGTH:
        return None
    lines = message.count(b"\n", start)
    return Part(0, start, len(message), lines, header, content_type)


@dataclass(slots=True)
class _OpenPart:
    """A part whose end has not come yet.

    `outer_owner` is the open part that the same boundary belonged to before, if any.
    """

    header_start: int
    body_start: int
    lines_before: int
    header: Header
    content_type: ContentType
    boundary: bytes | None = None
    outer_owner: int | None = None
    parts: list[Part] = field(default_factory=list)


class _Delimiter(NamedTuple):
    """A delimiter line of open part number `owner`, from the line end before it to its own."""

    owner: int
    start: int
    end: int
    closes: bool


@remembering
def _described(header: bytes) -> Header:
    return values_of(_FINDER.find(header, 0, len(header)))


class _Walk:
    def __init__(self, message: bytes, header: Header | None) -> None:
        self._message = message
        self._root_header = header
        self._open: list[_OpenPart] = []
        self._owners: dict[bytes, int] = {}
        self._count = 0
        self._headers_left = MAX_HEADERS
        self._values_left = MAX_VALUES
        self._lines = 0
        self._counted_to = 0

    def root(self) -> Part:
        at = self._open_part(0, TEXT_PLAIN)
        while delimiter := self._next_delimiter(at):
            while len(self._open) > delimiter.owner + 1:
                self._close_part(delimiter.start)
            owner = self._open[-1]
            if delimiter.closes:
                self._forget_boundary(owner)
                at = delimiter.end
            else:
                digest = owner.content_type.subtype.lower() == b"digest"
                at = self._open_part(delimiter.end, MESSAGE_RFC822 if digest else TEXT_PLAIN)
        while len(self._open) > 1:
            self._close_part(len(self._message))
        return self._closed(self._open.pop(), len(self._message))

    def _open_part(self, start: int, default: ContentType) -> int:
        """Open the part that begins at `start`; the offset from which to look on."""
        body_start = self._body_start(start)
        header = self._header(start, body_start)
        self._count += 1
        part = _OpenPart(
            header_start=start,
            body_start=body_start,
            lines_before=self._lines_before(body_start),
            header=header,
            content_type=self._content_type(header, default),
        )
        self._open.append(part)
        if part.content_type.is_multipart:
            self._remember_boundary(part)
        if part.content_type.is_message:
            return self._open_part(body_start, TEXT_PLAIN)
        return body_start

    def _close_part(self, end: int) -> None:
        part = self._closed(self._open.pop(), end)
        self._open[-1].parts.append(part)

    def _closed(self, part: _OpenPart, end: int) -> Part:
        self._forget_boundary(part)
        # An empty line at the end of a header may at once be the line end that belongs to the
        # delimiter (RFC 2046 section 5.1.1): it is the header's then, and inside its container.
        end = max(end, self._counted_to)
        lines = self._lines_before(end) - part.lines_before
        at = part.header_start, part.body_start, end, lines, part.header
        if not part.parts:
            return Part(*at, TEXT_PLAIN if part.content_type.is_multipart else part.content_type)
        if part.content_type.is_message:
            return Part(*at, part.content_type, message=part.parts[0])
        return Part(*at, part.content_type, parts=tuple(part.parts))

    def _content_type(self, header: Header, default: ContentType) -> ContentType:
        value = first(header, b"content-type")
        content_type = default if value is None else parse_content_type(value) or TEXT_PLAIN
        full = len(self._open) + 1 >= MAX_DEPTH or self._count >= MAX_PARTS
        if full and (content_type.is_multipart or content_type.is_message):
            return OCTET_STREAM
        return content_type

    def _header(self, start: int, body_start: int) -> Header:
        end = min(body_start, start + min(MAX_HEADER, self._headers_left))
        self._headers_left -= end - start
        header = self._found(start, end)
        octets = sum([len(value) + _VALUE_OCTETS for values in header.values() for value in values])
        if octets > self._values_left:
            return {name: self._kept(values) for name, values in header.items()}
        self._values_left -= octets
        return header

    def _found(self, start: int, end: int) -> Header:
        if not start and self._root_header is not None:
            return self._root_header
        return _described(self._message[start:end])

    def _kept(self, values: list[bytes]) -> list[bytes]:
        """The values of a field, as far as `MAX_VALUES` allows; one may be cut."""
        kept = []
        for value in values:
            if self._values_left <= 0:
                break
            kept.append(value[: self._values_left])
            self._values_left -= len(value) + _VALUE_OCTETS
        return kept

    def _body_start(self, start: int) -> int:
        """Where the body of a part begins whose header begins at `start`: behind the empty line,
        or at the next delimiter line or the end, should those come first."""
        if not start:
            return header_end(self._message)
        for stop in _HEADER_STOP.finditer(self._message, start - 1):
            if stop[1] is None:
                return stop.end()
            if delimiter := self._delimiter(stop):
                return max(start, delimiter.start)
        return len(self._message)

    def _next_delimiter(self, start: int) -> _Delimiter | None:
        """The first delimiter line of an open multipart that begins at `start` or behind it."""
        if not self._owners or self._count >= MAX_PARTS:
            return None
        for candidate in _CANDIDATE.finditer(self._message, start - 1):
            if delimiter := self._delimiter(candidate):
                return delimiter
        return None

    def _delimiter(self, candidate: re.Match[bytes]) -> _Delimiter | None:
        """The line that begins with `--`, if it is a delimiter."""
        text = candidate[1].rstrip()
        owner = self._owners.get(text)
        closes = owner is None and text.endswith(b"--")
        if closes:
            owner = self._owners.get(text[:-2])
        if owner is None:
            return None
        newline = candidate.start()
        start = newline - self._message.endswith(b"\r", 0, newline)
        end = min(candidate.end() + 1, len(self._message))
        return _Delimiter(owner, start, end, closes)

    def _remember_boundary(self, part: _OpenPart) -> None:
        boundary = parameter(part.content_type.parameters, b"boundary")
        if boundary := boundary and boundary.rstrip():
            part.boundary = boundary
            part.outer_owner = self._owners.get(boundary)
            self._owners[boundary] = len(self._open) - 1

    def _forget_boundary(self, part: _OpenPart) -> None:
        if part.boundary is None:
            return
        if part.outer_owner is None:
            del self._owners[part.boundary]
        else:
            self._owners[part.boundary] = part.outer_owner
        part.boundary = None

    def _lines_before(self, offset: int) -> int:
        """Line ends before `offset`, which never goes back from call to call."""
        self._lines += self._message.count(b"\n", self._counted_to, offset)
        self._counted_to = offset
        return self._lines
