"""Dialogues before login, up to the first words of the session after it."""

import base64
import logging
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock, memory_stream_pair, wait_all_tasks_blocked

from maildird.mailbox.settings import AccountSettings
from maildird.server.accounts import Accounts, keep_accounts
from maildird.server.addresses import Address
from maildird.server.admission import Admission
from maildird.server.login import Doorkeeper
from maildird.server.passwords import plain_password
from maildird.server.reception import Client
from maildird.server.settings import Limits, Settings, User
from maildird.server.throttle import Throttle
from maildird.server.users import Users
from maildird.session.describe import describe
from tests.dialogues.dialogue import Client as Player
from tests.dialogues.dialogue import MemoryStream
from tests.server.sockets import CLIENT


@dataclass
class End:
    """The server's end of a connection in memory."""

    stream: MemoryStream
    peer: Address = CLIENT

    async def receive_some(self) -> bytes:
        return bytes(await self.stream.receive_some())

    async def send_all(self, data: bytes) -> None:
        await self.stream.send_all(data)

    async def aclose(self) -> None:
        await self.stream.aclose()


class Server:
    """Serves connections in memory to one user, `ada` with the password `secret`."""

    def __init__(self, user: User, accounts: Accounts, nursery: trio.Nursery) -> None:
        settings = Settings((user,), limits=Limits(connections_per_user=3))
        self._doorkeeper = Doorkeeper(
            settings, Users(settings), accounts, Admission(settings.limits), Throttle()
        )
        self._nursery = nursery
        self._connections: list[trio.CancelScope] = []

    def connect(self, *, private: bool = True) -> Player:
        ours, theirs = memory_stream_pair()
        self._nursery.start_soon(self._attend, theirs, private)
        return Player(ours)

    def shut_down(self) -> None:
        """As the server does at its end."""
        for scope in self._connections:
            scope.cancel()

    async def _attend(self, stream: MemoryStream, private: bool) -> None:
        with trio.CancelScope() as scope, suppress(trio.BrokenResourceError):
            self._connections.append(scope)
            await self._doorkeeper.serve(Client(End(stream), private, trio.current_time() + 60))
        await stream.aclose()


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    for subdir in ("cur", "new", "tmp"):
        (tmp_path / "Maildir" / subdir).mkdir(parents=True)
    return tmp_path / "Maildir"


@pytest.fixture
async def server(maildir: Path, tmp_path: Path) -> AsyncIterator[Server]:
    mail = AccountSettings("ada", os.fsencode(maildir), os.fsencode(tmp_path / "state"))
    async with keep_accounts(describe) as accounts, trio.open_nursery() as nursery:
        yield Server(User("ada", plain_password("secret"), mail), accounts, nursery)
        nursery.cancel_scope.cancel()


def plain(*parts: str) -> str:
    """A message of SASL PLAIN in base64."""
    return base64.b64encode("\0".join(parts).encode()).decode()


async def test_what_can_be_done_before_login(server: Server) -> None:
    client = server.connect()
    await client("""
        S: * OK [CAPABILITY IMAP4rev1 … AUTH=PLAIN AUTH=LOGIN AUTH=SCRAM-SHA-256] maildird … ready
        C: a CAPABILITY
        S: * CAPABILITY IMAP4rev1 SASL-IR LITERAL+ ID ENABLE IDLE AUTH=PLAIN … AUTH=SCRAM-SHA-256
        S: a OK …
        C: b ID ("name" "test")
        S: * ID ("name" "maildird" "version" "…")
        S: b OK …
        C: c NOOP
        C: d LOGOUT
        S: c OK …
        S: * BYE …
        S: d OK …
    """)
    await client.closed()


@pytest.mark.parametrize(
    "login",
    [
        "C: a LOGIN ada secret",
        'C: a LOGIN "ada" "secret"',
        "C: a LOGIN ada {6+}\nC: secret",
        "C: a LOGIN ada {6}\nS: + …\nC: secret",
        f"C: a AUTHENTICATE PLAIN {plain('', 'ada', 'secret')}",
        f"C: a AUTHENTICATE plain {plain('ada', 'ada', 'secret')}",
        f"C: a AUTHENTICATE PLAIN\nS: +…\nC: {plain('', 'ada', 'secret')}",
    ],
)
async def test_the_right_password_leads_into_the_account(server: Server, login: str) -> None:
    client = server.connect()
    await client(f"""
        S: * OK …
        {login}
        S: a OK [CAPABILITY IMAP4rev1 … QRESYNC] …
        C: b STATUS INBOX (MESSAGES)
        S: * STATUS INBOX (MESSAGES 0)
        S: b OK …
        C: c LOGIN ada secret
        S: c BAD …
        C: d LOGOUT
        S: * BYE …
        S: d OK …
    """)
    await client.closed()


