"""Which function carries out which command, and what every command ends with.

A command ends with the changes that others made meanwhile, then with its tagged reply. An error
ends that command alone, but for those that end the session: the client is gone (trio's errors), or
the selected mailbox is (MailboxDeleted).
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Final

import trio

from maildird.imap.codes import HighestModSeq
from maildird.imap.commands import append as appending
from maildird.imap.commands import fetch as fetching
from maildird.imap.commands import mailboxes as about_mailboxes
from maildird.imap.commands import messages as about_messages
from maildird.imap.commands import search as searching
from maildird.imap.commands import session as about_session
from maildird.imap.connection import Request
from maildird.imap.responses import Condition
from maildird.imap.table import COMMANDS
from maildird.session import basics, listing, mailboxes, selecting
from maildird.session.answers import Answer, answer_to_error
from maildird.session.append import append
from maildird.session.copying import copy, move
from maildird.session.expunge import expunge
from maildird.session.fetch import fetch
from maildird.session.idle import idle
from maildird.session.search import names_numbers, search
from maildird.session.state import Session
from maildird.session.store import store
from maildird.session.sync import closing_highestmodseq, sync
from maildird.terms.errors import MailboxDeleted

Handler = Callable[[Session, Any], Awaitable[Answer]]

HANDLERS: Final[dict[type, Handler]] = {
    about_session.Capability: basics.capability,
    about_session.Noop: basics.noop,
    about_session.Logout: basics.logout,
    about_session.Id: basics.identify,
    about_session.Enable: basics.enable,
    about_session.Idle: idle,
    about_mailboxes.Select: selecting.select,
    about_mailboxes.Create: mailboxes.create,
    about_mailboxes.Delete: mailboxes.delete,
    about_mailboxes.Rename: mailboxes.rename,
    about_mailboxes.Subscribe: mailboxes.subscribe,
    about_mailboxes.Unsubscribe: mailboxes.unsubscribe,
    about_mailboxes.List: listing.list_mailboxes,
    about_mailboxes.Lsub: listing.lsub,
    about_mailboxes.Namespace: listing.namespace,
    about_mailboxes.Status: mailboxes.status,
    appending.Append: append,
    about_messages.Check: basics.check,
    about_messages.Close: selecting.close,
    about_messages.Unselect: selecting.unselect,
    about_messages.Expunge: expunge,
    about_messages.Store: store,
    about_messages.Copy: copy,
    about_messages.Move: move,
    fetching.Fetch: fetch,
    searching.Search: search,
}


async def carry_out(session: Session, request: Request) -> None:
    """Carry out a command, tell what changed meanwhile, and end with the tagged reply."""
    began = time.perf_counter()
    session.tag = request.tag
    answer = await _answer(session, request)
    if session.selected is not None:
        await sync(session, _may_expunge(request))
    highestmodseq = closing_highestmodseq(session)
    if highestmodseq is not None and answer.condition is Condition.OK and answer.code is None:
        answer = replace(answer, code=HighestModSeq(highestmodseq))
    elif highestmodseq is not None:
        session.tell_highestmodseq(highestmodseq)
    session.replies.write(answer.tagged(request.tag))
    session.tally.note(request.name, time.perf_counter() - began)


async def _answer(session: Session, request: Request) -> Answer:
    try:
        return await HANDLERS[type(request.command)](session, request.command)
    except (MailboxDeleted, trio.BrokenResourceError, trio.ClosedResourceError):
        raise
    except Exception as error:
        return answer_to_error(request.name, error)


def _may_expunge(request: Request) -> bool:
    """A UID SEARCH uses message numbers when they stand in its keys (RFC 7162 3.2.10.2)."""
    if isinstance(request.command, searching.Search) and names_numbers(request.command):
        return False
    return not COMMANDS[request.name].numbers
