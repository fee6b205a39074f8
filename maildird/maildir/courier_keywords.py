"""Courier's keywords, taken over into the file names' letters when a folder is seen first.

Theory of operation. Courier keeps keywords beside the messages, in `courierimapkeywords/`. The file
`:list` has the names of all keywords, one a line, an empty line, and then a line for each message
that has any: `<base name>:<number> <number> …`. What changed since stands in files of their own,
called after the message's base name, `<base name>` or `.<time>.<base name>` of which the highest
time holds; they name the message's keywords, one a line, and may be empty (Courier's
README.imapkeywords). Nothing in that directory is changed here, so Courier can have it back.
"""

import logging
import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

from maildird.maildir.folders import change_flags, list_folder
from maildird.maildir.keywords import is_keyword, read_keywords, write_keywords
from maildird.maildir.names import mask_of_letters, parse_name
from maildird.maildir.plain_files import read_regular
from maildird.terms.errors import Refused
from maildird.terms.flags import LETTER_KEYWORDS, keyword_bit

logger = logging.getLogger(__name__)

DIRECTORY: Final = b"courierimapkeywords"
LIST: Final = b":list"

_DATED: Final = re.compile(rb"\.(\d{1,18})\.(.+)", re.DOTALL)


def read_courier_keywords(folder: bytes) -> dict[bytes, frozenset[str]]:
    """The keywords of each base name that has any; empty when Courier keeps none. OSError."""
    directory = os.path.join(folder, DIRECTORY)
    try:
        keywords = _read_list(os.path.join(directory, LIST))
        keywords |= {
            base: _read_names(os.path.join(directory, file))
            for base, file in _latest(os.listdir(directory)).items()
        }
    except (FileNotFoundError, NotADirectoryError):
        return {}
    return {base: names for base, names in keywords.items() if names}


def take_over_courier_keywords(folder: bytes) -> None:
    """Give the messages of a folder the letters of Courier's keywords, and letters their names.

    May be done again when it was cut short. What can't be taken over is said in the log: the mail
    is served without it.
    """
    try:
        _take_over(folder, read_courier_keywords(folder))
    except (OSError, Refused) as error:
        logger.warning(
            "Courier's keywords in %s can't be taken over: %s", os.fsdecode(folder), error
        )


def _take_over(folder: bytes, wanted: Mapping[bytes, frozenset[str]]) -> None:
    if not wanted:
        return
    files = {name: parse_name(name.partition(b"/")[2]) for name in list_folder(folder).names}
    used = frozenset(letter for name in files.values() for letter in name.letters)
    words = sorted({word for words in wanted.values() for word in words})
    keywords = _with_letters(read_keywords(folder), used, words)
    write_keywords(folder, keywords)
    bits = {word.lower(): keyword_bit(number) for number, word in enumerate(keywords) if word}
    for name, parsed in files.items():
        mask = sum({bits.get(word.lower(), 0) for word in wanted.get(parsed.base, ())})
        if mask:
            with suppress(FileNotFoundError):
                mask |= mask_of_letters(parsed.letters)
                change_flags(folder, name, mask, sum(bits.values()))
    lost = [word for word in words if word.lower() not in bits]
    if lost:
        logger.warning(
            "%s has more keywords than letters; left out: %s", os.fsdecode(folder), " ".join(lost)
        )


def _with_letters(
    present: tuple[str, ...], used: frozenset[int], wanted: Sequence[str]
) -> tuple[str, ...]:
    """`present` with a number for each keyword wanted, where there is one that no file uses."""
    names = list(present) + [""] * (LETTER_KEYWORDS - len(present))
    known = {name.lower() for name in present}
    free = [n for n, name in enumerate(names) if not name and ord("a") + n not in used]
    for word in wanted:
        if word.lower() not in known and free:
            names[free.pop(0)] = word
            known.add(word.lower())
    return tuple(names)


def _read_list(path: bytes) -> dict[bytes, frozenset[str]]:
    try:
        lines = read_regular(path).split(b"\n")
    except FileNotFoundError:
        return {}
    end = lines.index(b"") if b"" in lines else len(lines)
    names = dict(enumerate(lines[:end]))
    keywords = {}
    for line in lines[end + 1 :]:
        base, _colon, numbers = line.rpartition(b":")
        words = [names.get(int(n), b"") for n in numbers.split() if n.isdigit() and len(n) < 10]
        keywords[base] = _keywords_among(words)
    return keywords


def _latest(files: Sequence[bytes]) -> Mapping[bytes, bytes]:
    """The file that holds for each base name: the undated one, else that of the highest time."""
    latest: dict[bytes, tuple[int, bytes]] = {}
    for file in files:
        dated = _DATED.fullmatch(file)
        if dated is not None and int(dated[1]) >= latest.get(dated[2], (0, b""))[0]:
            latest[dated[2]] = int(dated[1]), file
    undated = {file: file for file in files if file != LIST and not file.startswith(b".")}
    return {base: file for base, (_time, file) in latest.items()} | undated


def _read_names(path: bytes) -> frozenset[str]:
    try:
        return _keywords_among(read_regular(path).split())
    except FileNotFoundError:
        return frozenset()


def _keywords_among(words: Sequence[bytes]) -> frozenset[str]:
    return frozenset(word.decode("ascii") for word in words if is_keyword(word))
