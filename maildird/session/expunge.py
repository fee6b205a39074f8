"""EXPUNGE and UID EXPUNGE (RFC 3501 section 6.4.3, RFC 4315 section 2.1)."""

from maildird.imap.commands.messages import Expunge
from maildird.session.answers import Answer
from maildird.session.state import Session


async def expunge(session: Session, command: Expunge) -> Answer:
    """Remove the messages with \\Deleted, among `command.uids` if given; the sync tells of it."""
    uids = None if command.uids is None else session.uids(command.uids)
    await session.writable_mailbox.expunge(uids)
    return Answer("EXPUNGE done")
