"""What must hold for any octets: one function for each parser, for whoever makes the octets up.

Each takes octets and a directory for files, and raises when it found something: an exception that
the parser's documentation doesn't name, more output than the input explains, or a value that is
written and then read as another.
"""

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from maildird.imap.connection import BadRequest, Connection, Overrun
from maildird.imap.table import State
from maildird.maildir.courier_keywords import DIRECTORY, LIST, read_courier_keywords
from maildird.maildir.keywords import KEYWORDS, is_keyword, read_keywords, write_keywords
from maildird.maildir.layouts import Fs, MaildirPlusPlus
from maildird.maildir.letterless import FILE as LETTERLESS
from maildird.maildir.letterless import read_letterless, write_letterless
from maildird.maildir.subscriptions import change_subscription, read_subscriptions
from maildird.maildir.uidlists import COURIER, DOVECOT, UidList, read_uidlist, write_uidlist
from maildird.mime.addresses import parse_addresses
from maildird.mime.casemap import fold
from maildird.mime.common_header import MAX_KEPT
from maildird.mime.describe import describe
from maildird.mime.encoded_words import decode_field
from maildird.mime.header import split_fields, unfold
from maildird.mime.parameter_text import parameter_text
from maildird.mime.parameters import parse_content_type, parse_disposition
from maildird.mime.search import body_text, header_text
from maildird.mime.sections import section
from maildird.mime.sent_date import sent_date
from maildird.mime.walk import MAX_DEPTH, MAX_PARTS, Part, walk
from maildird.terms import mutf7
from maildird.terms.flags import MAX_KEYWORDS
from maildird.terms.section import Section, SectionText
from tests.imap.feeding import LIMITS, comparable, events
from tests.mime.imap_values import check_body, check_envelope, read

Harness = Callable[[bytes, Path], None]

STATES = (State.NOT_AUTHENTICATED, State.AUTHENTICATED, State.SELECTED)

ROOM = 1000
"""Octets that a short answer may have."""


def commands(data: bytes, scratch: Path) -> None:
    """A client's octets, however they are cut; the first says where the connection stands, the
    second how long the pieces are."""
    state, step, stream = STATES[sum(data[:1]) % 3], sum(data[1:2]) or 1, data[2:]
    connection = Connection(LIMITS, state)
    found = events(connection, *(stream[at : at + step] for at in range(0, len(stream), step)))
    assert comparable(found) == comparable(events(Connection(LIMITS, state), stream))
    assert len(found) <= 2 * len(stream) + 1
    assert not any(isinstance(event, Overrun) for event in found[:-1])
    for event in found:
        if isinstance(event, BadRequest | Overrun):
            assert len(str(event.error)) <= ROOM
    assert len(connection.trailing_data()) <= LIMITS.line + LIMITS.append_command


def message(data: bytes, scratch: Path) -> None:
    """A message: what is kept of it, what a search sees, and every section."""
    description = describe(data)
    check_envelope(read(description.envelope))
    check_body(read(description.body), extended=False)
    check_body(read(description.bodystructure), extended=True)
    for rendered in (description.envelope, description.body, description.bodystructure):
        assert len(rendered) <= 300 * len(data) + ROOM
    assert len(description.header) <= MAX_KEPT
    fold(header_text(data)).encode("utf-8")
    fold(body_text(data)).encode("utf-8")
    sent_date(data)
    assert _checked_parts(walk(data), len(data)) <= MAX_PARTS + MAX_DEPTH
    for text in (None, *SectionText):
        for part in ((), (1,), (1, 1), (2,), (2, 1)):
            _check_section(data, Section(part, text, (b"Subject", b"to")))
    head = section(data, Section((), SectionText.HEADER))
    rest = section(data, Section((), SectionText.TEXT))
    assert head is not None
    assert rest is not None
    assert head + rest == data


def _checked_parts(part: Part, end: int) -> int:
    """How many parts there are; each lies inside the one around it."""
    assert 0 <= part.header_start <= part.body_start <= part.body_end <= end
    inner = part.parts or ((part.message,) if part.message else ())
    at = part.body_start
    for each in inner:
        assert each.header_start >= at
        at = each.body_end
    return 1 + sum(_checked_parts(each, part.body_end) for each in inner)


def _check_section(data: bytes, wanted: Section) -> None:
    found = section(data, wanted)
    if found is not None:
        assert len(found) <= len(data) + len(b"\r\n\r\n")


