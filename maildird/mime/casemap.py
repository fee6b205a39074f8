"""Comparison of text for SEARCH, in the spirit of i;unicode-casemap (RFC 5051).

Case is folded and characters are decomposed, so that `STRASSE` is found in `straße`, `file` in
`ﬁle`, and `cafe` in `café`. Runs of white space count as one space: a phrase is found where a line
break fell into it.

To look at white space takes longer than all the rest. So that is only done for a phrase, and where
its longest word was found.
"""

import re
import unicodedata
from typing import Final

_SPACES: Final = re.compile(r"\s{2,}+|[^\S ]")
_STRETCH: Final = 512
"""Characters normalised at a time: sorting a run of combining marks takes quadratic time."""


def fold(text: str) -> str:
    """`text` with the differences taken out that a search does not see, but for white space."""
    if text.isascii():
        return text.lower()
    stretches = range(0, len(text), _STRETCH)
    return "".join([_fold(text[start : start + _STRETCH]) for start in stretches])


def contains(folded: str, needle: str) -> bool:
    """Whether text folded by `fold` contains `needle` (not folded) as a substring."""
    return holds(folded, phrase_of(needle))


def phrase_of(needle: str) -> str:
    """What `holds` looks for, made once where many texts are asked."""
    return _SPACES.sub(" ", fold(needle))


def holds(folded: str, phrase: str) -> bool:
    """As `contains`, for a needle that `phrase_of` made a phrase of."""
    if max(phrase.split(" "), key=len) not in folded:
        return False
    return " " not in phrase or phrase in _SPACES.sub(" ", folded)


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
