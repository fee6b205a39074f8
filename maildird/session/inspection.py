"""Looking at messages for the search keys that columns can't answer: facts first, then the file.

Runs in a worker thread, one message after the other, so that only one message's content is held at
a time. What nobody had computed about a message yet is learnt on the way.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from maildird.imap.commands import search as keys
from maildird.imap.commands.search import SearchKey
from maildird.index.rows import Facts
from maildird.mime.casemap import Phrase, Text
from maildird.mime.common_header import common_header_fields
from maildird.mime.search import body_text, header_text, header_values
from maildird.mime.sent_date import sent_date
from maildird.session.messages import Message, Read
from maildird.session.ranges import dates_wanted, is_sent, sizes_wanted
from maildird.session.verdicts import MAYBE, NO, YES, Columns, leaves, verdicts
from maildird.terms.errors import MessageGone


@dataclass(frozen=True, slots=True)
class Inspected:
    """What came of a look at some messages.

    `found` are the rows that match. `learnt` holds facts that the index lacked, by UID; `trouble`
    is what was raised by messages that could not be read, or had gone.
    """

    found: list[int] = field(default_factory=list)
    learnt: dict[int, Facts] = field(default_factory=dict)
    trouble: list[Exception] = field(default_factory=list)


def inspect(
    key: SearchKey,
    columns: Columns,
    rows: Sequence[int],
    facts: Mapping[int, Facts],
    read: Read,
) -> Inspected:
    """Look at the messages in `rows`; `facts` are those that the index has."""
    result = Inspected()
    phrases: dict[SearchKey, Phrase] = {
        leaf: Phrase(leaf.value)
        for leaf in leaves(key)
        if isinstance(leaf, keys.InHeader | keys.InBody | keys.InText)
    }
    for at in rows:
        message = _Searched(columns.uids[at], facts.get(columns.uids[at]), read)

        def look(leaf: SearchKey, at: int, message: _Searched = message) -> int:
            try:
                return YES if _holds(leaf, message, phrases, columns.now) else NO
            except (MessageGone, OSError) as error:
                result.trouble.append(error)
                return MAYBE

        if verdicts(key, columns, [at], look) == bytes([YES]):
            result.found.append(at)
        if message.learnt is not None:
            result.learnt[message.uid] = message.learnt
    return result


class _Searched(Message):
    """A message with its text as searches see it."""

    @cached_property
    def header_text(self) -> Text:
        return Text(header_text(self.content.data))

    @cached_property
    def body_text(self) -> Text:
        return Text(body_text(self.content.data))

    def header_with(self, name: str) -> bytes:
        """Bytes in which all header fields called `name` stand: of the index, or the file."""
        if name.isascii():
            fields = common_header_fields(self.facts.header, [name.encode("ascii")])
            if fields is not None:
                return fields
        return self.content.data


def _holds(
    key: SearchKey, message: _Searched, phrases: Mapping[SearchKey, Phrase], now: int
) -> bool:
    match key:
        case keys.InHeader():
            values = header_values(message.header_with(key.field), key.field)
            return any(phrases[key].is_in(Text(value)) for value in values)
        case keys.InBody():
            return phrases[key].is_in(message.body_text)
        case keys.InText():
            phrase = phrases[key]
            return phrase.is_in(message.header_text) or phrase.is_in(message.body_text)
        case keys.SentDate():
            return is_sent(key, sent_date(message.header_with("Date")))
        case keys.Larger() | keys.Smaller():
            return message.facts.size in sizes_wanted(key)
        case keys.InternalDate() | keys.Older() | keys.Younger():
            return message.facts.internaldate in dates_wanted(key, now)
        case _:
            raise TypeError(f"the columns answer {type(key).__name__}")
