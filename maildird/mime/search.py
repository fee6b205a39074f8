"""Text of a message as SEARCH sees it (RFC 3501 section 6.4.4).

The header's share are its fields with encoded words decoded. The body's share are the texts of all
text parts with transfer encoding and charset decoded, the file names and descriptions of all parts,
and the headers of encapsulated messages. Parts are kept apart by line breaks.
"""

import re
from collections.abc import Iterable, Iterator

from maildird.mime.casemap import Phrase, fold
from maildird.mime.charsets import decode
from maildird.mime.encoded_words import decode_field
from maildird.mime.header import first, parse_header, unfold, used_header
from maildird.mime.html_text import visible_text
from maildird.mime.parameter_text import parameter_text
from maildird.mime.parameters import parameter, parse_disposition
from maildird.mime.remembering import remembering
from maildird.mime.transfer_encoding import decode_transfer, transfer_encoding
from maildird.mime.walk import Part, walk


def header_values(message: bytes, field: str) -> list[str]:
    """The decoded values of every header field called `field` (any case), in order.

    `message` may be a whole message (wire form) or only its header, such as `common_header` gives.
    """
    name = field.lower().encode("utf-8", "replace")
    values = parse_header(used_header(message), (name,)).get(name, ())
    return [decode_field(value) for value in values]


class FieldSearch:
    """Looks for text in all fields of one name; made once, and asked of many headers.

    They are looked through all at once, joined with NUL, which is in none of them: to call the
    expression engine costs more than what it does with a header.
    """

    def __init__(self, field: bytes, needle: str) -> None:
        """`field` is in lower case."""
        value = rb":.*+(?:\n[ \t].*+)*+"
        expression = rb"\n(?:%b[ \t]*+(%b)|\0)" % (re.escape(field), value)
        self._values = re.compile(expression, re.IGNORECASE)
        self._phrase = Phrase(needle)

    def find(self, headers: Iterable[bytes]) -> list[bool]:
        """Whether a field of each of the headers (without NUL) holds the text."""
        found = []
        holds = False
        for value in self._values.findall(b"".join([b"\n%b\n\0" % each for each in headers])):
            if value:
                holds = holds or self._is_in(value[1:])
            else:
                found.append(holds)
                holds = False
        return found

    def _is_in(self, value: bytes) -> bool:
        if value.isascii() and b"=?" not in value and b"\n" not in value:
            return self._phrase.is_in_ascii(value)
        return self._phrase.is_in_folded(_folded(unfold(value)))


@remembering
def _folded(value: bytes) -> str:
    return fold(decode_field(value))


def header_text(message: bytes) -> str:
    """The decoded header, one field a line: the header's share of SEARCH TEXT.

    White space is as it comes: a search takes all of it for one space.
    """
    header = used_header(message).replace(b"\r\n", b"\n")
    return decode_field(header.replace(b"\n\t", b" ").replace(b"\n ", b" "))


def body_text(message: bytes) -> str:
    """The decoded text of the body: SEARCH BODY, and the body's share of SEARCH TEXT."""
    return "\n".join(_texts(message, walk(message)))


def _texts(message: bytes, part: Part) -> Iterator[str]:
    yield from _labels(part)
    for inner in part.parts:
        yield from _texts(message, inner)
    if part.message:
        encapsulated = part.message
        yield header_text(message[encapsulated.header_start : encapsulated.body_start])
        yield from _texts(message, encapsulated)
    elif not part.parts and part.content_type.type.lower() in (b"text", b"message"):
        yield _leaf_text(message, part)


def _labels(part: Part) -> Iterator[str]:
    """What names a part: its file name in either place where mailers put it, its description."""
    disposition = parse_disposition(first(part.header, b"content-disposition") or b"")
    description = first(part.header, b"content-description")
    if name := parameter_text(part.content_type.parameters, b"name"):
        yield name
    if disposition and (name := parameter_text(disposition.parameters, b"filename")):
        yield name
    if description:
        yield decode_field(description)


def _leaf_text(message: bytes, part: Part) -> str:
    octets = decode_transfer(
        message[part.body_start : part.body_end], transfer_encoding(part.header)
    )
    charset = parameter(part.content_type.parameters, b"charset")
    text = decode(octets, charset.decode("ascii", "replace") if charset else None)
    return visible_text(text) if part.content_type.subtype.lower().endswith(b"html") else text
