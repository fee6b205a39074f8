"""Parameter values cut into sections and extended by charsets (RFC 2231 sections 3 and 4).

name*0*=utf-8'en'first%20section; name*1=second
name*=utf-8''whole%20value
"""

import re
from typing import Final
from urllib.parse import unquote_to_bytes

from maildird.mime.charsets import decode
from maildird.mime.encoded_words import decode_field
from maildird.mime.parameters import Parameters

_SECTION: Final = re.compile(rb"([^*]++)\*(?:(\d{1,9})(\*)?)?")


def parameter_text(parameters: Parameters, name: bytes) -> str | None:
    """The text of parameter `name` (lower case); None where there is none.

    Sections go in the order of their numbers and win over a plain value, which is decoded as
    encoded words: RFC 2047 forbids them there, and mailers write them.
    """
    plain: bytes | None = None
    sections: dict[int, tuple[bool, bytes]] = {}
    for attribute, value in parameters:
        attribute = attribute.lower()
        if attribute == name:
            plain = value if plain is None else plain
        elif (found := _SECTION.fullmatch(attribute)) and found[1] == name:
            extended = found[2] is None or found[3] is not None
            sections.setdefault(int(found[2] or 0), (extended, value))
    if sections:
        return _joined([sections[number] for number in sorted(sections)])
    return None if plain is None else decode_field(plain)


def _joined(sections: list[tuple[bool, bytes]]) -> str:
    charset = None
    extended, value = sections[0]
    if extended and value.count(b"'") >= 2:
        name, _, value = value.split(b"'", 2)
        charset = name.decode("ascii", "replace")
        sections[0] = (True, value)
    octets = [unquote_to_bytes(value) if extended else value for extended, value in sections]
    return decode(b"".join(octets), charset)
