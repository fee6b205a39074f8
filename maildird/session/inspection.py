"""Looking at messages for the search keys that columns can't answer: facts first, then the file.

Runs in a worker thread, one message after the other, so that only one message's content is held at
a time.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from maildird.imap.commands import search as keys
from maildird.imap.commands.search import SearchKey
from maildird.index.rows import Facts
from maildird.maildir.content import Content
from maildird.mime.casemap import Phrase, Text
from maildird.mime.common_header import common_header_fields
from maildird.mime.search import body_text, header_text, header_values
from maildird.mime.sent_date import sent_date
from maildird.session.describe import internaldate
from maildird.session.messages import Read
from maildird.session.ranges import dates_wanted, is_sent, sizes_wanted
from maildird.session.verdicts import MAYBE, NO, YES, Columns, leaves, verdicts
from maildird.terms.errors import MessageGone
from maildird.terms.once import once


@dataclass(frozen=True, slots=True)
class Inspected:
    """What came of a look at some messages.

    `found` are the rows that match. `trouble` is what was raised by messages that could not be
    read, or had gone.
    """

    found: list[int] = field(default_factory=list)
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
    questions = Questions(leaves(key), columns.now)
    for at in rows:
        message = Searched(columns.uids[at], facts.get(columns.uids[at]), read)

        def look(leaf: SearchKey, at: int, message: Searched = message) -> int:
            try:
                return YES if questions.holds(leaf, message) else NO
            except (MessageGone, OSError) as error:
                result.trouble.append(error)
                return MAYBE

        if verdicts(key, columns, [at], look) == bytes([YES]):
            result.found.append(at)
    return result


class Searched:
    """A message as searches see it; each thing about it is made once, when it is asked for.

    What is asked raises MessageGone, or OSError, when the message has to be read and can't be.
    """

    def __init__(self, uid: int, known: Facts | None, read: Read) -> None:
        self._uid = uid
        self._known = known
        self._read = read

    @once
    def content(self) -> Content:
        """The message in wire form."""
        return self._read(self._uid)

    @once
    def header_text(self) -> Text:
        """The header's share of TEXT."""
        return Text(header_text(self.content.data))

    @once
    def body_text(self) -> Text:
        """BODY, and the body's share of TEXT."""
        return Text(body_text(self.content.data))

    @property
    def size(self) -> int:
        """In octets."""
        return self._known.size if self._known else len(self.content.data)

    @property
    def internaldate(self) -> int:
        """In Unix seconds."""
        return self._known.internaldate if self._known else internaldate(self.content.internaldate)

    def header_with(self, name: str) -> bytes:
        """Bytes in which all header fields called `name` stand: of the index, or the file."""
        if self._known is not None and name.isascii():
            fields = common_header_fields(self._known.header, [name.encode("ascii")])
            if fields is not None:
                return fields
        return self.content.data


class Questions:
    """Keys that columns can't answer, made ready to be asked of many messages."""

    def __init__(self, asked: Iterable[SearchKey], now: int) -> None:
        """`now` is in Unix seconds; what columns can answer may be among the keys."""
        self._now = now
        self._phrases: dict[SearchKey, Phrase] = {
            key: Phrase(key.value)
            for key in asked
            if isinstance(key, keys.InHeader | keys.InBody | keys.InText)
        }

    def holds(self, key: SearchKey, message: Searched) -> bool:
        """Whether the message matches one of the keys."""
        match key:
            case keys.InHeader():
                values = header_values(message.header_with(key.field), key.field)
                return any(self._phrases[key].is_in(Text(value)) for value in values)
            case keys.InBody():
                return self._phrases[key].is_in(message.body_text)
            case keys.InText():
                phrase = self._phrases[key]
                return phrase.is_in(message.header_text) or phrase.is_in(message.body_text)
            case keys.SentDate():
                return is_sent(key, sent_date(message.header_with("Date")))
            case keys.Larger() | keys.Smaller():
                return message.size in sizes_wanted(key)
            case keys.InternalDate() | keys.Older() | keys.Younger():
                return message.internaldate in dates_wanted(key, self._now)
            case _:
                raise TypeError(f"the columns answer {type(key).__name__}")
