"""The charsets that are known: Python's text encodings, in one fixed set.

Nothing is imported or remembered for a name that isn't in it, since names come from the network and
from mail. Left out are codecs that are no charsets, some of which take quadratic time.
"""

import encodings
import encodings.aliases
import pkgutil
from typing import Final

_NO_CHARSETS: Final = frozenset(
    (
        *("aliases", "idna", "punycode", "raw_unicode_escape", "undefined", "unicode_escape"),
        *("base64_codec", "bz2_codec", "charmap", "hex_codec", "mbcs", "oem", "quopri_codec"),
        *("rot_13", "uu_codec", "zlib_codec"),
    )
)

CODECS: Final = {
    name.lower(): codec
    for name, codec in (
        *((module.name, module.name) for module in pkgutil.iter_modules(encodings.__path__)),
        *encodings.aliases.aliases.items(),
    )
    if codec not in _NO_CHARSETS
}
"""Maps a charset's name, as `normalised` spells it, to the name of Python's codec."""


def normalised(charset: str) -> str:
    """The spelling under which a charset is looked up: `ISO-8859-1` is `iso_8859_1`."""
    return encodings.normalize_encoding(charset).lower()
