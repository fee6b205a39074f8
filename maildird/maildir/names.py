"""Names of message files: the base name that identifies a message, and the flags after it.

Theory of operation. A file is called `base:2,letters`. The base name is the message's identity;
what follows the *last* `:2,` are its flags, one ASCII letter each, sorted. Other programs put more
there: mu4e has left `,U=2749:2,:2,S`, others a comma and data of their own behind the letters. All
of that is kept when we rename. Letters that mean nothing here stay where they are, too: `P`, which
IMAP has no flag for, and small letters to which `dovecot-keywords` gives no name.

The base name may carry the size as `,S=` and the size with CRLF as `,W=`; both are hints that may
lie. Facts from the Maildir specification and Dovecot's documentation of it.
"""

import os
import re
import socket
import time
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final

from maildird.terms.flags import (
    ANSWERED,
    DELETED,
    DRAFT,
    FLAGGED,
    LETTER_KEYWORDS,
    LETTER_MASK,
    SEEN,
    SYSTEM_MASK,
    keyword_bit,
)

INFO: Final = b":2,"

_FLAG_OF_LETTER: Final = {
    ord("D"): DRAFT,
    ord("F"): FLAGGED,
    ord("R"): ANSWERED,
    ord("S"): SEEN,
    ord("T"): DELETED,
} | {ord("a") + number: keyword_bit(number) for number in range(LETTER_KEYWORDS)}

_SECOND: Final = len(b"1700000000")

_DELIVERED: Final = re.compile(rb"(\d+)(?:\..*?M(\d+))?")


@dataclass(frozen=True, slots=True)
class FileName:
    """A file name taken apart.

    `letters` are those of the info part, `trailer` what follows a comma there. Without `has_info`
    the name has no info part, as it should be in new/.
    """

    base: bytes
    letters: bytes = b""
    trailer: bytes = b""
    has_info: bool = True

    def __bytes__(self) -> bytes:
        if not self.has_info:
            return self.base
        return b"".join((self.base, INFO, self.letters, self.trailer))


def parse_name(name: bytes) -> FileName:
    """Take a file name apart; every name can be."""
    base, info, rest = name.rpartition(INFO)
    if not info:
        return FileName(name, has_info=False)
    letters, comma, trailer = rest.partition(b",")
    return FileName(base, letters, comma + trailer)


def base_name(name: bytes) -> bytes:
    """The base name alone, several times quicker than `parse_name`."""
    base, info, _rest = name.rpartition(INFO)
    return base if info else name


@lru_cache(maxsize=1024)
def mask_of_letters(letters: bytes) -> int:
    """The flags that letters mean; `P` and unknown ones mean none."""
    mask = 0
    for letter in letters:
        mask |= _FLAG_OF_LETTER.get(letter, 0)
    return mask


def with_mask(name: FileName, mask: int, named: int) -> FileName:
    """`name` with the letters of `mask`; `named` are the bits of keywords that have a name.

    Letters that stand for no flag of this mailbox stay as they are, and so does what follows them.
    """
    ours = SYSTEM_MASK | (named & LETTER_MASK)
    return FileName(name.base, _letters(name.letters, mask & ours, ours), name.trailer)


@lru_cache(maxsize=1024)
def _letters(letters: bytes, mask: int, ours: int) -> bytes:
    """`letters` with those of `mask` in the place of all that `ours` has."""
    kept = {letter for letter in letters if not _FLAG_OF_LETTER.get(letter, 0) & ours}
    kept |= {letter for letter, bit in _FLAG_OF_LETTER.items() if bit & mask}
    return bytes(sorted(kept))


def delivery_order(name: bytes) -> tuple[int, int, bytes]:
    """Sorts names as they were delivered: by second, by microsecond, by name.

    Names that don't begin with a time come first.
    """
    match = _DELIVERED.match(name)
    if match is None:
        return 0, 0, name
    return int(match[1]), int(match[2] or 0), name


def in_delivery_order(bases: Iterable[bytes]) -> list[bytes]:
    """Base names sorted by `delivery_order`, which is asked only where it has to be.

    Names that all begin with ten digits and a dot, as they do these centuries, sort by the second
    as they are.
    """
    ordered = sorted(bases)
    seconds = [base[: _SECOND + 1] for base in ordered]
    if not _are_seconds(seconds):
        return sorted(ordered, key=delivery_order)
    for second in {one for one, next_one in pairwise(seconds) if one == next_one}:
        same = slice(bisect_left(seconds, second), bisect_right(seconds, second))
        ordered[same] = sorted(ordered[same], key=delivery_order)
    return ordered


def _are_seconds(beginnings: Sequence[bytes]) -> bool:
    """Whether each is ten digits and a dot; the dots stand right, and there are no others."""
    joined, dots = b"".join(beginnings), b"." * len(beginnings)
    digits = joined.replace(b".", b"")
    return (
        joined[_SECOND :: _SECOND + 1] == dots
        and digits.isdigit()
        and len(digits) + len(dots) == len(joined)
    )


def unique_base(size: int | None = None, wire_size: int | None = None) -> bytes:
    """A base name that nobody else makes, with the sizes where they are known.

    Second, microsecond, process, 64 random bits and the host's name.
    """
    (base,) = unique_bases(1)
    if size is not None:
        base += b",S=%d" % size
    if wire_size is not None:
        base += b",W=%d" % wire_size
    return base


def unique_bases(count: int) -> list[bytes]:
    """So many of them; quicker than one by one."""
    process, host, random = os.getpid(), spelled_host(), os.urandom(8 * count).hex().encode("ascii")
    bases = []
    for at in range(0, len(random), 16):
        seconds, nanoseconds = divmod(time.time_ns(), 10**9)
        moment = seconds, nanoseconds // 1000, process, random[at : at + 16], host
        bases.append(b"%d.M%dP%dR%s.%s" % moment)
    return bases


def spelled_host() -> bytes:
    """This host's name as it stands in file names, `/` and `:` in octal (Maildir specification)."""
    return _spelled(socket.gethostname())


@lru_cache(maxsize=1)
def _spelled(host: str) -> bytes:
    octal = host.replace("/", "\\057").replace(":", "\\072").replace(",", "\\054")
    return os.fsencode(octal) or b"localhost"
