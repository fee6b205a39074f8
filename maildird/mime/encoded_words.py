"""Text in header fields: encoded words and raw octets (RFC 2047, RFC 6532).

    encoded-word = "=?" charset ["*" language] "?" encoding "?" encoded-text "?="

White space between two encoded words is not text (section 6.2). Mailers cut words in the middle of
a character, though section 5 forbids it; so neighbours of one charset are joined as octets and
decoded together. Encoded words are also seen where they are forbidden, inside quoted strings say,
and with spaces inside; they are decoded there too: a search should find what readers see.
"""

import binascii
import re
from collections.abc import Iterator
from typing import Final

from maildird.mime.charsets import decode
from maildird.mime.transfer_encoding import decode_base64

_ENCODED_WORD: Final = re.compile(
    rb"=\?([^?*\s]++)(?:\*[^?\s]*+)?+\?([bq])\?([^?]*+)\?=", re.IGNORECASE
)


def decode_field(value: bytes) -> str:
    """The text of an unfolded field value, encoded words and raw octets decoded; never fails."""
    if b"=?" not in value:
        return decode(value, None)
    texts = []
    octets: list[bytes] = []
    charset = None
    for more, its_charset in _pieces(value):
        if its_charset != charset:
            texts.append(decode(b"".join(octets), charset))
            octets, charset = [], its_charset
        octets.append(more)
    texts.append(decode(b"".join(octets), charset))
    return "".join(texts)


def _pieces(value: bytes) -> Iterator[tuple[bytes, str | None]]:
    """Octets with charsets; raw octets have no charset."""
    before, *words = _ENCODED_WORD.split(value)
    if before:
        yield before, None
    for at in range(0, len(words), 4):
        charset, encoding, text, behind = words[at : at + 4]
        yield _decoded(encoding, text), charset.decode("ascii", "replace").lower()
        if behind and (at + 4 == len(words) or not behind.isspace()):
            yield behind, None


def _decoded(encoding: bytes, text: bytes) -> bytes:
    return decode_base64(text) if encoding in b"bB" else binascii.a2b_qp(text, header=True)