async def test_what_was_pipelined_behind_the_login_is_carried_out(server: Server) -> None:
    await server.connect()("""
        S: * OK …
        C: a LOGIN ada secret
        C: b EXAMINE INBOX
        C: c NOOP
        S: a OK …
        S: * FLAGS …
        S: * OK [PERMANENTFLAGS …
        S: * 0 EXISTS
        S: * 0 RECENT
        S: * OK [UIDVALIDITY …
        S: * OK [UIDNEXT …
        S: * OK [HIGHESTMODSEQ …
        S: b OK [READ-ONLY] …
        S: c OK …
    """)


@pytest.mark.parametrize(
    "login",
    [
        "LOGIN ada wrong",
        'LOGIN ada ""',
        "LOGIN nobody secret",
        'LOGIN "" ""',
        "LOGIN {5+}\nC: ädä secret",
        f"AUTHENTICATE PLAIN {plain('', 'ada', 'wrong')}",
        f"AUTHENTICATE PLAIN {plain('', 'nobody', 'secret')}",
        f"AUTHENTICATE PLAIN {plain('root', 'ada', 'secret')}",
        f"AUTHENTICATE PLAIN {plain('ada')}",
        "AUTHENTICATE PLAIN =",
    ],
)
async def test_all_failures_have_one_answer(
    server: Server, login: str, autojump_clock: MockClock
) -> None:
    await server.connect()(f"""
        S: * OK …
        C: a {login}
        S: a NO [AUTHENTICATIONFAILED] the name or the password is wrong
        C: b NOOP
        S: b OK …
    """)


