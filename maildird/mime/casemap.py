"""Comparison of text for SEARCH, in the spirit of i;unicode-casemap (RFC 5051).

Case is folded and compatible characters are decomposed, so that `STRASSE` is found in `straße`, and
`ﬁle` by `file`. Runs of white space count as one space: a phrase is found where a line break fell
into it.
"""

import re
import unicodedata
from typing import Final

_SPACES: Final = re.compile(r"\s{2,}+|[^\S ]")


def fold(text: str) -> str:
    """`text` with the differences taken out that a search does not see."""
    if text.isascii():
        folded = text.lower()
    else:
        folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return _SPACES.sub(" ", folded)


def contains(folded: str, needle: str) -> bool:
    """Whether text folded by `fold` contains `needle` (not folded) as a substring."""
    return fold(needle) in folded
