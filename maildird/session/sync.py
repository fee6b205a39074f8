"""Telling the client what changed in its mailbox: the only place where untagged changes are made.

Theory of operation. A *pull* moves the view to the state of the index and says what differs; all of
it is told at once, in the order removals, arrivals, new keywords, flags, so that view and client
agree whenever a reply is complete. Expunges are told only by commands that allow it (RFC 3501
section 7.4.1); the view withholds them else.

Flag changes that this session itself made with .SILENT are not told, if they came out as the client
must expect: when another program changed the same message meanwhile, the client is told its flags
(RFC 3501 section 6.4.6). Once CONDSTORE is enabled each FETCH response that is not the answer to a
FETCH has UID and MODSEQ, and silence only leaves out FLAGS (RFC 7162 sections 3.1.3 and 3.2.4).

HIGHESTMODSEQ follows by itself. With QRESYNC, a command that told removals ends with it, so that
the client hears of them once only. A command that sent a MODSEQ while expunges are withheld ends
with it, too: with the value below those expunges, which the client has to come back with, should
its connection break (RFC 7162 section 6).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from maildird.imap.codes import PermanentFlags
from maildird.imap.responses import (
    Exists,
    ExpungeResponse,
    FlagsResponse,
    Recent,
    Vanished,
    untagged_ok,
)
from maildird.mailbox.results import Changes, Removal
from maildird.session.fetch_lines import Shape, chunks, fetch_lines
from maildird.session.state import Session
from maildird.terms.flags import MAX_KEYWORDS, SYSTEM_FLAGS
from maildird.terms.sets import UidSet


@dataclass(frozen=True, slots=True)
class Own:
    """What the command in progress did to flags.

    `told` are UIDs whose flags are told in any case; `expected` is the mask that a client which
    asked for silence has to expect, by UID. Of `passed` at least the MODSEQ is told, once CONDSTORE
    is enabled. `uid` says that it is a UID command: UID stands in its responses (RFC 3501 6.4.8).
    """

    told: Iterable[int] = ()
    expected: Mapping[int, int] = field(default_factory=dict)
    passed: Iterable[int] = ()
    uid: bool = False


NOTHING_OF_ITS_OWN = Own()


async def sync(session: Session, may_expunge: bool, reached: int = 0) -> None:
    """Pull, and tell all of it; `reached` as for `Selected.pull`."""
    changes = session.mailbox.pull(may_expunge, reached)
    if changes:
        await tell(session, changes)


async def tell(session: Session, changes: Changes, own: Own = NOTHING_OF_ITS_OWN) -> None:
    """Tell what a pull took over, and the flags of `own.told`."""
    if changes.removals:
        await _tell_removals(session, changes.removals)
    if changes.exists is not None:
        session.replies.write(bytes(Exists(changes.exists)))
    if changes.recent is not None:
        session.replies.write(bytes(Recent(changes.recent)))
    if changes.keywords:
        tell_flag_names(session)
    await _tell_flags(session, changes, own)
    await session.replies.drain()


def tell_flag_names(session: Session) -> None:
    """FLAGS and PERMANENTFLAGS: the flags that there are, and those that can be changed."""
    keywords = tuple(filter(None, session.mailbox.keywords))
    names = (*SYSTEM_FLAGS, *keywords)
    session.replies.write(bytes(FlagsResponse(names)))
    if session.mailbox.read_only:
        names = ()
    elif len(keywords) < MAX_KEYWORDS:
        names = (*names, "\\*")
    session.replies.write(untagged_ok("flags that can be changed for good", PermanentFlags(names)))


def closing_highestmodseq(session: Session) -> int | None:
    """The HIGHESTMODSEQ that the command has to end with, if any; the next one begins anew."""
    due = session.qresync and session.removal_told
    if session.selected is not None and session.modseq_told:
        due = due or bool(session.selected.view.withheld)
    session.modseq_told = session.removal_told = False
    if not due or session.selected is None:
        return None
    return session.selected.view.highestmodseq


async def _tell_removals(session: Session, removals: Sequence[Removal]) -> None:
    session.removal_told = True
    if session.qresync:
        vanished = UidSet.of_sorted([removal.uid for removal in removals])
        session.replies.write(bytes(Vanished(vanished)))
        return
    for removal in removals:
        session.replies.write(bytes(ExpungeResponse(removal.seq)))
        await session.replies.drain()


async def _tell_flags(session: Session, changes: Changes, own: Own) -> None:
    told = _rows(session, own.told)
    quiet = _rows(session, own.passed)
    for change in changes.flags:
        as_expected = own.expected.get(change.uid) == change.mask
        (quiet if as_expected else told).add(change.seq - 1)
    condstore = session.condstore
    shape = Shape(uid=own.uid or condstore, flags=True, modseq=condstore)
    await _write_fetches(session, sorted(told), shape)
    if condstore:
        await _write_fetches(session, sorted(quiet - told), Shape(uid=True, modseq=True))


def _rows(session: Session, uids: Iterable[int]) -> set[int]:
    seqs = map(session.mailbox.view.seq_of, uids)
    return {seq - 1 for seq in seqs if seq is not None}


async def _write_fetches(session: Session, rows: Sequence[int], shape: Shape) -> None:
    mailbox = session.mailbox
    session.modseq_told = session.modseq_told or (shape.modseq and bool(rows))
    for some in chunks(rows):
        session.replies.write(fetch_lines(mailbox.view, mailbox.keywords, some, shape))
        await session.replies.drain()
