"""Comparison of text for SEARCH, in the spirit of i;unicode-casemap (RFC 5051).

Case is folded and characters are decomposed, so that `STRASSE` is found in `straße`, `file` in
`ﬁle`, and `cafe` in `café`. Runs of white space count as one space: a phrase is found where a line
break fell into it.

To look at white space takes longer than all the rest. So that is only done for a phrase, and where
its longest word was found.

To fold a text takes ten times as long as to look for a word in it, unless it is all ASCII, and most
texts lack the word. Where a text is Latin-1, as what is written in Western Europe mostly is, a
*sketch* of it tells: each letter without its accent, in lower case, in one octet. What is found in
the folded text is in the sketch, too, for an ASCII word. The reverse is not so: `cafes` is in the
sketch of `cafés`, which decomposed has an accent before the s.
"""

import re
import unicodedata
from typing import Final

from maildird.terms.once import once

_SPACES: Final = re.compile(r"\s{2,}+|[^\S ]")
_STRETCH: Final = 512
"""Characters normalised at a time: sorting a run of combining marks takes quadratic time."""


def fold(text: str) -> str:
    """`text` with the differences taken out that a search does not see, but for white space."""
    if text.isascii():
        return text.lower()
    stretches = range(0, len(text), _STRETCH)
    return "".join([_fold(text[start : start + _STRETCH]) for start in stretches])


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())


def _sketched(octet: int) -> int:
    """The ASCII letter that a Latin-1 character folds to, without its accent; else itself."""
    ascii_only = _fold(chr(octet)).encode("ascii", "ignore")
    return ascii_only[0] if len(ascii_only) == 1 else octet


_SKETCH: Final = bytes(map(_sketched, range(256)))
_MANY: Final = {
    octet: frozenset(letters)
    for octet in range(128, 256)
    if len(letters := _fold(chr(octet)).encode("ascii", "ignore")) > 1
}
"""Characters that fold to several ASCII letters, and those letters."""


class Text:
    """Text that is searched; each form of it is made once, when it is asked for."""

    def __init__(self, text: str) -> None:
        self._text = text

    @once
    def folded(self) -> str:
        """What `fold` makes of it."""
        return fold(self._text)

    @once
    def sketch(self) -> bytes | None:
        """The sketch; None for text that is all ASCII, or not Latin-1."""
        if self._text.isascii():
            return None
        try:
            return self._text.encode("latin-1").translate(_SKETCH)
        except UnicodeEncodeError:
            return None


class Phrase:
    """What is looked for, made once where many texts are asked."""

    def __init__(self, needle: str) -> None:
        self._phrase = _SPACES.sub(" ", fold(needle))
        self._word = max(self._phrase.split(" "), key=len)
        octets = self._word.encode("ascii", "replace")
        self._octets = octets if self._word.isascii() else None
        self._unclear = [many for many, letters in _MANY.items() if letters & set(octets)]

    def is_in(self, text: Text) -> bool:
        """Whether `text` has it as a substring."""
        return not self._is_surely_missing(text) and self.is_in_folded(text.folded)

    def is_in_folded(self, folded: str) -> bool:
        """Whether text that was folded has it."""
        if self._word not in folded:
            return False
        return " " not in self._phrase or self._phrase in _SPACES.sub(" ", folded)

    def is_in_ascii(self, line: bytes) -> bool:
        """Whether a line of ASCII text has it."""
        if self._octets is None or self._octets not in line.lower():
            return False
        unfolded = line.strip(b" \t\r\n")  # as `unfold`: other white space counts as a space
        return " " not in self._phrase or self.is_in_folded(unfolded.decode("ascii").lower())

    def _is_surely_missing(self, text: Text) -> bool:
        """Whether the sketch alone shows that the text doesn't have the longest word."""
        sketch = text.sketch
        return (
            sketch is not None
            and self._octets is not None
            and self._octets not in sketch
            and not any(many in sketch for many in self._unclear)
        )
