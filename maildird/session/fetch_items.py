"""The items of FETCH that tell of a message's content (RFC 3501 section 7.4.2), one by one.

What the index knows is *at hand*: it is answered without a file and without a thread. Everything
else reads the message.
"""

from maildird.imap.commands.fetch import FetchAttribute, FetchSection
from maildird.imap.rendering import date_time, literal
from maildird.index.rows import Facts
from maildird.mime.common_header import common_header_fields
from maildird.mime.sections import section
from maildird.session.messages import Message
from maildird.terms.section import SectionText

Item = FetchAttribute | FetchSection


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


def looked_up(item: Item, message: Message) -> bytes:
    """`item` with its name, from a message that may have to be read.

    Raises MessageGone, or OSError when it can't be read. Belongs in a worker thread.
    """
    answer = at_hand(item, message.facts) if is_fact(item) else None
    if answer is None:
        assert isinstance(item, FetchSection)
        answer = _named(item, section(message.content.data, item.section))
    return answer


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
