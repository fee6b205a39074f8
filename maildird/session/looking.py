"""Looking at the messages of a FETCH, one after the other, for what columns don't tell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

from maildird.imap.commands.fetch import FetchSection
from maildird.index.rows import Facts
from maildird.maildir.long_content import Stretch
from maildird.session.fetch_items import Item, Piece, at_hand, is_fact, looked_up
from maildird.session.messages import Message, Open
from maildird.terms.codes import Code
from maildird.terms.errors import MessageGone, Refused

ENOUGH: Final = 256 * 1024
"""Octets of answers that end a portion."""


def all_at_hand(items: Sequence[Item], facts: Facts | None) -> Sequence[Piece] | None:
    """All items out of facts, None when the message has to be read for one of them."""
    if facts is None:
        return None
    answers = [at_hand(item, facts) for item in items]
    known = [answer for answer in answers if answer is not None]
    return [b" ".join(known)] if len(known) == len(answers) else None


def takes_no_time(items: Sequence[Item], facts: Facts | None) -> bool:
    """Whether a message that is short need only be read, and not be looked into."""
    return all(
        facts is not None
        if is_fact(item)
        else isinstance(item, FetchSection) and not item.section.part
        for item in items
    )


@dataclass(frozen=True, slots=True)
class Looked:
    """Answers for the first messages of those that were to be looked at; None where it failed.

    Close it when they are sent.
    """

    answers: list[Sequence[Piece] | None] = field(default_factory=list)
    learnt: dict[int, Facts] = field(default_factory=dict)
    trouble: list[Exception] = field(default_factory=list)

    def close(self) -> None:
        """Close the files of long messages."""
        for piece in chain.from_iterable(filter(None, self.answers)):
            if isinstance(piece, Stretch):
                piece.content.close()


def look(
    items: Sequence[Item], uids: Sequence[int], known: Mapping[int, Facts], open_: Open
) -> Looked:
    """Look at messages, one after the other, until the answers are `ENOUGH`; in a worker thread."""
    looked = Looked()
    size = 0
    for uid in uids:
        message = Message(uid, known.get(uid), open_)
        try:
            answer = _answer(items, message)
        except (MessageGone, Refused, OSError) as error:
            message.close()
            looked.trouble.append(error)
            looked.answers.append(None)
        else:
            if not any(isinstance(piece, Stretch) for piece in answer):
                message.close()
            looked.answers.append(answer)
            size += sum(map(len, answer))
        if message.learnt is not None:
            looked.learnt[uid] = message.learnt
        if size >= ENOUGH:
            break
    return looked


def _answer(items: Sequence[Item], message: Message) -> Sequence[Piece]:
    """All items of one message; Refused when its sections together are several times as long."""
    pieces: list[Piece] = []
    octets = 0
    for item in items:
        if pieces:
            pieces.append(b" ")
        looked = looked_up(item, message)
        pieces += looked
        octets += sum(map(len, looked)) if isinstance(item, FetchSection) else 0
        if octets > ENOUGH and octets > 4 * message.size + ENOUGH:
            raise Refused(
                Code.LIMIT,
                "the sections together are several times as long as the message;"
                " use several commands",
            )
    return pieces
