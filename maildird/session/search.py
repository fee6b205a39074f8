"""SEARCH and UID SEARCH (RFC 3501 section 6.4.4, RFC 4731, RFC 5182, RFC 7162 section 3.1.5)."""

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from maildird.imap.commands import search as keys
from maildird.imap.commands.search import Search, SearchKey, SearchReturn
from maildird.imap.responses import EsearchResponse, SearchResponse
from maildird.mailbox.selected import Selected
from maildird.maildir.content import read_content
from maildird.session.answers import Answer, answer_to_partial
from maildird.session.describe import internaldate
from maildird.session.glancing import can_glance, glance
from maildird.session.inspection import inspect
from maildird.session.numbers import check_numbers
from maildird.session.search_processes import WORTH_IT, ask_in_processes
from maildird.session.state import Session
from maildird.session.threads import in_thread
from maildird.session.verdicts import (
    MAYBE,
    UNKNOWN,
    YES,
    Columns,
    asks_for_dates,
    asks_for_facts,
    asks_for_modseq,
    candidates,
    is_in_columns,
    leaves,
    verdicts,
)
from maildird.terms.codes import Code
from maildird.terms.errors import BadCharset, MessageGone
from maildird.terms.sets import SeqSet, UidSet

PORTION: Final = 64
"""Messages that are looked at in one call of a worker thread."""

GLANCES: Final = 4096
"""Messages whose common headers are asked in one call of a worker thread."""

QUICK: Final = 20_000
"""So many rows, times keys, are asked at once; more is left to a worker thread."""


async def search(session: Session, command: Search) -> Answer:
    """Tell what was found; a message that can't be read makes it a NO, after that.

    One that has gone is not found, and the OK says so (RFC 5530 section 3). BadCharset for a
    charset that isn't known.
    """
    if asks_for_modseq(command.key):
        session.enable_condstore()
    for leaf in leaves(command.key):
        if isinstance(leaf, keys.InSet):
            check_numbers(leaf.messages, len(session.mailbox.view))
    columns = _columns(session, command.key)
    saving = command.returns is not None and SearchReturn.SAVE in command.returns
    if saving:
        session.saved = UidSet.EMPTY  # what a NO leaves behind (RFC 5182 section 2.1)
    if command.unknown_charset is not None:
        raise BadCharset(command.unknown_charset)
    rows, trouble = await _find(session.mailbox, command.key, columns)
    _tell(session, command, rows)
    unreadable = [error for error in trouble if not isinstance(error, MessageGone)]
    failure = answer_to_partial("SEARCH", unreadable)
    if failure is not None:
        return failure
    if saving:
        session.saved = UidSet.of_sorted([columns.uids[at] for at in _returned(command, rows)])
    return Answer("SEARCH done", Code.EXPUNGEISSUED if trouble else None)


def names_numbers(command: Search) -> bool:
    """Whether message numbers stand in it: then nothing may renumber them (RFC 7162 3.2.10.2)."""
    sets = (leaf.messages for leaf in leaves(command.key) if isinstance(leaf, keys.InSet))
    return any(isinstance(messages, SeqSet) for messages in sets)


def _columns(session: Session, key: SearchKey) -> Columns:
    view = session.mailbox.view
    sizes, internaldates = _known(session.mailbox) if asks_for_facts(key) else ((), ())
    return Columns(
        uids=view.uids,
        masks=view.masks,
        modseqs=view.modseqs,
        keywords=session.mailbox.keywords,
        first_recent=view.first_recent,
        saved=session.saved,
        sizes=sizes,
        internaldates=internaldates,
        now=int(time.time()),
    )


def _known(mailbox: Selected) -> tuple[Sequence[int], Sequence[int]]:
    """The sizes and the internal dates of the messages in the view, as far as they are known."""
    known, uids = mailbox.sizes(), mailbox.view.uids
    if known.uids == uids:
        return known.sizes, known.internaldates
    sizes = dict(zip(known.uids, known.sizes, strict=True))
    dates = dict(zip(known.uids, known.internaldates, strict=True))
    return [sizes.get(uid, UNKNOWN) for uid in uids], [dates.get(uid, UNKNOWN) for uid in uids]


async def _find(
    mailbox: Selected, key: SearchKey, columns: Columns
) -> tuple[list[int], list[Exception]]:
    """The rows that match, rising, and the trouble with messages that could not be read."""
    found, left = await _ask(key, columns, list(candidates(key, columns)))
    if left and asks_for_dates(key):
        columns = await _with_dates(mailbox, columns, left)
        some_found, left = await _ask(key, columns, left)
        found += some_found
    if can_glance(key):
        some_found, left = await _glance(mailbox, key, columns, left)
        found += some_found
    some_found, left = await _read_in_processes(mailbox, key, columns, left)
    found += some_found
    trouble: list[Exception] = []
    while left:
        known, count = mailbox.facts([columns.uids[at] for at in left[:PORTION]])
        some, left = left[:count], left[count:]
        read = mailbox.reader([columns.uids[at] for at in some], read_content)
        look = partial(inspect, key, columns, some, known, read)
        inspected = await in_thread(look)
        found += inspected.found
        trouble += inspected.trouble
    return sorted(found), trouble


