"""From flag names to bits, in a mailbox with given keywords: `flag_names` the other way round."""

from collections.abc import Iterable

from maildird.terms.flags import keyword_bit, system_flag


def flag_bit(flag: str, keywords: tuple[str, ...]) -> int:
    """The bit of a flag, whatever its case; 0 for a keyword that the mailbox doesn't have."""
    bit = system_flag(flag)
    if bit is not None:
        return bit
    folded = flag.lower()
    numbers = (number for number, name in enumerate(keywords) if name.lower() == folded)
    return next((keyword_bit(number) for number in numbers), 0)


def mask_of(flags: Iterable[str], keywords: tuple[str, ...]) -> int:
    """The mask of several flags."""
    mask = 0
    for flag in flags:
        mask |= flag_bit(flag, keywords)
    return mask
