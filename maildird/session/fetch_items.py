"""The items of FETCH that tell of a message's content (RFC 3501 section 7.4.2), one by one.

What the index knows is *at hand*: it is answered without a file and without a thread. Everything
else reads the message.
"""

from typing import Final

from maildird.imap.commands.fetch import FetchAttribute, FetchSection
from maildird.imap.rendering import date_time, literal
from maildird.index.rows import Facts
from maildird.maildir.long_content import PIECE, LongContent, Stretch
from maildird.mime.common_header import common_header_fields
from maildird.mime.sections import place_of, section
from maildird.session.messages import Message
from maildird.terms.section import Section, SectionText

Item = FetchAttribute | FetchSection

Piece = bytes | Stretch
"""A part of a response: octets, or where they are to be found when they are sent."""

WHOLE: Final = Section((), None)
"""All of a message."""

_OF_FIELDS: Final = (SectionText.HEADER_FIELDS, SectionText.HEADER_FIELDS_NOT)


def name_of(item: Item) -> bytes:
    """How `item` is called in a response."""
    return item.label if isinstance(item, FetchSection) else item.value.encode("ascii")


def is_fact(item: Item) -> bool:
    """Whether the index may know the answer to `item`."""
    if isinstance(item, FetchAttribute):
        return True
    return not item.section.part and item.section.text is SectionText.HEADER_FIELDS


def at_hand(item: Item, facts: Facts) -> bytes | None:
    """`item` with its name, out of facts; None when the message has to be read."""
    if isinstance(item, FetchAttribute):
        return name_of(item) + b" " + _of_facts(item, facts)
    if not is_fact(item):
        return None
    fields = common_header_fields(facts.header, item.section.fields)
    return None if fields is None else _named(item, fields)


def looked_up(item: Item, message: Message) -> list[Piece]:
    """`item` with its name, from a message that may have to be read.

    Raises MessageGone, or OSError when it can't be read. Belongs in a worker thread.
    """
    answer = at_hand(item, message.facts) if is_fact(item) else None
    if answer is not None:
        return [answer]
    assert isinstance(item, FetchSection)
    if message.long is not None and item.section.text not in _OF_FIELDS:
        return _of_long(item, message, message.long)
    return [_named(item, section(message.content.data, item.section))]


def _of_long(item: FetchSection, message: Message, content: LongContent) -> list[Piece]:
    """A section of a long message; what is long of it stays where it is."""
    place: range | None = range(content.size)
    if item.section != WHOLE:
        place = place_of(message.content.data, item.section)
    if place is None:
        return [_named(item, None)]
    if item.partial is not None:
        first, count = item.partial
        place = place[first : first + count]
    stretch = Stretch(content, place.start, place.stop)
    if len(stretch) <= PIECE:  # no file has to stay open for that
        return [item.label + b" " + literal(b"".join(stretch.pieces()))]
    return [item.label + b" {%d}\r\n" % len(stretch), stretch]


def _of_facts(item: FetchAttribute, facts: Facts) -> bytes:
    match item:
        case FetchAttribute.INTERNALDATE:
            return date_time(facts.internaldate)
        case FetchAttribute.RFC822_SIZE:
            return b"%d" % facts.size
        case FetchAttribute.ENVELOPE:
            return facts.envelope
        case FetchAttribute.BODY:
            return facts.body
        case FetchAttribute.BODYSTRUCTURE:
            return facts.bodystructure
        case _:
            raise ValueError(f"{item.value} is a column of the view")


def literal_of(item: FetchSection, octets: bytes) -> bytes:
    """What is asked of a section, as a literal."""
    if item.partial is not None:
        first, count = item.partial
        octets = octets[first : first + count]
    return literal(octets)


def _named(item: FetchSection, octets: bytes | None) -> bytes:
    """A section's name and value; made in one go, for messages can be large."""
    return item.label + b" " + (b"NIL" if octets is None else literal_of(item, octets))
