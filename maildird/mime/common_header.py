"""The header fields that clients always ask for, kept so that the file needn't be read.

The set is the union of what clients name when they first see a message (mutt and neomutt,
Thunderbird and its Android kin, Apple Mail, Evolution, Roundcube, mbsync) and of what their users
commonly add. `Received` is not in it: few ask for it, and it would be most of what is kept.

A common header is kept taken apart, so that to give some of its fields none has to be read:

    common-header = layout *(NUL field)
    layout        = *OCTET    ; what each field is called, by its place in COMMON_FIELDS, from 1 on

Fields stand as they do in the message, line end included, and in its order. It is empty where they
are too long to be kept: every request then needs the message itself. Mail of one origin has the
same fields in the same order, so that what to pick for a request is worked out once a layout.
"""

from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import Final

MAX_KEPT: Final = 64 * 1024
"""Octets of common header above which nothing is kept."""

COMMON_FIELDS: Final = (
    # Who, what, when (RFC 5322 section 3.6)
    *(b"Date", b"From", b"Sender", b"Reply-To", b"To", b"Cc", b"Bcc", b"Subject", b"Message-ID"),
    *(b"In-Reply-To", b"References", b"Resent-Message-ID", b"Newsgroups", b"Auto-Submitted"),
    *(b"Mail-Followup-To", b"Mail-Reply-To", b"Disposition-Notification-To"),
    # How it came here
    *(b"Return-Path", b"Delivered-To", b"Envelope-To", b"X-Original-To"),
    # What it is made of (RFC 2045)
    *(b"MIME-Version", b"Content-Type", b"Content-Transfer-Encoding", b"Content-Description"),
    *(b"Content-Disposition", b"Content-Class", b"Lines"),
    # How much it matters
    *(b"Importance", b"Priority", b"X-Priority", b"X-MSMail-Priority", b"Precedence"),
    *(b"X-Spam-Flag", b"X-Spam-Level", b"X-Spam-Score", b"X-Spam-Status"),
    # Mailing lists (RFC 2369, RFC 2919, RFC 8058 and what came before them)
    *(b"List-Archive", b"List-Help", b"List-Id", b"List-Owner", b"List-Post", b"List-Subscribe"),
    *(b"List-Unsubscribe", b"List-Unsubscribe-Post", b"Mailing-List", b"Originator"),
    *(b"X-BeenThere", b"X-List", b"X-Loop", b"X-Mailing-List"),
    # What single clients write and look for again
    *(b"X-Calendar-Attachment", b"X-Draft-Info", b"X-K9mail-Identity", b"X-Label", b"X-TUID"),
    *(b"X-Mail-Created-Date", b"X-Uniform-Type-Identifier", b"X-Universally-Unique-Identifier"),
)

NUMBERS: Final = {name.lower(): number for number, name in enumerate(COMMON_FIELDS, 1)}
"""By which number a layout calls a field; who changes it makes indexes worthless."""

COMMON: Final = frozenset(NUMBERS)

_BETWEEN: Final = b"\0"
"""No message has it in wire form."""

_MOST_LAYOUTS: Final = 1000
"""Layouts that are remembered at a time."""


def keep_common(layout: bytes, fields: Sequence[bytes]) -> bytes:
    """The common header that has these fields, which are without the LF at their ends."""
    header = b"%b\0%b%b" % (layout, b"\n\0".join(fields), b"\n" if fields else b"")
    fits = len(header) <= MAX_KEPT and header.count(_BETWEEN) == max(len(fields), 1)
    return header if fits else b""


def written_out(header: bytes) -> bytes:
    """A common header as a header, with the empty line; empty where nothing was kept."""
    return header and header.partition(_BETWEEN)[2].replace(_BETWEEN, b"") + b"\r\n"


def common_header_fields(header: bytes, names: Iterable[bytes]) -> bytes | None:
    """HEADER.FIELDS (`names`) answered from a common header.

    None where a name lies outside the set, or nothing was kept: the message has to be read.
    """
    names = tuple(names)
    return FieldPicker(names).pick(header) if header and are_common(names) else None


def are_common(names: Iterable[bytes]) -> bool:
    """Whether these fields (any case) are all in the set."""
    return COMMON.issuperset(name.lower() for name in names)


class FieldPicker:
    """Answers one HEADER.FIELDS from many common headers; all names have to be in the set."""

    def __init__(self, names: Iterable[bytes]) -> None:
        self._wanted = frozenset(NUMBERS[name.lower()] for name in names)
        self._by_layout: dict[bytes, Callable[[list[bytes]], Sequence[bytes]]] = {}

    def pick(self, header: bytes) -> bytes:
        """The fields in a common header that isn't empty, and the empty line."""
        fields = header.split(_BETWEEN)
        choose = self._by_layout.get(fields[0]) or self._learn(fields[0])
        return b"".join(choose(fields)) + b"\r\n"

    def _learn(self, layout: bytes) -> Callable[[list[bytes]], Sequence[bytes]]:
        places = [at for at, number in enumerate(layout, 1) if number in self._wanted]
        if len(self._by_layout) >= _MOST_LAYOUTS:
            self._by_layout.clear()
        self._by_layout[layout] = choose = _chooser(places)
        return choose


def _chooser(places: Sequence[int]) -> Callable[[list[bytes]], Sequence[bytes]]:
    """Gives what stands at these places of a list."""
    if len(places) > 1:
        return itemgetter(*places)
    return itemgetter(slice(places[0], places[0] + 1) if places else slice(0))