async def _ask(key: SearchKey, columns: Columns, rows: list[int]) -> tuple[list[int], list[int]]:
    """Of the `rows` those that match by the columns, and those that these don't settle."""
    ask = partial(verdicts, key, columns, rows)
    quick = len(rows) * sum(1 for _ in leaves(key)) <= QUICK
    return _sorted_out(rows, ask() if quick else await in_thread(ask))


async def _with_dates(mailbox: Selected, columns: Columns, rows: list[int]) -> Columns:
    """The columns with the internal dates in these `rows`, as far as files tell them.

    To ask a file for its time is much quicker than to read it.
    """
    dates = list(columns.internaldates)
    lacking = {columns.uids[at]: at for at in rows if dates[at] == UNKNOWN}
    uids = list(lacking)
    for start in range(0, len(uids), GLANCES):
        asked = await in_thread(partial(mailbox.dates, uids[start : start + GLANCES]))
        for uid, mtime in asked.items():
            dates[lacking[uid]] = internaldate(mtime)
    return replace(columns, internaldates=dates)


async def _read_in_processes(
    mailbox: Selected, key: SearchKey, columns: Columns, rows: list[int]
) -> tuple[list[int], list[int]]:
    """The rows that match, and those that are left; all are where it isn't worth it."""
    asked = tuple(leaf for leaf in leaves(key) if not is_in_columns(leaf))
    if len(rows) < WORTH_IT:
        return [], rows
    with mailbox.reading():
        paths = mailbox.paths([columns.uids[at] for at in rows])
        said = await ask_in_processes(asked, columns.now, list(paths.values()))
    if said is None:
        return [], rows
    answers = dict(zip(paths, said, strict=True))
    number = {leaf: number for number, leaf in enumerate(asked)}

    def look(leaf: SearchKey, at: int) -> int:
        said = answers.get(columns.uids[at])
        return MAYBE if said is None else said[number[leaf]]

    return _sorted_out(rows, await in_thread(partial(verdicts, key, columns, rows, look)))


async def _glance(
    mailbox: Selected, key: SearchKey, columns: Columns, rows: list[int]
) -> tuple[list[int], list[int]]:
    """Of the `rows` those that match by their common headers, and those that these don't settle."""
    said = bytearray()
    for start in range(0, len(rows), GLANCES):
        some = rows[start : start + GLANCES]
        said += await in_thread(partial(glance, key, columns, some, mailbox.headers, mailbox.heads))
    return _sorted_out(rows, said)


def _sorted_out(rows: Sequence[int], said: bytes | bytearray) -> tuple[list[int], list[int]]:
    """The rows that were said to match, and those that were left open."""
    found = [at for at, verdict in zip(rows, said, strict=True) if verdict == YES]
    return found, [at for at, verdict in zip(rows, said, strict=True) if verdict == MAYBE]


def _tell(session: Session, command: Search, rows: Sequence[int]) -> None:
    uids = session.mailbox.view.uids
    numbers = [uids[at] if command.uid else at + 1 for at in rows]
    returns = command.returns
    if returns == frozenset({SearchReturn.SAVE}):
        return
    modseq = _modseq(session, command, rows)
    session.modseq_told = session.modseq_told or modseq is not None
    if returns is None:
        plain = SearchResponse(tuple(numbers), modseq)
        session.replies.write(bytes(plain))
    else:
        kind = UidSet if command.uid else SeqSet
        extended = EsearchResponse(
            tag=session.tag,
            uid=command.uid,
            minimum=min(numbers, default=None) if SearchReturn.MIN in returns else None,
            maximum=max(numbers, default=None) if SearchReturn.MAX in returns else None,
            count=len(numbers) if SearchReturn.COUNT in returns else None,
            everything=kind.of_sorted(numbers) if SearchReturn.ALL in returns else None,
            modseq=modseq,
        )
        session.replies.write(bytes(extended))


def _modseq(session: Session, command: Search, rows: Sequence[int]) -> int | None:
    """The highest MODSEQ of what is returned, when the search asks for MODSEQ (RFC 4731 3.2)."""
    if not asks_for_modseq(command.key):
        return None
    modseqs = session.mailbox.view.modseqs
    return max((modseqs[at] for at in _returned(command, rows)), default=None)


def _returned(command: Search, rows: Sequence[int]) -> Sequence[int]:
    """Of the rows found those that the client is told of, or that `$` will stand for.

    With MIN or MAX and nothing else these are the first and the last one (RFC 5182 section 2.4).
    """
    returns = command.returns or frozenset()
    ends = returns & {SearchReturn.MIN, SearchReturn.MAX}
    if not ends or returns & {SearchReturn.ALL, SearchReturn.COUNT}:
        return rows
    first = rows[:1] if SearchReturn.MIN in ends else []
    last = rows[-1:] if SearchReturn.MAX in ends else []
    return sorted({*first, *last})
