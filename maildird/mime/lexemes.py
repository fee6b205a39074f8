"""Lexical pieces that structured header fields share (RFC 5322 section 3.2).

Everything is read tolerantly and in linear time: what is not closed reaches to the end.
"""

import re
from typing import Final

QUOTED_STRING: Final = rb'"([^"\\]*+(?:\\.[^"\\]*+)*+)\\?+(?:"|\Z)'
"""Expression for a quoted string with its content as the only group; wants `re.DOTALL`."""

_COMMENT_MARK: Final = re.compile(rb"\\.|[()]", re.DOTALL)
_COMMENT_OR_QUOTED: Final = re.compile(rb'\(|"[^"\\]*+(?:\\.[^"\\]*+)*+"?+', re.DOTALL)
_QUOTED_PAIR: Final = re.compile(rb"\\(.)", re.DOTALL)


def unquote(content: bytes) -> bytes:
    """The content of a quoted string or comment with its quoted pairs taken apart."""
    return _QUOTED_PAIR.sub(rb"\1", content) if b"\\" in content else content


def read_comment(value: bytes, start: int) -> tuple[bytes, int]:
    """The content of the comment that opens at `start`, and the offset behind it.

    Comments inside it belong to it. A comment that is not closed reaches to the end.
    """
    depth = 0
    for mark in _COMMENT_MARK.finditer(value, start):
        if mark[0] == b"(":
            depth += 1
        elif mark[0] == b")":
            depth -= 1
            if not depth:
                return unquote(value[start + 1 : mark.start()]), mark.end()
    return unquote(value[start + 1 :]), len(value)


def without_comments(value: bytes) -> bytes:
    """`value` with a space for each comment; parentheses in quoted strings are no comments."""
    if b"(" not in value:
        return value
    kept = bytearray()
    at = 0
    while found := _COMMENT_OR_QUOTED.search(value, at):
        if found[0] == b"(":
            kept += value[at : found.start()] + b" "
            _, at = read_comment(value, found.start())
        else:
            kept += value[at : found.end()]
            at = found.end()
    kept += value[at:]
    return bytes(kept)
