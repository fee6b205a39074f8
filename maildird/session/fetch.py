"""FETCH and UID FETCH (RFC 3501 section 6.4.5, RFC 7162 sections 3.1.4 and 3.2.6).

Theory of operation. UID, FLAGS and MODSEQ are columns of the view and are rendered from there in
bulk, at the moment when a response is sent. The other items are computed before, a portion of
messages at a time: from facts that the index has, or else in a worker thread that reads the
messages, a few hundred KiB of answers at most. Facts that had to be computed are given to the
index, many together, after they were sent. While it takes them over no more are computed, for a
while at least: two threads that both go in and out of Python all the time cost much more than one
after the other. Where the index knows nothing of thousands of messages, of a tree that was never
seen, processes describe them ahead.

A long message is not held while its client takes it: it is read once more, piece by piece.

A portion of which whole bodies were asked gets its \\Seen, in one turn of the door, after it was
read and before it is sent: what could not be read does not become seen, and the new flags stand in
the same response (RFC 3501 section 6.4.5).

One command could ask for a message thousands of times over, a little different each time. So the
sections of a command are counted, and their octets are measured against the message.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

import trio

from maildird.imap.commands.fetch import Fetch, FetchAttribute, FetchSection
from maildird.index.rows import Facts
from maildird.mailbox.results import FlagChangeHow
from maildird.maildir.long_content import Stretch, open_content
from maildird.session.answers import Answer, answer_to_partial
from maildird.session.describing_ahead import described_ahead
from maildird.session.fetch_columns import KnownItems, known_items
from maildird.session.fetch_items import Item, Piece, is_fact
from maildird.session.fetch_lines import Shape, chunks, fetch_heads, fetch_lines, picked
from maildird.session.looking import all_at_hand, look, takes_no_time
from maildird.session.numbers import Slice
from maildird.session.replies import Replies
from maildird.session.resynchronising import changed_rows, tell_vanished
from maildird.session.state import Session
from maildird.session.sync import tell
from maildird.session.threads import in_thread
from maildird.terms.codes import Code
from maildird.terms.errors import Malformed, Refused
from maildird.terms.flags import SEEN
from maildird.terms.sets import UidSet

logger = logging.getLogger(__name__)

PORTION: Final = 256
"""Messages of one portion at most."""

LEARNT_TOGETHER: Final = 1 << 20
"""Octets of facts that are given to the index together."""

LEARNING: Final = 0.1
"""Seconds that the index has to take them over before more are computed."""

MOST_SECTIONS: Final = 256
"""Different sections that one command may ask for."""

_COLUMNS: Final = (FetchAttribute.UID, FetchAttribute.FLAGS, FetchAttribute.MODSEQ)


async def fetch(session: Session, command: Fetch) -> Answer:
    """Serve what can be served; a message that can't be read makes it a NO, after the others."""
    if command.vanished and not session.qresync:
        raise Malformed("VANISHED needs QRESYNC to be enabled first: ENABLE QRESYNC")
    shape = _shape(command)
    if shape.modseq:
        session.enable_condstore()
    slices = session.slices(command.messages)
    if command.changed_since is None:
        rows = _joined(slices)
    else:
        if command.vanished and isinstance(command.messages, UidSet):
            # `*` is the largest UID that the client can know, be that message there or not.
            asked = command.messages.resolve(session.mailbox.view.uidnext - 1)
            await tell_vanished(session, asked, command.changed_since)
        rows = changed_rows(session, slices, command.changed_since)
    session.modseq_told = session.modseq_told or (shape.modseq and bool(rows))
    items = tuple(dict.fromkeys(item for item in command.items if item not in _COLUMNS))
    if len(items) > MOST_SECTIONS:
        raise Refused(
            Code.LIMIT, f"FETCH asks for at most {MOST_SECTIONS} sections; use several commands"
        )
    if not items:
        await _serve_columns(session, rows, shape)
        return Answer("FETCH done")
    service = _Service(session, shape, items, known_items(items))
    await service.serve_all(rows)
    service.end()
    return answer_to_partial("FETCH", service.trouble) or Answer("FETCH done")


