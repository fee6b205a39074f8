"""LIST, LSUB and NAMESPACE (RFC 3501 section 6.3.8 and 6.3.9, RFC 5258, RFC 5819, RFC 2342)."""

import logging

from maildird.imap.commands.mailboxes import List, Lsub, Namespace, StatusItem
from maildird.imap.responses import ListResponse, NamespaceResponse
from maildird.session.answers import Answer
from maildird.session.hierarchy import Hierarchy
from maildird.session.mailboxes import status_line
from maildird.session.state import Session
from maildird.terms.errors import Refused

logger = logging.getLogger(__name__)


async def list_mailboxes(session: Session, command: List) -> Answer:
    """LIST; with RETURN (STATUS …) each mailbox's line is followed by its STATUS."""
    separator = session.account.namespace.separator
    if not command.extended and not command.patterns[0]:
        root = ListResponse("", separator, ("\\Noselect",))
        session.replies.write(bytes(root))
        return Answer("LIST done")
    if StatusItem.HIGHESTMODSEQ in command.status:
        session.enable_condstore()
    for shown in (await _hierarchy(session)).list(command):
        attributes, status = shown.attributes, b""
        if command.status and shown.selected:
            try:
                status = await status_line(session, shown.name, command.status)
            except Refused:
                attributes += ("\\Noselect",)  # RFC 5819 section 2
            except OSError as error:
                logger.warning("STATUS of %s was left out of LIST: %s", shown.name, error)
        info = ("SUBSCRIBED",) if shown.child_info else ()
        line = ListResponse(shown.name, separator, attributes, info)
        session.replies.write(bytes(line) + status)
        await session.replies.drain()
    return Answer("LIST done")


async def lsub(session: Session, command: Lsub) -> Answer:
    """LSUB."""
    separator = session.account.namespace.separator
    for shown in (await _hierarchy(session)).lsub(command):
        line = ListResponse(shown.name, separator, shown.attributes, lsub=True)
        session.replies.write(bytes(line))
        await session.replies.drain()
    return Answer("LSUB done")


async def namespace(session: Session, command: Namespace) -> Answer:
    """NAMESPACE: there is one personal namespace, nothing is shared."""
    mine = session.account.namespace
    session.replies.write(bytes(NamespaceResponse(mine.prefix, mine.separator)))
    return Answer("NAMESPACE done")


async def _hierarchy(session: Session) -> Hierarchy:
    account = session.account
    return Hierarchy(
        account.namespace.separator, await account.list(), await account.subscriptions()
    )
