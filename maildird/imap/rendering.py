"""Values as they stand in responses (RFC 3501 section 9). Pure functions from values to bytes.

A string is quoted where it can be and a literal otherwise; octets above 127 never stand in a quoted
string.
"""

import re
import time
from collections.abc import Iterable
from typing import Final

from maildird.terms import mutf7

_QUOTABLE: Final = re.compile(rb"[\x01-\x09\x0b\x0c\x0e-\x7f]*")
_ATOM: Final = re.compile(rb"[!#-$&'+-\[^-z|}~]+")
_EARLIEST: Final = -62_135_510_400  # 2 January of the year 1
_LATEST: Final = 253_402_214_399  # 30 December 9999
_MONTHS: Final = b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


def string(value: bytes) -> bytes:
    """string = quoted / literal."""
    if len(value) <= 1024 and _QUOTABLE.fullmatch(value):
        return b'"' + value.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
    return literal(value)


def nstring(value: bytes | None) -> bytes:
    """nstring = string / nil."""
    return b"NIL" if value is None else string(value)


def literal(value: bytes) -> bytes:
    """literal = "{" number "}" CRLF *CHAR8."""
    return b"{%d}\r\n%s" % (len(value), value)


def astring(value: bytes) -> bytes:
    """astring = 1*ASTRING-CHAR / string; NIL is quoted, lest it be read as nil."""
    if _ATOM.fullmatch(value) and value.upper() != b"NIL":
        return value
    return string(value)


def mailbox(name: str) -> bytes:
    """mailbox = "INBOX" / astring, in modified UTF-7."""
    return astring(mutf7.encode(name).encode("ascii"))


def parenthesised(items: Iterable[bytes]) -> bytes:
    """Items between parentheses."""
    return b"(" + b" ".join(items) + b")"


def flags(names: Iterable[str]) -> bytes:
    """flag-list = "(" [flag *(SP flag)] ")"."""
    return parenthesised(name.encode("ascii") for name in names)


def date_time(seconds: int) -> bytes:
    """date-time of a Unix time, in the server's time zone; it has four digits for the year."""
    local = time.localtime(min(max(seconds, _EARLIEST), _LATEST))
    offset = local.tm_gmtoff // 60
    hours, minutes = divmod(abs(offset), 60)
    return b'"%2d-%s-%04d %02d:%02d:%02d %s%02d%02d"' % (
        local.tm_mday,
        _MONTHS[local.tm_mon - 1],
        local.tm_year,
        local.tm_hour,
        local.tm_min,
        local.tm_sec,
        b"-" if offset < 0 else b"+",
        hours,
        minutes,
    )
