"""Comparison of text for SEARCH, in the spirit of i;unicode-casemap (RFC 5051).

Case is folded and characters are decomposed, so that `STRASSE` is found in `straße`, `file` in
`ﬁle`, and `cafe` in `café`. Runs of white space count as one space: a phrase is found where a line
break fell into it.
"""

import re
import unicodedata
from typing import Final

_SPACES: Final = re.compile(r"\s{2,}+|[^\S ]")
_STRETCH: Final = 512
"""Characters normalised at a time: sorting a run of combining marks takes quadratic time."""


def fold(text: str) -> str:
    """`text` with the differences taken out that a search does not see."""
    if text.isascii():
        folded = text.lower()
    else:
        stretches = range(0, len(text), _STRETCH)
        folded = "".join([_fold(text[start : start + _STRETCH]) for start in stretches])
    return _SPACES.sub(" ", folded)


def contains(folded: str, needle: str) -> bool:
    """Whether text folded by `fold` contains `needle` (not folded) as a substring."""
    return fold(needle) in folded


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
