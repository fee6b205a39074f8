"""APPEND, of one message or several (RFC 3501 section 6.3.11, RFC 3502, RFC 4315)."""

from maildird.imap.codes import AppendUid
from maildird.imap.commands.append import Append
from maildird.mailbox.results import Incoming
from maildird.session.answers import Answer
from maildird.session.state import Session
from maildird.terms.codes import Code
from maildird.terms.errors import Refused
from maildird.terms.sets import UidSet


async def append(session: Session, command: Append) -> Answer:
    """All messages or none; what arrives in the selected mailbox is told in this reply."""
    for message in command.messages:
        _check_content(message.content)
    appended = await session.account.append(
        command.mailbox,
        [Incoming(each.content, each.flags, each.internaldate) for each in command.messages],
    )
    code = AppendUid(appended.uidvalidity, UidSet.of_sorted(appended.uids))
    return Answer("APPEND done", code)


def _check_content(content: bytes) -> None:
    if not content:
        raise Refused(None, "an empty message can't be appended; nothing was (RFC 3502)")
    if b"\0" in content:
        raise Refused(
            Code.CANNOT, "a message with NUL can't be appended: no literal holds it (RFC 3501)"
        )
