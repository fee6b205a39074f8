"""Values with parameters: Content-Type and Content-Disposition (RFC 2045 section 5.1, RFC 2183).

    content     := "Content-Type" ":" type "/" subtype *(";" parameter)
    disposition := "Content-Disposition" ":" disposition-type *(";" disposition-parm)
    parameter   := regular-parameter / extended-parameter      ; RFC 2231 section 7
    value       := token / quoted-string

Mailers write values that are neither, such as `name=my file.pdf`; so an unquoted value reaches to
the next semicolon.

A value may come in sections, `name*0`, `name*1*` and so on, those with a second asterisk extended
by a charset and percent signs. They are put together, as RFC 2231 section 6 asks IMAP servers to,
to one parameter `name`, or `name*` where it is extended; that one is left to the client to decode.
Where a number is missing or comes twice the sections stay what they are.
"""

import re
from dataclasses import dataclass
from itertools import islice
from typing import Final, NamedTuple
from urllib.parse import quote_from_bytes

from maildird.mime.lexemes import QUOTED_STRING, unquote, without_comments
from maildird.mime.remembering import remembering

Parameters = tuple[tuple[bytes, bytes], ...]
"""Names as written with their values, in order."""

MAX_PARAMETERS: Final = 10_000
"""Parameters of one field that are read."""

_TOKEN: Final = rb"([^\s()<>@,;:\\\"/\[\]?=]++)"
_MEDIA_TYPE: Final = re.compile(rb"\s*+" + _TOKEN + rb"\s*+/\s*+" + _TOKEN)
_DISPOSITION_TYPE: Final = re.compile(rb'[\s"]*+' + _TOKEN + rb"?")
_PARAMETER: Final = re.compile(
    rb";\s*+([^\s=;]++)\s*+=\s*+(?:" + QUOTED_STRING + rb"|([^;]*+))", re.DOTALL
)
_SECTION: Final = re.compile(rb"([^*]++)\*(\d{1,9})(\*?)")
_ATTRIBUTE_CHARS: Final = "!#$&+^`{|}"
"""What may stand unquoted in an extended value besides letters, digits and `_.-~`."""


class ContentType(NamedTuple):
    """A media type; names are as written, comparisons are for lower case."""

    type: bytes
    subtype: bytes
    parameters: Parameters = ()

    @property
    def is_text(self) -> bool:
        """Whether this is text of any kind."""
        return self.type.lower() == b"text"

    @property
    def is_multipart(self) -> bool:
        """Whether this is a multipart of any kind."""
        return self.type.lower() == b"multipart"

    @property
    def is_message(self) -> bool:
        """Whether this is message/rfc822, an encapsulated message."""
        return self.subtype.lower() == b"rfc822" and self.type.lower() == b"message"


class Disposition(NamedTuple):
    """A content disposition: `inline`, `attachment` or another token, as written; empty where only
    parameters were given."""

    type: bytes
    parameters: Parameters = ()


@remembering
def parse_content_type(value: bytes) -> ContentType | None:
    """The media type in an unfolded Content-Type; None where there is no type and subtype."""
    value = without_comments(value)
    found = _MEDIA_TYPE.match(value)
    return ContentType(found[1], found[2], _parameters(value, found.end())) if found else None


def parse_disposition(value: bytes) -> Disposition | None:
    """The disposition in an unfolded Content-Disposition; None where it says nothing."""
    value = without_comments(value)
    found = _DISPOSITION_TYPE.match(value)
    type_, at = (found[1] or b"", found.end()) if found else (b"", 0)
    parameters = _parameters(value, at)
    return Disposition(type_, parameters) if type_ or parameters else None


def parameter(parameters: Parameters, name: bytes) -> bytes | None:
    """The value of the first parameter called `name` (lower case); None where there is none."""
    for attribute, value in parameters:
        if attribute.lower() == name:
            return value
    return None


def _parameters(value: bytes, start: int) -> Parameters:
    written = tuple(
        [
            (name, text.rstrip() if quoted is None else unquote(quoted))
            for name, quoted, text in map(
                re.Match.groups, islice(_PARAMETER.finditer(value, start), MAX_PARAMETERS)
            )
        ]
    )
    return (
        _joined(written) if b"*" in value and any(b"*" in name for name, _ in written) else written
    )


@dataclass(frozen=True, slots=True)
class _Section:
    number: int
    extended: bool
    written: tuple[bytes, bytes]


def _joined(written: Parameters) -> Parameters:
    whole: list[tuple[bytes, bytes]] = []
    cut: dict[bytes, list[_Section]] = {}
    for name, value in written:
        if found := _SECTION.fullmatch(name):
            section = _Section(int(found[2]), found[3] != b"", (name, value))
            cut.setdefault(found[1].lower(), []).append(section)
        else:
            whole.append((name, value))
    for name, sections in cut.items():
        sections.sort(key=lambda section: section.number)
        if all(section.number == number for number, section in enumerate(sections)):
            whole.append(_put_together(name, sections))
        else:
            whole += [section.written for section in sections]
    return tuple(whole)


def _put_together(name: bytes, sections: list[_Section]) -> tuple[bytes, bytes]:
    values = [section.written[1] for section in sections]
    if not any(section.extended for section in sections):
        return name, b"".join(values)
    extended = [
        value if section.extended else quote_from_bytes(value, _ATTRIBUTE_CHARS).encode("ascii")
        for section, value in zip(sections, values, strict=True)
    ]
    charset = b"" if sections[0].extended else b"''"
    return name + b"*", charset + b"".join(extended)
