"""What the keyword letters of one folder's messages are in another folder.

Theory of operation. A small letter in a file name means what `dovecot-keywords` of its folder says,
and a message that is renamed into another folder takes its letters along. So that folder first
learns the keywords that it has no letter for, and then the letters change on the way. No letter
ever gets another meaning by that: whoever was cut short can begin anew, and gets the same letters.

A letter that means nothing stays, but where it would mean something. A keyword for which the other
folder has no letter any more is lost.
"""

import errno
import logging
import os
from collections.abc import Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, replace

from maildird.maildir.keywords import KEYWORDS, read_keywords, write_keywords
from maildird.maildir.names import parse_name
from maildird.terms.errors import Refused
from maildird.terms.flags import LETTER_KEYWORDS

logger = logging.getLogger(__name__)

_A = ord("a")


@dataclass(frozen=True, slots=True)
class Lettering:
    """Which letter each one becomes, as for `bytes.translate`, and which are left out."""

    table: bytes
    omitted: bytes

    def rename(self, file: bytes) -> bytes:
        """The name of a message's file in the other folder."""
        parsed = parse_name(file)
        letters = parsed.letters.translate(self.table, self.omitted)
        if letters == parsed.letters:
            return file
        return bytes(replace(parsed, letters=bytes(sorted(letters))))


def lettering(source: bytes, target: bytes) -> Lettering:
    """How letters change from one folder to another, which learns the keywords of the first.

    OSError, EBUSY when another program holds the target's lock.
    """
    ours, theirs = _padded(read_keywords(source)), _padded(read_keywords(target))
    names = _learnt(ours, theirs, _letters_in(target))
    if names != theirs:
        try:
            write_keywords(target, names)
        except Refused as refused:
            raise OSError(errno.EBUSY, str(refused), os.path.join(target, KEYWORDS)) from None
    numbers = {name.lower(): number for number, name in enumerate(names) if name}
    table, omitted = bytearray(range(256)), bytearray()
    for number, name in enumerate(ours):
        if name and name.lower() in numbers:
            table[_A + number] = _A + numbers[name.lower()]
        elif names[number]:
            omitted.append(_A + number)
    lost = [name for name in ours if name and name.lower() not in numbers]
    if lost:
        where = os.fsdecode(target)
        logger.warning("%s has no letters left for the keywords %s", where, ", ".join(lost))
    return Lettering(bytes(table), bytes(omitted))


def _padded(names: tuple[str, ...]) -> tuple[str, ...]:
    return names + ("",) * (LETTER_KEYWORDS - len(names))


def _learnt(ours: Sequence[str], theirs: Sequence[str], used: Set[int]) -> tuple[str, ...]:
    """Their names with ours that they lack, as far as there are letters that nobody has `used`.

    A keyword keeps its letter if that is free.
    """
    names = list(theirs)
    known = {name.lower() for name in theirs}
    for number, name in enumerate(ours):
        numbers = (number, *range(LETTER_KEYWORDS))
        free = [each for each in numbers if not names[each] and each not in used]
        if name and name.lower() not in known and free:
            names[free[0]] = name
    return tuple(names)


def _letters_in(folder: bytes) -> frozenset[int]:
    """The numbers of the small letters in the names of a folder's messages."""
    letters: set[int] = set()
    for subdir in (b"cur", b"new"):
        with suppress(FileNotFoundError):
            for name in os.listdir(os.path.join(folder, subdir)):
                letters.update(parse_name(name).letters)
    return frozenset(letter - _A for letter in letters if letter >= _A)
