"""Which piece of a message a FETCH asks for (RFC 3501 section 6.4.5)."""

import enum
from dataclasses import dataclass


class SectionText(enum.Enum):
    """The last word of a section specification."""

    HEADER = "HEADER"
    HEADER_FIELDS = "HEADER.FIELDS"
    HEADER_FIELDS_NOT = "HEADER.FIELDS.NOT"
    TEXT = "TEXT"
    MIME = "MIME"


@dataclass(frozen=True, slots=True)
class Section:
    """`BODY[<part>.<text> (<fields>)]`; without part and text it is the whole message.

    `part` counts from 1; `fields` are header field names as the client spelled them.
    """

    part: tuple[int, ...] = ()
    text: SectionText | None = None
    fields: tuple[bytes, ...] = ()
