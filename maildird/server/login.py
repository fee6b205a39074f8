"""A connection before login: greeting, a few commands, TLS, a name and a password.

Theory of operation. Who a client is has to be known within a minute, and it may err only so often.
Whoever fails on several connections waits for what `throttle` remembers of them. On success the
client's account takes over with what the client has sent since: nothing else of what was known
before login goes with it.

With STARTTLS everything begins anew but the time. Octets that came behind the command are dropped,
since anybody may have put them there; those that the kernel still holds are no TLS, and end the
connection. What the client knew and what was known of it, the number of its failures included, was
said without TLS, and is forgotten (RFC 3501 section 6.2.1).

Whoever can listen can read the mail, and mostly the password before it, so clients log in on
private connections only: with TLS, from the same machine, or where the listener allows it.
"""

import logging
import math
import time
from typing import Final

import trio

from maildird.imap import limits as imap_limits
from maildird.imap.capabilities import AFTER_LOGIN
from maildird.imap.codes import Capabilities
from maildird.imap.connection import Connection
from maildird.imap.responses import bye, no, ok
from maildird.server.accounts import Accounts
from maildird.server.admission import Admission
from maildird.server.authentication import Authenticator
from maildird.server.dialogue import Admitted, Dialogue, TlsWanted
from maildird.server.reception import Client
from maildird.server.sasl.offering import Channel
from maildird.server.settings import Settings
from maildird.server.tally import MeteredStream, Tally
from maildird.server.throttle import Throttle
from maildird.server.users import Users
from maildird.session.presence import Presence
from maildird.session.session import FAREWELL, serve_account_session
from maildird.terms.codes import Code
from maildird.terms.errors import MaildirdError

logger = logging.getLogger(__name__)

TOO_LATE: Final = "nobody has logged in for too long"
SHUTTING_DOWN: Final = "the server is shutting down"


class Doorkeeper:
    """Talks to clients until they have logged in, and hands them over."""

    def __init__(
        self,
        settings: Settings,
        users: Users,
        accounts: Accounts,
        admission: Admission,
        throttle: Throttle,
        tally: Tally | None = None,
    ) -> None:
        self._settings = settings
        self._accounts = accounts
        self._admission = admission
        self._tally = tally or Tally()
        self._authenticator = Authenticator(users, throttle, tally=self._tally)
        self._limits = imap_limits.Limits(
            append_message=settings.limits.message_size,
            append_command=2 * settings.limits.message_size,
        )

    async def serve(self, client: Client) -> None:
        """Serve a client from the greeting to the end; the caller closes the stream.

        Raises trio.BrokenResourceError when the connection is lost.
        """
        connection = Connection(self._limits, login_disabled=not client.private)
        admitted = await self._converse(client, connection, greet=True)
        if isinstance(admitted, TlsWanted):
            await self._start_tls(client, connection, admitted.tag)
            connection = Connection(self._limits)
            admitted = await self._converse(client, connection, greet=False)
        if not isinstance(admitted, Admitted):
            return
        client.visit.known = True
        with self._admission.admit_user(admitted.user.name) as refusal:
            if refusal is None:
                await self._hand_over(client, connection, admitted)
            else:
                await client.stream.send_all(no(admitted.tag, refusal, Code.LIMIT) + bye(refusal))

    async def _start_tls(self, client: Client, connection: Connection, tag: bytes) -> None:
        injected = connection.trailing_data()
        if injected:
            logger.info("%s: dropped what came behind STARTTLS", client.stream.peer)
        await client.stream.send_all(ok(tag, "begin TLS now"))
        await client.start_tls()

    async def _converse(
        self, client: Client, connection: Connection, *, greet: bool
    ) -> Admitted | TlsWanted | None:
        """Wait until the client has said who it is; None when that came to nothing."""
        with trio.move_on_at(client.deadline) as patience:
            try:
                offer = await self._authenticator.offer(_channel(client))
                dialogue = Dialogue(client, connection, self._authenticator, offer)
                if greet:
                    await dialogue.greet()
                return await dialogue.until_admitted()
            except trio.Cancelled:
                left_too_late = patience.cancel_called or client.visit.ended
                why = TOO_LATE if left_too_late else SHUTTING_DOWN
                with trio.move_on_after(FAREWELL, shield=True):
                    await client.stream.send_all(bye(why))
                raise
        return None

    async def _hand_over(self, client: Client, connection: Connection, admitted: Admitted) -> None:
        """Let the client into its account."""
        name, peer = admitted.user.name, client.stream.peer
        try:
            opened = await self._accounts.open(admitted.user)
        except (MaildirdError, OSError) as error:
            logger.error("account %s can't be opened: %s", name, error)
            text = "your mail can't be reached now; the server's log says why"
            await client.stream.send_all(no(admitted.tag, text, Code.UNAVAILABLE) + bye(text))
            return
        tls = None if client.tls is None else client.tls.version
        presence = Presence(str(peer), tls, client=admitted.client)
        logger.info(
            "%s logged in from %s with %s, %s", name, peer, admitted.mechanism, tls or "without TLS"
        )
        try:
            with opened.session(presence) as account:
                welcome = ok(admitted.tag, f"welcome, {name}", Capabilities(AFTER_LOGIN))
                await client.stream.send_all(welcome)
                await serve_account_session(
                    MeteredStream(client.stream, self._tally),
                    connection.trailing_data(),
                    account,
                    self._limits,
                    autologout=self._settings.timeouts.idle,
                    idle_keepalive=self._settings.idle_keepalive or math.inf,
                    why_cancelled=opened.why_cancelled,
                    presence=presence,
                    tally=self._tally.commands,
                )
        finally:
            seconds = time.time() - presence.since
            logger.debug("%s left, from %s, after %d s", name, peer, seconds)


def _channel(client: Client) -> Channel:
    tls = client.tls
    if tls is None:
        return Channel(client.private)
    return Channel(client.private, tls.exported_key, tls.client_names)
