"""How one level of a mailbox name is spelled on disk: in modified UTF-7 or in UTF-8.

Dovecot spells in modified UTF-7 (RFC 3501 section 5.1.3), mbsync in UTF-8, and so does Courier
since its version 5. What would be something else on disk (`..`, a separator) or can't be shown to
people (control characters, and the line separators that RFC 5198 section 2 forbids) is no level of
a mailbox name.
"""

import re
from typing import Final, Literal

from maildird.terms import mutf7
from maildird.terms.codes import Code
from maildird.terms.errors import Refused

Names = Literal["utf-7", "utf-8"]
"""How folder names are spelled; `utf-7` is the modified one."""

_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def spell(level: str, names: Names, forbidden: str) -> bytes:
    """A level's name on disk; Refused (CANNOT) when it can't be one.

    `forbidden` are the characters that part levels on disk.
    """
    if not level or level in (".", "..") or level.startswith("~"):
        raise Refused(Code.CANNOT, f"{level!a} can't be a level of a mailbox name")
    if _CONTROL.search(level):
        raise Refused(Code.CANNOT, "a mailbox name can't hold control characters")
    for character in forbidden:
        if character in level:
            raise Refused(Code.CANNOT, f"a level of a mailbox name can't hold {character} here")
    try:
        return (mutf7.encode(level) if names == "utf-7" else level).encode("utf-8")
    except ValueError:
        raise Refused(Code.CANNOT, f"{level!a} can't be written in UTF-8") from None


def read(name: bytes, names: Names) -> str | None:
    """The level that a name on disk stands for; None when it stands for none."""
    try:
        text = name.decode("utf-8")
        level = mutf7.decode(text) if names == "utf-7" else text
        spell(level, names, forbidden="/")
    except (ValueError, Refused):
        return None
    return level
