"""What changed since a MODSEQ, for SELECT (QRESYNC …) and UID FETCH (CHANGEDSINCE … VANISHED).

RFC 7162 sections 3.2.5.1 and 3.2.6. Costs O(changes).
"""

from maildird.imap.responses import Vanished
from maildird.session.fetch_lines import Shape, chunks, fetch_lines
from maildird.session.numbers import Slice, common_numbers, rows_within, slices_of
from maildird.session.state import Session
from maildird.terms.sets import UidSet


async def tell_vanished(session: Session, uids: UidSet, modseq: int, known_up_to: int = 0) -> None:
    """VANISHED (EARLIER) for those of `uids` (a plain set) that are gone since `modseq`.

    Where it is not known any more what went since, everything that isn't there, but for what lies
    at or below `known_up_to`.
    """
    gone = common_numbers(session.mailbox.gone_since(modseq, known_up_to), uids)
    if gone:
        session.replies.write(bytes(Vanished(gone, earlier=True)))
    await session.replies.drain()


def changed_rows(session: Session, slices: list[Slice], modseq: int) -> list[int]:
    """The rows within `slices` whose messages have a MODSEQ above `modseq`."""
    return rows_within(session.mailbox.changed_rows(modseq), slices)


async def tell_changed(session: Session, uids: UidSet, modseq: int) -> None:
    """FETCH with UID, FLAGS and MODSEQ of those of `uids` that changed after `modseq`."""
    mailbox = session.mailbox
    slices = list(slices_of(uids, mailbox.view.uids, session.saved))
    shape = Shape(uid=True, flags=True, modseq=True)
    for rows in chunks(changed_rows(session, slices, modseq)):
        session.replies.write(fetch_lines(mailbox.view, mailbox.keywords, rows, shape))
        await session.replies.drain()