async def test_each_failure_is_answered_later_and_the_fifth_is_the_last(
    server: Server, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    client = server.connect()
    await client("S: * OK …")
    for number in range(1, 6):
        begin = trio.current_time()
        await client(f"""
            C: a{number} LOGIN ada wrong
            S: a{number} NO [AUTHENTICATIONFAILED] …
        """)
        assert trio.current_time() - begin == pytest.approx(number)
    await client("S: * BYE too many failed logins")
    await client.closed()
    assert caplog.records[0].message == "failed login for 'ada' from 192.0.2.7:5000"


async def test_one_who_fails_holds_nobody_else_up(
    server: Server, autojump_clock: MockClock
) -> None:
    failing, other = server.connect(), server.connect()
    await failing("S: * OK …")
    await failing.stream.send_all(b"a LOGIN ada wrong\r\n")
    begin = trio.current_time()
    await other("""
        S: * OK …
        C: a NOOP
        S: a OK …
    """)
    assert trio.current_time() == begin
    await failing("S: a NO [AUTHENTICATIONFAILED] …")


async def test_names_are_logged_so_that_they_can_t_forge_a_line(
    server: Server, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    client = server.connect()
    await client("S: * OK …")
    await client.stream.send_all(b'a LOGIN {7+}\r\nx\r\ny\x1b[3 "secret"\r\n')
    await client("S: a NO …")
    assert "secret" not in caplog.text
    assert "failed login for 'x\\r\\ny\\x1b[3' from" in caplog.text


async def test_no_password_is_taken_where_others_can_listen(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await server.connect(private=False)(f"""
        S: * OK [CAPABILITY IMAP4rev1 SASL-IR LITERAL+ ID ENABLE IDLE LOGINDISABLED] …
        C: a LOGIN ada secret
        S: a NO [PRIVACYREQUIRED] …
        C: b AUTHENTICATE PLAIN {plain("", "ada", "secret")}
        S: b NO [PRIVACYREQUIRED] …
        C: c AUTHENTICATE PLAIN
        S: c NO [PRIVACYREQUIRED] …
        C: d NOOP
        S: d OK …
    """)
    refused = "192.0.2.7:5000: a login without encryption is refused"
    assert caplog.messages == [refused] * 3


async def test_no_name_is_asked_for_where_nobody_can_log_in(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await server.connect(private=False)("""
        S: * OK …
        C: a LOGIN {3}
        S: a NO [PRIVACYREQUIRED] …
        C: b login ada {6}
        S: b NO [PRIVACYREQUIRED] …
        C: c LOGIN {3+}
        C: ada {6+}
        C: secret
        S: c NO [PRIVACYREQUIRED] …
        C: d LOGIN
        S: d NO [PRIVACYREQUIRED] …
        C: e ID ("name" {4}
        S: + …
        C: mutt)
        S: * ID …
        S: e OK …
        C: f LOGIN{3}
        S: f NO [PRIVACYREQUIRED] …
        S: * BYE too many failed logins
    """)
    refused = "192.0.2.7:5000: a login without encryption is refused"
    assert caplog.messages == [refused] * 5 + ["192.0.2.7:5000: sent away after 5 failures"]


async def test_exchanges_that_come_to_nothing(server: Server) -> None:
    await server.connect()("""
        S: * OK …
        C: a AUTHENTICATE PLAIN
        S: + …
        C: *
        S: a BAD …
        C: b AUTHENTICATE PLAIN
        S: + …
        C: not base64!
        S: b BAD …
        C: c AUTHENTICATE CRAM-MD5
        S: c NO [CANNOT] CRAM-MD5 is not offered here; these are: PLAIN, LOGIN, SCRAM-SHA-256
        C: d NOOP
        S: d OK …
    """)


@pytest.mark.parametrize("command", ["SELECT INBOX", "STARTTLS", "XYZZY", "LOGIN ada", "IDLE"])
async def test_what_is_no_command_before_login_is_bad(server: Server, command: str) -> None:
    await server.connect()(f"""
        S: * OK …
        C: a {command}
        S: a BAD …
        C: b NOOP
        S: b OK …
    """)


async def test_the_third_bad_command_is_the_last(server: Server) -> None:
    client = server.connect()
    await client("""
        S: * OK …
        C: GET / HTTP/1.1
        S: GET BAD …
        C: Host: example.org
        S: Host: BAD …
        C: x
        S: * BYE …
    """)
    await client.closed()


async def test_a_large_literal_is_refused_before_it_is_sent(server: Server) -> None:
    await server.connect()("""
        S: * OK …
        C: a LOGIN {100000}
        S: a BAD literals before login have at most 8192 octets
        C: b NOOP
        S: b OK …
    """)


async def test_who_does_not_log_in_is_sent_away(server: Server, autojump_clock: MockClock) -> None:
    client = server.connect()
    begin = trio.current_time()
    await client("S: * OK …")
    assert await client.stream.receive_some() == b"* BYE nobody has logged in for too long\r\n"
    assert trio.current_time() - begin == pytest.approx(60)
    await client.closed()


async def test_an_octet_now_and_then_keeps_nobody_in(
    server: Server, autojump_clock: MockClock
) -> None:
    client = server.connect()
    begin = trio.current_time()
    await client("S: * OK …")
    for octet in b"a LOG":
        await client.stream.send_all(bytes((octet,)))
        await trio.sleep(11)
    await client("S: * BYE nobody has logged in for too long")
    assert trio.current_time() - begin == pytest.approx(60)
    await client.closed()


@pytest.mark.parametrize(
    "name", ["..", "../ada", "/", "%", "*", "a%00b", "ada/../ada", "&AGEAZABh-", "ada "]
)
async def test_names_that_might_mean_more_are_nobodys(
    server: Server, name: str, autojump_clock: MockClock
) -> None:
    await server.connect()(f"""
        S: * OK …
        C: a LOGIN "{name}" secret
        S: a NO [AUTHENTICATIONFAILED] …
    """)


async def test_a_user_has_so_many_connections_and_is_told(server: Server) -> None:
    login = """
        S: * OK …
        C: a LOGIN ada secret
        S: a OK …
    """
    clients = [server.connect() for _ in range(3)]
    for client in clients:
        await client(login)
    fourth = server.connect()
    await fourth("""
        S: * OK …
        C: a LOGIN ada secret
        S: a NO [LIMIT] 3 connections of ada are open already; close one first
        S: * BYE 3 connections of ada are open already; close one first
    """)
    await fourth.closed()
    await clients[0].bye()
    await wait_all_tasks_blocked()
    await server.connect()(login)


async def test_a_shutdown_says_bye(server: Server) -> None:
    before, after = server.connect(), server.connect()
    await before("S: * OK …")
    await after("""
        S: * OK …
        C: a LOGIN ada secret
        S: a OK …
    """)
    await wait_all_tasks_blocked()
    server.shut_down()
    for client in (before, after):
        await client("S: * BYE the server is shutting down")
        await client.closed()


@pytest.mark.parametrize("said", [b"", b"a LOG", b"a AUTHENTICATE PLAIN\r\n", b"a LOGIN {5}\r\n"])
async def test_a_client_may_go_without_a_word(server: Server, said: bytes) -> None:
    client = server.connect()
    await client("S: * OK …")
    await client.stream.send_all(said)
    await wait_all_tasks_blocked()
    await client.bye()


async def test_an_account_that_can_t_be_opened_is_unavailable(
    server: Server, maildir: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.rmtree(maildir)
    (tmp_path / "state/index").mkdir(parents=True)  # she was served before
    client = server.connect()
    await client("""
        S: * OK …
        C: a LOGIN ada secret
        S: a NO [UNAVAILABLE] your mail can't be reached now; the server's log says why
        S: * BYE …
    """)
    await client.closed()
    assert f"account ada can't be opened: there is no directory {maildir}" in caplog.text


async def test_a_successful_login_is_logged(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await server.connect()("""
        S: * OK …
        C: a LOGIN ada secret
        S: a OK …
    """)
    assert "ada logged in from 192.0.2.7:5000 with LOGIN, without TLS" in caplog.text
    assert "secret" not in caplog.text