def header(data: bytes, scratch: Path) -> None:
    """The value of a header field, read in every way that any field is."""
    assert b"\n".join(split_fields(data)) == data
    value = unfold(data)
    assert b"\n" not in value
    assert len(decode_field(value).encode("utf-8")) <= 4 * len(value) + ROOM
    assert len(list(parse_addresses(value))) <= 2 * len(value) + 1
    content_type, disposition = parse_content_type(value), parse_disposition(value)
    for parsed in (content_type, disposition):
        for name in (b"name", b"filename", b"charset"):
            text = parameter_text(parsed.parameters, name) if parsed else None
            assert text is None or len(text) <= len(value)


def mailbox_name(data: bytes, scratch: Path) -> None:
    """Modified UTF-7 there and back."""
    spelled = data.decode("utf-8", "surrogateescape")
    with suppress(ValueError):
        assert mutf7.encode(mutf7.decode(spelled)) == spelled
    with suppress(ValueError):
        assert mutf7.decode(mutf7.encode(spelled)) == spelled


def uidlist(data: bytes, scratch: Path) -> None:
    """A list of UIDs, Dovecot's or Courier's; what was read of it is written and read again."""
    folder = os.fsencode(scratch)
    read_ones = [_uidlist_of(folder, name, data) for name in (COURIER, DOVECOT)]
    for found in filter(None, read_ones):
        uids = [entry.uid for entry in found.entries]
        assert uids == sorted(set(uids))
        assert found.next_uid > max(uids, default=0)
        write_uidlist(folder, found)
        assert read_uidlist(folder) == replace(found, damaged=False)
        (scratch / os.fsdecode(DOVECOT)).unlink()


def _uidlist_of(folder: bytes, name: bytes, content: bytes) -> UidList | None:
    path = Path(os.fsdecode(os.path.join(folder, name)))
    path.write_bytes(content)
    try:
        return read_uidlist(folder)
    finally:
        path.unlink()


def keywords(data: bytes, scratch: Path) -> None:
    """The names of keywords; what was read is written and read again."""
    folder = os.fsencode(scratch)
    (scratch / os.fsdecode(KEYWORDS)).write_bytes(data)
    names = read_keywords(folder)
    assert len(names) <= 26
    assert all(not name or is_keyword(name.encode("ascii")) for name in names)
    write_keywords(folder, names)
    assert read_keywords(folder) == names


def letterless(data: bytes, scratch: Path) -> None:
    """Keywords without a letter, of the messages that the octets name themselves; what was read is
    written and read again."""
    folder = os.fsencode(scratch)
    (scratch / os.fsdecode(LETTERLESS)).write_bytes(data)
    bases = {base for line in data.split(b"\n") for base in line.rpartition(b"\t")[2].split(b"/")}
    found = read_letterless(folder, bases)
    assert found is not None
    assert found.keywords.keys() <= bases
    grouped: dict[tuple[str, ...], list[bytes]] = {}
    for base, names in found.keywords.items():
        assert len(names) <= MAX_KEYWORDS
        assert all(is_keyword(name.encode("ascii")) for name in names)
        grouped.setdefault(names, []).append(base)
    write_letterless(folder, lambda: grouped)
    assert read_letterless(folder, bases) == replace(found, damaged=False)


def courier_keywords(data: bytes, scratch: Path) -> None:
    """Courier's list, and behind the first NUL a file of one message."""
    directory = scratch / os.fsdecode(DIRECTORY)
    directory.mkdir(exist_ok=True)
    content, _, changed = data.partition(b"\0")
    (directory / os.fsdecode(LIST)).write_bytes(content)
    (directory / ".17.base").write_bytes(changed)
    for words in read_courier_keywords(os.fsencode(scratch)).values():
        assert words
        assert all(is_keyword(word.encode("ascii")) for word in words)


def subscriptions(data: bytes, scratch: Path) -> None:
    """What is subscribed; one name is taken out and comes back, the others stay."""
    root = os.fsencode(scratch)
    for layout in (MaildirPlusPlus(root, "utf-7"), Fs(root, "utf-8", None)):
        (scratch / "courierimapsubscribed").write_bytes(data)
        (scratch / "subscriptions").unlink(missing_ok=True)
        read_subscriptions(layout)
        (scratch / "subscriptions").write_bytes(data)
        found = read_subscriptions(layout)
        for parts in sorted(found)[:1]:
            change_subscription(layout, parts, False)
            assert read_subscriptions(layout) == found - {parts}
            change_subscription(layout, parts, True)
            assert read_subscriptions(layout) == found


HARNESSES: Mapping[str, Harness] = {
    harness.__name__: harness
    for harness in (
        *(commands, message, header, mailbox_name),
        *(uidlist, keywords, letterless, courier_keywords, subscriptions),
    )
}