def _shape(command: Fetch) -> Shape:
    """UID FETCH has UID, CHANGEDSINCE has MODSEQ (RFC 7162 section 3.1.4.1), asked for or not."""
    return Shape(
        uid=command.uid or FetchAttribute.UID in command.items,
        flags=FetchAttribute.FLAGS in command.items,
        modseq=command.changed_since is not None or FetchAttribute.MODSEQ in command.items,
    )


def _joined(slices: list[Slice]) -> Sequence[int]:
    if len(slices) == 1:
        return range(*slices[0])
    return [at for part in slices for at in range(*part)]


async def _serve_columns(session: Session, rows: Sequence[int], shape: Shape) -> None:
    mailbox = session.mailbox
    for some in chunks(rows):
        session.replies.write(fetch_lines(mailbox.view, mailbox.keywords, some, shape))
        await session.replies.drain()


@dataclass(slots=True)
class _Service:
    """Serves one FETCH, portion by portion; `trouble` gathers what could not be read.

    `known` is there when the index may have all that is asked for. `learnt` are facts, of so many
    `octets`, that the index is still to be given.
    """

    session: Session
    shape: Shape
    items: tuple[Item, ...]
    known: KnownItems | None
    trouble: list[Exception] = field(default_factory=list)
    learnt: dict[int, Facts] = field(default_factory=dict)
    octets: int = 0

    @property
    def marks_seen(self) -> bool:
        """Whether whole bodies are asked for, and not only peeked at."""
        asked = any(isinstance(item, FetchSection) and not item.peek for item in self.items)
        return asked and not self.session.mailbox.read_only

    async def serve_all(self, rows: Sequence[int]) -> None:
        """Answer for many messages, a portion at a time."""
        mailbox = self.session.mailbox
        view = mailbox.view
        facts_of = () if self.known is None else picked(view.uids, rows)
        async with described_ahead(mailbox, facts_of) as reach:
            for some in chunks(rows, PORTION):
                await reach(view.uids[some[-1]])
                await self.serve(some)

    def end(self) -> None:
        """Give the index the rest of what was learnt."""
        if self.learnt:
            self._hand_over()

    async def serve(self, rows: Sequence[int]) -> None:
        """Answer for the messages in these rows."""
        mailbox = self.session.mailbox
        while rows:
            uids = picked(mailbox.view.uids, rows)
            count = 0 if self.known is None else await self._serve_known(self.known, rows, uids)
            if not count:
                known: Mapping[int, Facts] = {}
                count = len(uids)
                if any(map(is_fact, self.items)):
                    known, count = mailbox.facts(uids)
                await self._serve_knowing(rows[:count], uids[:count], known)
            rows = rows[count:]

    async def _serve_known(
        self, known: KnownItems, rows: Sequence[int], uids: Sequence[int]
    ) -> int:
        """Answer for the first of the messages out of the index alone, if it has all; how many."""
        mailbox = self.session.mailbox
        columns = None if self.marks_seen else known.columns(mailbox, uids)
        if not columns:
            return 0
        count = len(columns[0].values)
        lines = fetch_lines(mailbox.view, mailbox.keywords, rows[:count], self.shape, columns)
        self.session.replies.write(lines)
        await self.session.replies.drain()
        return count

    async def _serve_knowing(
        self, rows: Sequence[int], uids: Sequence[int], known: Mapping[int, Facts]
    ) -> None:
        mailbox = self.session.mailbox
        ready = [all_at_hand(self.items, known.get(uid)) for uid in uids]
        if None not in ready:
            await self._send(rows, ready)
            return
        if len(uids) == 1 and await self._serve_at_once(rows, uids[0], known.get(uids[0])):
            return
        open_ = mailbox.reader(uids, open_content)
        done = 0
        while done < len(rows):
            looked = await in_thread(partial(look, self.items, uids[done:], known, open_))
            try:
                self.trouble += looked.trouble
                await self._send(rows[done : done + len(looked.answers)], looked.answers)
            finally:
                looked.close()
            await self._learn(looked.learnt)
            done += len(looked.answers)

    async def _serve_at_once(self, rows: Sequence[int], uid: int, facts: Facts | None) -> bool:
        """Answer for one message without a thread, if that is a matter of a moment."""
        if not takes_no_time(self.items, facts):
            return False
        content = self.session.mailbox.read_at_once(uid)
        if content is None:
            return False
        known = {} if facts is None else {uid: facts}
        looked = look(self.items, [uid], known, lambda _uid: content)
        self.trouble += looked.trouble
        await self._send(rows, looked.answers)
        return True

    async def _learn(self, learnt: Mapping[int, Facts]) -> None:
        self.learnt.update(learnt)
        self.octets += sum(facts.octets for facts in learnt.values())
        if self.octets >= LEARNT_TOGETHER:
            taken_over = self._hand_over()
            with trio.move_on_after(LEARNING):
                await taken_over.wait()

    def _hand_over(self) -> trio.Event:
        learnt, self.learnt, self.octets = self.learnt, {}, 0
        return self.session.mailbox.learn(learnt)

    async def _send(self, rows: Sequence[int], answers: Sequence[Sequence[Piece] | None]) -> None:
        """Write the responses of those that have an answer."""
        served = [at for at, answer in zip(rows, answers, strict=True) if answer is not None]
        seen = await self._mark_seen(served) if self.marks_seen else set()
        mailbox, replies = self.session.mailbox, self.session.replies
        shape, condstore = self.shape, self.session.condstore
        full = Shape(shape.uid or condstore, True, shape.modseq or condstore)
        heads = fetch_heads(mailbox.view, mailbox.keywords, rows, shape)
        full_heads = fetch_heads(mailbox.view, mailbox.keywords, rows, full if seen else shape)
        for at, answer, head, full_head in zip(rows, answers, heads, full_heads, strict=True):
            if answer is not None:
                replies.write(full_head if at in seen else head)
                for piece in answer:
                    if isinstance(piece, bytes):
                        replies.write(piece)
                    else:
                        await _send_stretch(replies, piece)
                replies.write(b")\r\n")
                await replies.drain()

    async def _mark_seen(self, rows: Sequence[int]) -> set[int]:
        """Set \\Seen; gives the rows whose flags changed. Mail can be read where that fails."""
        mailbox = self.session.mailbox
        view = mailbox.view
        unseen = [view.uids[at] for at in rows if not view.masks[at] & SEEN]
        if not unseen:
            return set()
        try:
            await mailbox.store(unseen, FlagChangeHow.ADD, ("\\Seen",))
        except (Refused, OSError) as error:
            logger.warning("could not mark messages as seen that were read: %s", error)
        changes = mailbox.pull(may_expunge=False)
        told_here = {change.seq - 1 for change in changes.flags} & set(rows)
        others = tuple(c for c in changes.flags if c.seq - 1 not in told_here)
        await tell(self.session, replace(changes, flags=others))
        self.session.modseq_told = self.session.modseq_told or self.session.condstore
        return told_here


async def _send_stretch(replies: Replies, stretch: Stretch) -> None:
    """Send a piece of a long message that stands amid a response.

    The connection is of no more use when it can't be read to its end, for its length was told.
    """
    pieces = stretch.pieces()
    left = len(stretch)
    with replies.unfinished():
        while left:
            try:
                piece = await trio.to_thread.run_sync(next, pieces, b"")
            except OSError as error:
                logger.error("a message can't be read while it is sent: %s", error.strerror)
                piece = b""
            if not piece:
                raise trio.BrokenResourceError("a message became shorter while it was sent")
            replies.write(piece)
            left -= len(piece)
            await replies.drain()
