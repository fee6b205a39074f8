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
from itertools import groupby
from operator import itemgetter
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
    return "".join(
        decode(b"".join([octets for _, octets in run]), charset)
        for charset, run in groupby(_pieces(value), key=itemgetter(0))
    )


def _pieces(value: bytes) -> Iterator[tuple[str | None, bytes]]:
    """Charsets with octets; raw octets have no charset."""
    at = 0
    for word in _ENCODED_WORD.finditer(value):
        between = value[at : word.start()]
        if between and not (at and between.isspace()):
            yield None, between
        yield word[1].decode("ascii", "replace").lower(), _encoded_text(word)
        at = word.end()
    if at < len(value):
        yield None, value[at:]


def _encoded_text(word: re.Match[bytes]) -> bytes:
    if word[2] in b"bB":
        return decode_base64(word[3])
    return binascii.a2b_qp(word[3], header=True)
