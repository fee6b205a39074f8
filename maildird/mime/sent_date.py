"""The day in the Date field, for SENTBEFORE, SENTON and SENTSINCE (RFC 3501 section 6.4.4).

    date      = day month year
    day       = ([FWS] 1*2DIGIT FWS) / obs-day
    year      = (FWS 4*DIGIT FWS) / obs-year

The day counts as the sender wrote it, time and zone left out. Besides RFC 5322 section 3.3 and its
obsolete forms (section 4.3) three spellings are understood that mailers have written: hyphens
between the three, the order of `ctime`, and that of ISO 8601.
"""

import re
from datetime import date
from typing import Final

from maildird.mime.header import first, parse_header, used_header
from maildird.mime.lexemes import without_comments

_MONTHS: Final = (
    *(b"jan", b"feb", b"mar", b"apr", b"may", b"jun"),
    *(b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"),
)
_MONTH: Final = rb"(" + b"|".join(_MONTHS) + rb")[a-z]*+\.?"
_DAY_FIRST: Final = re.compile(
    rb"\b(\d{1,2})[\s.-]{1,9}" + _MONTH + rb"[\s,-]{1,9}(\d{2,4})\b", re.IGNORECASE
)
_MONTH_FIRST: Final = re.compile(
    rb"\b" + _MONTH + rb"\s{1,9}(\d{1,2})\s{1,9}[\d:]{4,9}\s[^\d]{0,40}(\d{4})\b", re.IGNORECASE
)
_YEAR_FIRST: Final = re.compile(rb"\b(\d{4})-(\d{2})-(\d{2})")


def sent_date(message: bytes) -> date | None:
    """The day as the Date field has it; None where there is no field or no day in it.

    `message` may be a whole message (wire form) or only its header, such as `common_header` gives.
    """
    value = first(parse_header(used_header(message), (b"date",)), b"date")
    return _day(without_comments(value)) if value else None


def _day(value: bytes) -> date | None:
    try:
        if found := _DAY_FIRST.search(value):
            return date(_year(found[3]), _month(found[2]), int(found[1]))
        if found := _MONTH_FIRST.search(value):
            return date(int(found[3]), _month(found[1]), int(found[2]))
        if found := _YEAR_FIRST.search(value):
            return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:  # no such day, 31 June say
        return None
    return None


def _month(name: bytes) -> int:
    return _MONTHS.index(name.lower()) + 1


def _year(digits: bytes) -> int:
    """obs-year (RFC 5322 section 4.3): two digits are 1950 to 2049, three count from 1900."""
    year = int(digits)
    if len(digits) == 2 and year < 50:
        return year + 2000
    return year + 1900 if len(digits) < 4 else year
