"""One logged-in connection, from the hand-over after login to the last word.

Theory of operation. All commands of a read are carried out one after the other, their replies are
joined and sent when nothing is left to do. A client that doesn't read is waited for while sending,
and holds nothing but its own memory: no lock, no transaction of the index, 256 KiB of replies.

A session ends in one of four ways: the client goes or says LOGOUT; nothing was heard of it for half
an hour (RFC 3501 section 5.4); its mailbox was deleted; the task is cancelled, for the server shuts
down or the account ends. In the last three the client hears BYE, for which it has a second.

A client is heard by a whole command or DONE, or by taking 64 KiB of a reply; what comes of a longer
command has to come at a least rate (`lifetime`). So neither a literal that is announced and never
sent nor an octet now and then keeps a session for ever, and one who waits in IDLE has to say so
again within the half hour, as RFC 2177 section 3 asks.
"""

import math
from collections.abc import Callable
from typing import Final

import trio

from maildird.imap.connection import BadRequest, Connection, Continue, Overrun, Request
from maildird.imap.limits import Limits
from maildird.imap.responses import bye, continuation
from maildird.imap.table import State
from maildird.mailbox.account import Account
from maildird.session.answers import answer_to_error
from maildird.session.dispatch import carry_out
from maildird.session.incoming import Incoming
from maildird.session.lifetime import Lifetime
from maildird.session.presence import Presence
from maildird.session.replies import Replies
from maildird.session.state import Session
from maildird.session.streams import Stream
from maildird.session.tally import CommandTally
from maildird.terms.errors import MailboxDeleted

AUTOLOGOUT: Final = 30 * 60
"""Seconds of silence after which a client is logged out; not less, says RFC 3501 section 5.4."""

FAREWELL: Final = 1
"""Seconds that a client has to take the BYE."""


def shutting_down() -> str:
    """Why sessions are cancelled, unless their caller knows better."""
    return "the server is shutting down"


async def serve_account_session(
    stream: Stream,
    leftover: bytes,
    account: Account,
    limits: Limits,
    *,
    autologout: float = AUTOLOGOUT,
    idle_keepalive: float = math.inf,
    why_cancelled: Callable[[], str] = shutting_down,
    presence: Presence | None = None,
    tally: CommandTally | None = None,
) -> None:
    """Serve a client that has logged in, until the end; the caller closes the stream.

    `leftover` is what the client had sent after its login. `autologout` and `idle_keepalive` are
    times (s): of silence, and between two signs of life that the client gets in IDLE.
    `why_cancelled` gives what a client hears when it is cancelled. `presence` tells others of the
    session, and `tally` counts its commands. Raises trio.BrokenResourceError when the connection is
    lost.
    """
    connection = Connection(limits, State.AUTHENTICATED)
    connection.receive_data(leftover)
    lifetime = Lifetime(autologout)
    incoming, replies = Incoming(stream, connection, lifetime), Replies(stream, lifetime.heard)
    session = Session(
        account,
        incoming,
        replies,
        idle_keepalive,
        presence or Presence(),
        tally or CommandTally(),
    )
    last_word: str | None = None
    try:
        with lifetime.scope:
            last_word = await _converse(session, connection)
        if lifetime.scope.cancelled_caught:
            last_word = "nothing was heard of you for too long"
    except BaseException as end:
        if not isinstance(end, Exception):  # trio.Cancelled, in a group perhaps
            last_word = why_cancelled()
        raise
    finally:
        with trio.move_on_after(FAREWELL, shield=True):
            await session.leave_mailbox()
            if last_word is not None:
                await session.replies.farewell(bye(last_word))


async def _converse(session: Session, connection: Connection) -> str | None:
    """Carry out commands until the client is done; gives what a BYE has to say, if one is due."""
    replies = session.replies
    while not session.ended:
        match await session.incoming.event(replies.flush):
            case None:
                return None
            case Request() as request:
                try:
                    await carry_out(session, request)
                except MailboxDeleted as error:
                    await replies.flush()
                    return str(error)
                connection.move_to(_state(session))
            case Continue():
                replies.write(continuation("go on"))
            case BadRequest(tag, error):
                replies.write(answer_to_error("what the client sent", error).tagged(tag))
            case Overrun(error):
                await replies.flush()
                return str(error)
        await replies.drain()
    await replies.flush()
    return None


def _state(session: Session) -> State:
    if session.ended:
        return State.LOGOUT
    return State.AUTHENTICATED if session.selected is None else State.SELECTED
