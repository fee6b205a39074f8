"""COPY and MOVE (RFC 3501 section 6.4.7, RFC 6851, RFC 4315)."""

from maildird.imap.codes import CopyUid
from maildird.imap.commands.messages import Copy, Move
from maildird.imap.responses import untagged_ok
from maildird.mailbox.results import Copied
from maildird.session.answers import Answer
from maildird.session.state import Session
from maildird.terms.errors import MessageGone


async def copy(session: Session, command: Copy) -> Answer:
    """COPY; where the copies are stands in the tagged OK."""
    uids = session.uids(command.messages)
    if not uids:
        return Answer("COPY done, there was nothing to copy")
    copied = await session.mailbox.copy(uids, command.mailbox)
    return Answer("COPY done", _code(copied))


async def move(session: Session, command: Move) -> Answer:
    """MOVE; COPYUID comes before the messages go (RFC 6851 section 4.3)."""
    mailbox = session.writable_mailbox
    uids = session.uids(command.messages)
    if not uids:
        return Answer("MOVE done, there was nothing to move")
    code = _code(await mailbox.move(uids, command.mailbox))
    session.replies.write(untagged_ok("moved", code))
    return Answer("MOVE done")


def _code(copied: Copied) -> CopyUid:
    if not copied.source:
        raise MessageGone("none of these messages is there any more")
    return CopyUid(copied.uidvalidity, copied.source, copied.target)
