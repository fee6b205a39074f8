"""Values with parameters: Content-Type and Content-Disposition (RFC 2045 section 5.1, RFC 2183).

    content     := "Content-Type" ":" type "/" subtype *(";" parameter)
    disposition := "Content-Disposition" ":" disposition-type *(";" disposition-parm)
    parameter   := attribute "=" value
    value       := token / quoted-string

Mailers write values that are neither, such as `name=my file.pdf`; so an unquoted value reaches to
the next semicolon. Parameters stay as they are written, the pieces of RFC 2231 (`name*0*`) too: a
client puts them together.
"""

import re
from dataclasses import dataclass
from typing import Final

from maildird.mime.lexemes import QUOTED_STRING, unquote, without_comments

Parameters = tuple[tuple[bytes, bytes], ...]
"""Names as written with their values, in order."""

_TOKEN: Final = rb"([^\s()<>@,;:\\\"/\[\]?=]++)"
_MEDIA_TYPE: Final = re.compile(rb"\s*+" + _TOKEN + rb"\s*+/\s*+" + _TOKEN)
_DISPOSITION_TYPE: Final = re.compile(rb"\s*+" + _TOKEN)
_PARAMETER: Final = re.compile(
    rb";\s*+([^\s=;]++)\s*+=\s*+(?:" + QUOTED_STRING + rb"|([^;]*+))", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class ContentType:
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

    def parameter(self, name: bytes) -> bytes | None:
        """The value of the first parameter `name` (lower case); None where there is none."""
        for attribute, value in self.parameters:
            if attribute.lower() == name:
                return value
        return None


@dataclass(frozen=True, slots=True)
class Disposition:
    """A content disposition: `inline`, `attachment` or another token, as written."""

    type: bytes
    parameters: Parameters = ()


def parse_content_type(value: bytes) -> ContentType | None:
    """The media type in an unfolded Content-Type; None where there is no type and subtype."""
    value = without_comments(value)
    found = _MEDIA_TYPE.match(value)
    return ContentType(found[1], found[2], _parameters(value, found.end())) if found else None


def parse_disposition(value: bytes) -> Disposition | None:
    """The disposition in an unfolded Content-Disposition; None where there is no token."""
    value = without_comments(value)
    found = _DISPOSITION_TYPE.match(value)
    return Disposition(found[1], _parameters(value, found.end())) if found else None


def _parameters(value: bytes, start: int) -> Parameters:
    return tuple(
        (name, plain.rstrip() if quoted is None else unquote(quoted))
        for name, quoted, plain in (found.groups() for found in _PARAMETER.finditer(value, start))
    )
