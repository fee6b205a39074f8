"""Commands about the connection itself: NOOP, CHECK, CAPABILITY, ID, ENABLE, LOGOUT."""

from typing import Final

import maildird
from maildird.imap.capabilities import AFTER_LOGIN
from maildird.imap.commands.messages import Check
from maildird.imap.commands.session import Capability, Enable, Id, Logout, Noop
from maildird.imap.responses import CapabilityResponse, EnabledResponse, IdResponse, bye
from maildird.session.answers import Answer
from maildird.session.presence import client_named
from maildird.session.state import Session

_OURSELVES: Final = (("name", "maildird"), ("version", maildird.__version__))


async def noop(session: Session, command: Noop) -> Answer:
    """NOOP: the sync that follows tells what is new, on disk too."""
    if session.selected is not None:
        await session.selected.refresh()
    return Answer("NOOP done")


async def check(session: Session, command: Check) -> Answer:
    """CHECK: everything is always kept; so it is NOOP (RFC 3501 section 6.4.1)."""
    await session.mailbox.refresh()
    return Answer("CHECK done")


async def identify(session: Session, command: Id) -> Answer:
    """ID; what the client says stands in the report on its session."""
    session.presence.client = client_named(dict(command.fields)) or session.presence.client
    session.replies.write(bytes(IdResponse(_OURSELVES)))
    return Answer("ID done")


async def enable(session: Session, command: Enable) -> Answer:
    """ENABLE; names that aren't known are passed over (RFC 5161 section 3.1)."""
    known = [name for name in ("CONDSTORE", "QRESYNC") if name in command.capabilities]
    if known:
        session.enable_condstore()
    if "QRESYNC" in known:
        session.qresync = True
    session.replies.write(bytes(EnabledResponse(tuple(known))))
    return Answer("ENABLE done")


async def capability(session: Session, command: Capability) -> Answer:
    """CAPABILITY."""
    session.replies.write(bytes(CapabilityResponse(AFTER_LOGIN)))
    return Answer("CAPABILITY done")


async def logout(session: Session, command: Logout) -> Answer:
    """LOGOUT; no message is expunged."""
    await session.leave_mailbox()
    session.replies.write(bye("goodbye"))
    session.ended = True
    return Answer("LOGOUT done")
