"""Strings as IMAP writes them (RFC 3501 section 9).

    nstring         = string / nil
    string          = quoted / literal
    literal         = "{" number "}" CRLF *CHAR8
    quoted          = DQUOTE *QUOTED-CHAR DQUOTE
    QUOTED-CHAR     = <any TEXT-CHAR except quoted-specials> / "\\" quoted-specials
    quoted-specials = DQUOTE / "\\"
    TEXT-CHAR       = <any CHAR except CR and LF>
    CHAR            = %x01-7F

A quoted string is shorter and easier for clients; a literal carries any octet but NUL.
"""

import re
from typing import Final

_UNQUOTABLE: Final = re.compile(rb"[\x00\r\n\x80-\xff]")
_NOT_ITSELF: Final = re.compile(rb'["\\\x00\r\n\x80-\xff]')


def nstring(value: bytes | None) -> bytes:
    """`value` as NIL, as a quoted string where its octets allow that, else as a literal."""
    return b"NIL" if value is None else string(value)


def string(value: bytes) -> bytes:
    """`value` as a quoted string where its octets allow that, else as a literal."""
    if not _NOT_ITSELF.search(value):
        return b'"%b"' % value
    if _UNQUOTABLE.search(value):
        return b"{%d}\r\n%b" % (len(value), value)
    return b'"%b"' % value.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
