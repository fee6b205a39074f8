"""Modified UTF-7, in which IMAP and most Maildirs spell mailbox names (RFC 3501 section 5.1.3).

Printable ASCII stands for itself, but for `&`, which is `&-`. Everything else is UTF-16BE in
base64 with `,` for `/` and without padding, between `&` and `-`. There is one spelling for each
name: what is not that spelling is refused, so that two byte strings never mean one mailbox.
"""

import binascii
import re

_SHIFTED = re.compile(r"&([A-Za-z0-9+,]*)-")
_NOT_PRINTABLE = re.compile(r"[^\x20-\x7e]+")


def encode(name: str) -> str:
    """`name` in modified UTF-7; ValueError for a lone surrogate."""
    return _NOT_PRINTABLE.sub(_shift, name.replace("&", "&-"))


def decode(spelled: str) -> str:
    """The name that `spelled` stands for; ValueError unless `encode` gives `spelled` again."""
    name = _SHIFTED.sub(_unshift, spelled)
    if encode(name) != spelled:
        raise ValueError(f"{spelled!a} is not modified UTF-7 (RFC 3501 section 5.1.3)")
    return name


def _shift(match: re.Match[str]) -> str:
    try:
        utf16 = match[0].encode("utf-16-be")
    except UnicodeEncodeError:
        raise ValueError(f"{match[0]!a} can't be written in modified UTF-7") from None
    base64 = binascii.b2a_base64(utf16, newline=False).decode("ascii")
    return "&" + base64.rstrip("=").replace("/", ",") + "-"


def _unshift(match: re.Match[str]) -> str:
    base64 = match[1].replace(",", "/")
    if not base64:
        return "&"
    try:
        return binascii.a2b_base64(base64 + "=" * (-len(base64) % 4)).decode("utf-16-be")
    except ValueError:
        raise ValueError(f"{match[0]!a} is not base64 of UTF-16 (RFC 3501 section 5.1.3)") from None
