"""Another program renamed messages from one folder into another: gone there, arrived here, at once.

Theory of operation. A removal takes two stable listings to be believed, for neither a listing nor
an event proves that a name isn't there *now*. A move between folders is told otherwise: by the two
events of one rename, which the kernel numbers. A rename is atomic, so that at its time the file had
left the one folder under that name and stood in the other. When afterwards the old name is not
there, while the message is in the target, then nothing but a later change can have brought it back
to its old folder, and that change makes an event of its own: it is an arrival, and gets a new UID
as every base name that comes back. So the message is a tombstone here and an arrival there in one
turn.

This needs the index to know the message by the very name that left. If it knew another, two files
of one base name may have been there, and a listing has to tell. So it is also when the message was
renamed again since, in the target or out of it.

What is known of the content goes with the message, unless the target has had one of that base name.
Its flags are what the letters mean in the target.
"""

from maildird.mailbox.identity import check_folder
from maildird.mailbox.letterless import unsay_gone
from maildird.mailbox.observing import observe
from maildird.mailbox.reconcile import base_of
from maildird.mailbox.requests import Observe, Observed, ObserveMove
from maildird.mailbox.turn import Turn
from maildird.maildir.folders import exists_in


def observe_move(turn: Turn, request: ObserveMove) -> tuple[Observed, Observed]:
    """Take over a move; Refused (UNAVAILABLE) when a folder can't be read."""
    came = frozenset(name for _left, name in request.names)
    fresh = {name for name in came if turn.batch.uid_of(request.target, base_of(name)) is None}
    arrived = observe(turn, Observe(request.target, came))
    unproven = _hand_over(turn, request, fresh)
    return observe(turn, Observe(request.source, unproven)), arrived


def _hand_over(turn: Turn, request: ObserveMove, fresh: set[bytes]) -> frozenset[bytes]:
    """Make tombstones of what surely left, and give the names of the rest.

    `fresh` are the names in the target whose base names it didn't have before.
    """
    row = check_folder(turn, turn.row(request.source))
    if row is None:
        return frozenset()
    unproven = set()
    with turn.stamping(row) as stamp:
        for left, came in request.names:
            uid = turn.batch.uid_of(row.id, base_of(left))
            there = _uid_there(turn, request.target, base_of(came))
            known = None if uid is None else turn.batch.name(row.id, uid)
            if there is None or known != left or exists_in(turn.folder(row), left):
                unproven.add(left)
            elif uid is not None:
                facts = turn.batch.facts(row.id, uid)
                if facts is not None and came in fresh:
                    turn.batch.put_facts(request.target, there, facts)
                unsay_gone(turn, turn.row(row.id), (uid,))
                turn.batch.expunge(row.id, uid, stamp.modseq)
                turn.disk.of(row.id).stirred = True
    return frozenset(unproven)


def _uid_there(turn: Turn, mailbox: int, base: bytes) -> int | None:
    """The UID of the message `base` if its file is in the mailbox now."""
    row = turn.batch.mailbox(mailbox)
    uid = turn.batch.uid_of(mailbox, base)
    name = None if uid is None else turn.batch.name(mailbox, uid)
    if row is None or name is None or not exists_in(turn.folder(row), name):
        return None
    return uid
