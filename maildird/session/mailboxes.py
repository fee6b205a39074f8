"""CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE and STATUS (RFC 3501 section 6.3)."""

from maildird.imap.commands.mailboxes import (
    Create,
    Delete,
    Rename,
    Status,
    StatusItem,
    Subscribe,
    Unsubscribe,
)
from maildird.imap.responses import MailboxStatusResponse
from maildird.session.answers import Answer
from maildird.session.state import Session
from maildird.session.sync import sync


async def create(session: Session, command: Create) -> Answer:
    """CREATE, with USE attributes."""
    await session.account.create(command.mailbox, command.use)
    return Answer("CREATE done")


async def delete(session: Session, command: Delete) -> Answer:
    """DELETE; a subscription stays. Others who have the mailbox selected hear BYE."""
    await session.account.delete(command.mailbox)
    if session.selected is not None and session.selected.deleted:
        await session.close_mailbox()
    return Answer("DELETE done")


async def rename(session: Session, command: Rename) -> Answer:
    """RENAME, children included."""
    await session.account.rename(command.source, command.target)
    return Answer("RENAME done")


async def subscribe(session: Session, command: Subscribe) -> Answer:
    """SUBSCRIBE; the mailbox needn't exist."""
    await session.account.subscribe(command.mailbox)
    return Answer("SUBSCRIBE done")


async def unsubscribe(session: Session, command: Unsubscribe) -> Answer:
    """UNSUBSCRIBE."""
    await session.account.unsubscribe(command.mailbox)
    return Answer("UNSUBSCRIBE done")


async def status(session: Session, command: Status) -> Answer:
    """STATUS; asking for HIGHESTMODSEQ enables CONDSTORE (RFC 7162 section 3.1)."""
    if StatusItem.HIGHESTMODSEQ in command.items:
        session.enable_condstore()
    session.replies.write(await status_line(session, command.mailbox, command.items))
    return Answer("STATUS done")


async def status_line(session: Session, name: str, items: tuple[StatusItem, ...]) -> bytes:
    """The STATUS response of a mailbox; raises what asking the account raises.

    Should the mailbox be the selected one, the client is told first what changed there: no
    HIGHESTMODSEQ may be above what it has heard of (RFC 7162 section 6).
    """
    numbers = await session.account.status(name)
    if session.selected is not None and session.selected.id == numbers.mailbox:
        await sync(session, may_expunge=True, reached=numbers.highestmodseq)
    values = {
        StatusItem.MESSAGES: numbers.messages,
        StatusItem.RECENT: numbers.recent,
        StatusItem.UIDNEXT: numbers.uidnext,
        StatusItem.UIDVALIDITY: numbers.uidvalidity,
        StatusItem.UNSEEN: numbers.unseen,
        StatusItem.HIGHESTMODSEQ: numbers.highestmodseq,
    }
    if StatusItem.SIZE in items:
        values[StatusItem.SIZE] = await session.account.size(name)
    return bytes(MailboxStatusResponse(name, tuple((item, values[item]) for item in items)))
