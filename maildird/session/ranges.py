"""The sizes and the dates that search keys ask for (RFC 3501 section 6.4.4, RFC 5032)."""

from datetime import date
from typing import Final

from maildird.imap.commands import search as keys
from maildird.imap.commands.search import When

SizeKey = keys.Larger | keys.Smaller
DateKey = keys.InternalDate | keys.Older | keys.Younger

_ENDLESS: Final = 1 << 63
_DAY: Final = 86_400
_EPOCH: Final = date(1970, 1, 1).toordinal()


def sizes_wanted(key: SizeKey) -> range:
    """The sizes, in octets, of messages that match `key`."""
    match key:
        case keys.Larger():
            return range(key.octets + 1, _ENDLESS)
        case keys.Smaller():
            return range(key.octets)


def dates_wanted(key: DateKey, now: int) -> range:
    """The internal dates, in Unix seconds as `now` is, of messages that match `key`."""
    match key:
        case keys.Older():
            return range(-_ENDLESS, now - key.seconds + 1)
        case keys.Younger():
            return range(now - key.seconds, _ENDLESS)
        case keys.InternalDate():
            midnight = (key.day.toordinal() - _EPOCH) * _DAY
            match key.when:
                case When.BEFORE:
                    return range(-_ENDLESS, midnight)
                case When.ON:
                    return range(midnight, midnight + _DAY)
                case When.SINCE:
                    return range(midnight, _ENDLESS)


def is_sent(key: keys.SentDate, sent: date | None) -> bool:
    """Whether a message with this Date field matches `key`; one without a date never does."""
    if sent is None:
        return False
    match key.when:
        case When.BEFORE:
            return sent < key.day
        case When.ON:
            return sent == key.day
        case When.SINCE:
            return sent >= key.day
