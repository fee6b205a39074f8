"""Octets to text by the name of a charset, whatever the name and whatever the octets.

Mail often bears the name of a charset and uses a larger one that grew out of it; then the larger
one is taken, as web browsers do (WHATWG Encoding, section 4.2).
"""

import re
from typing import Final

from maildird.mime.remembering import remembering
from maildird.terms.charsets import CODECS, normalised

_LARGER: Final = {
    "latin_1": "cp1252",
    "iso8859_1": "cp1252",
    "iso8859_9": "cp1254",
    "iso8859_11": "cp874",
    "tis_620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "iso2022_jp": "iso2022_jp_ext",
}

_CODE_PAGE: Final = re.compile(r"(?:windows|cp)_(?=\d)")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_STRAYS: Final = {
    0xDC00 + octet: bytes((octet,)).decode("cp1252", "replace") for octet in range(0x80, 0x100)
}
"""What octets that are no UTF-8, escaped as surrogates, are in Windows-1252."""


def decode(octets: bytes, charset: str | None) -> str:
    """`octets` as text without lone surrogates; never fails.

    Without a charset, and for one that isn't known, UTF-8 is assumed, and Windows-1252 for octets
    that are not UTF-8; so it is for US-ASCII, which mail claims at random, and for UTF-8 itself.
    """
    codec = _codec(charset) if charset else None
    if codec in (None, "ascii", "utf_8"):
        try:
            return octets.decode("utf-8")
        except UnicodeDecodeError:
            return octets.decode("utf-8", "surrogateescape").translate(_STRAYS)
    text = octets.decode(codec, "replace")
    try:
        text.encode()  # the quickest way to see that it has no surrogates
    except UnicodeEncodeError:
        return _SURROGATE.sub("\ufffd", text)
    return text


@remembering
def _codec(charset: str) -> str | None:
    """The name of Python's codec for a charset; None for one that isn't known."""
    name = normalised(charset).removeprefix("x_")
    if name.startswith("iso_8859_8_"):  # -i and -e: marks of direction (RFC 1556)
        name = "iso_8859_8"
    codec = CODECS.get(name) or CODECS.get(_CODE_PAGE.sub("cp", name))
    return _LARGER.get(codec, codec) if codec else None
