"""The text that a reader of an HTML part sees, roughly, for SEARCH.

Tags are taken out and character references decoded: so `café` is found in `caf&eacute;` and
`important` in `<b>im</b>portant`, and `table` is not found in every letter, as it would be with the
tags. Inline tags leave nothing behind, others a line break. Styles and scripts are not text, nor
are the addresses behind links: what is visible is searched.
"""

import html
import re
from typing import Final

_TAG: Final = re.compile(r"<(/?+)(?:([a-zA-Z][a-zA-Z0-9]*+)|[!?])[^<>]*+>")
_ENDLESS_NUMBER: Final = re.compile(r"&#\d{9,}+;?+")

_INLINE: Final = frozenset(
    (
        *("a", "abbr", "b", "bdi", "bdo", "big", "cite", "code", "del", "em", "font", "i", "ins"),
        *("kbd", "mark", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup"),
        *("tt", "u", "var", "wbr"),
    )
)
_HIDDEN: Final = frozenset(("script", "style"))


def visible_text(source: str) -> str:
    """The visible text of `source`, an HTML document or a piece of one; linear time."""
    pieces: list[str] = []
    hidden_by: str | None = None
    at = 0
    for tag in _TAG.finditer(source):
        closing, name = tag[1], (tag[2] or "").lower()
        if hidden_by is None:
            if at < tag.start():
                pieces.append(source[at : tag.start()])
            if name not in _INLINE:
                pieces.append("\n")
            if name in _HIDDEN and not closing:
                hidden_by = name
        elif closing and name == hidden_by:
            hidden_by = None
        at = tag.end()
    if hidden_by is None:
        pieces.append(source[at:])
    text = _ENDLESS_NUMBER.sub("\ufffd", "".join(pieces))
    return html.unescape(text).replace("\xad", "")
