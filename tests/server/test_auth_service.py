"""What other servers hear when they ask who their clients are."""

import base64
import logging
import resource
import select
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import trio
from scramp import ScramClient
from trio.testing import MockClock, wait_all_tasks_blocked

from maildird.mailbox.settings import AccountSettings
from maildird.server.auth_service import MOST_CONNECTIONS, MOST_EXCHANGES, AuthService
from maildird.server.auth_socket import auth_socket
from maildird.server.passwords import plain_password
from maildird.server.settings import Sasl, Settings, User
from maildird.server.throttle import Throttle
from maildird.server.users import Users

HELLO = b"VERSION\t1\t0\nCPID\t123\n"
RIP = "lip=192.0.2.1\trip=192.0.2.7"


def base(*parts: str) -> str:
    return base64.b64encode("\0".join(parts).encode()).decode()


RIGHT = base("", "ada", "secret")
WRONG = base("", "ada", "wrong")

UNWANTED = "temp\tcode=temp_fail\treason=nobody waits for this response"


def decoded(data: str) -> str:
    return base64.b64decode(data, validate=True).decode()


def users(name: str = "ada", password: str = "secret") -> Users:
    mail = AccountSettings(name, b"/m", b"/s")
    return Users(Settings((User(name, plain_password(password), mail),)))


class Client:
    """One process of Postfix."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self._unread = b""

    async def __call__(self, line: str) -> str:
        """Say a line, and hear the next one."""
        await self.say(line)
        return await self.hear()

    async def say(self, line: str) -> None:
        await self.stream.send_all(line.encode() + b"\n")

    async def hear(self) -> str:
        while b"\n" not in self._unread:
            received = await self.stream.receive_some()
            assert received, "the server closed the connection"
            self._unread += received
        line, _, self._unread = self._unread.partition(b"\n")
        return line.decode()

    async def ended(self) -> bool:
        """Whether nothing more comes."""
        return self._unread == b"" and await self.stream.receive_some() == b""


class Service:
    """A service at a path, and clients of it."""

    def __init__(self, service: AuthService, path: Path) -> None:
        self.service = service
        self.clients: list[Client] = []
        self._path = path

    async def stream(self) -> trio.SocketStream:
        """A connection where nothing was said yet."""
        stream = await trio.open_unix_socket(str(self._path))
        self.clients.append(Client(stream))
        return stream

    async def client(self) -> Client:
        """One that has done with the handshake."""
        client = Client(await self.stream())
        await client.stream.send_all(HELLO)
        heard: list[str] = []
        while not heard or heard[-1] != "DONE":
            heard.append(await client.hear())
        assert heard[1:4] == [
            "MECH\tPLAIN\tplaintext",
            "MECH\tLOGIN\tplaintext",
            "MECH\tSCRAM-SHA-256\tmutual-auth",
        ]
        return client


@pytest.fixture
def more_descriptors() -> Iterator[None]:
    """Enough for both ends of all connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4 * MOST_CONNECTIONS, hard), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    path, service = tmp_path / "auth", AuthService(users(), Throttle())
    with auth_socket(Sasl(str(path))) as listening:
        assert listening is not None
        async with trio.open_nursery() as nursery:
            nursery.start_soon(service.answer_all, listening)
            world = Service(service, path)
            yield world
            for client in world.clients:
                await client.stream.aclose()
            nursery.cancel_scope.cancel()


async def test_plain_with_and_without_a_response_at_once(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    client = await service.client()
    right = base("", "ada", "secret")
    auth = f"AUTH\t1\tPLAIN\tservice=smtp\tnologin\t{RIP}\tsecured"
    assert await client(f"{auth}\tresp={right}") == "OK\t1\tuser=ada"
    assert await client(f"AUTH\t2\tPLAIN\tservice=smtp\t{RIP}") == "CONT\t2\t"
    assert await client(f"CONT\t2\t{right}") == "OK\t2\tuser=ada"
    assert caplog.messages == ["ada logged in from 192.0.2.7:0 with PLAIN, for 'smtp'"] * 2


async def test_other_servers_hear_the_name_in_small_letters(service: Service) -> None:
    client = await service.client()
    assert await client(f"AUTH\t1\tPLAIN\tresp={base('', 'Ada', 'secret')}") == "OK\t1\tuser=ada"


async def test_login(service: Service) -> None:
    client = await service.client()
    assert await client(f"AUTH\t1\tLOGIN\tservice=smtp\t{RIP}") == f"CONT\t1\t{base('Username:')}"
    assert await client(f"CONT\t1\t{base('ada')}") == f"CONT\t1\t{base('Password:')}"
    assert await client(f"CONT\t1\t{base('secret')}") == "OK\t1\tuser=ada"


async def test_scram(service: Service) -> None:
    client = await service.client()
    scram = ScramClient(["SCRAM-SHA-256"], "ada", "secret")
    first = base(scram.get_client_first())
    number, _, data = (await client(f"AUTH\t9\tSCRAM-SHA-256\tresp={first}")).partition("\t9\t")
    scram.set_server_first(base64.b64decode(data).decode())
    number, _, data = (await client(f"CONT\t9\t{base(scram.get_client_final())}")).partition(
        "\t9\t"
    )
    assert number == "CONT"
    scram.set_server_final(base64.b64decode(data).decode())
    assert await client("CONT\t9\t") == "OK\t9\tuser=ada"


@pytest.mark.parametrize(
    ("auth", "answer"),
    [
        (f"PLAIN\tresp={base('', 'ada', 'wrong')}", "user=ada\treason=the name or the password"),
        (f"PLAIN\tresp={base('', 'eve', 'secret')}", "user=eve\treason=the name or the password"),
        (f"PLAIN\tresp={base('eve', 'ada', 'secret')}", "user=ada\treason=the name or the"),
        ("PLAIN\tresp==", "user=\treason=the name or the password is wrong"),
        ("PLAIN\tresp=x", "reason=the response is not base64"),
        (f"SCRAM-SHA-256\tresp={base('x')}", "reason=expected a client-first-message"),
        ("SCRAM-SHA-256-PLUS", "reason=this mechanism is not offered here"),
        ("EXTERNAL\tresp==", "reason=this mechanism is not offered here"),
        ("\x01t\x010", "reason=this mechanism is not offered here"),
    ],
)
async def test_failures(service: Service, auth: str, answer: str) -> None:
    client = await service.client()
    assert (await client(f"AUTH\t3\t{auth}")).startswith(f"FAIL\t3\t{answer}")
    assert await client(f"AUTH\t4\tPLAIN\tresp={base('', 'ada', 'secret')}") == "OK\t4\tuser=ada"


async def test_failures_are_logged_as_all_are_and_slow_that_address_down(
    service: Service, caplog: pytest.LogCaptureFixture, autojump_clock: MockClock
) -> None:
    client, begin = await service.client(), trio.current_time()
    wrong = base("", "eve", "x")
    for number in range(12):
        assert (await client(f"AUTH\t{number}\tPLAIN\t{RIP}\tresp={wrong}")).startswith("FAIL")
    assert set(caplog.messages) == {"failed login for 'eve' from 192.0.2.7:0"}
    waited = trio.current_time() - begin
    assert 2 + 4 + 4 * 5 - 2 < waited < 2 + 4 + 4 * 5 + 2
    begin = trio.current_time()
    right = base("", "ada", "secret")
    assert await client(f"AUTH\t20\tPLAIN\trip=192.0.2.8\tresp={right}") == "OK\t20\tuser=ada"
    assert trio.current_time() == begin


async def test_nobody_waits_for_longer_than_postfix_does_whoever_else_guesses(
    service: Service, autojump_clock: MockClock
) -> None:
    client = await service.client()
    for number in range(12):
        await client.say(f"AUTH\t{number}\tPLAIN\t{RIP}\tresp={base('', 'eve', 'x')}")
    answers = [await client.hear() for _ in range(12)]
    begin = trio.current_time()
    for number in range(21, 45):
        await client.say(f"AUTH\t{number}\tPLAIN\t{RIP}\tresp={base('', 'eve', 'x')}")
    await client.say(f"AUTH\t20\tPLAIN\t{RIP}\tresp={base('', 'ada', 'secret')}")
    assert await client.hear() == "OK\t20\tuser=ada"
    assert trio.current_time() == begin
    answers = [await client.hear() for _ in range(24)]
    assert trio.current_time() - begin <= 8
    assert all(answer.startswith("FAIL\t") for answer in answers)
    assert sum("\tuser=eve\treason=" in answer for answer in answers) in range(1, 6)


async def test_exchanges_of_one_connection_and_of_several_go_on_side_by_side(
    service: Service,
) -> None:
    clients = [await service.client() for _ in range(5)]
    for client in clients:
        for number in (1, 2, 3):
            assert (await client(f"AUTH\t{number}\tLOGIN")).startswith(f"CONT\t{number}\t")
    for client in reversed(clients):
        for number in (3, 1, 2):
            await client(f"CONT\t{number}\t{base('ada')}")
        for number in (2, 1, 3):
            answer = await client(f"CONT\t{number}\t{base('secret')}")
            assert answer == f"OK\t{number}\tuser=ada"


async def test_responses_that_nobody_waits_for_are_refused(service: Service) -> None:
    client = await service.client()
    assert await client("CONT\t7\tAA==") == f"FAIL\t7\t{UNWANTED}"
    assert await client(f"AUTH\t7\tPLAIN\tresp={RIGHT}") == "OK\t7\tuser=ada"
    assert await client("CONT\t7\tAA==") == f"FAIL\t7\t{UNWANTED}"


@pytest.mark.parametrize(
    "begun", [f"PLAIN\tresp={WRONG}", f"PLAIN\tresp={RIGHT}", "PLAIN", "LOGIN"]
)
async def test_a_response_that_comes_too_early_is_the_end_of_the_exchange(
    service: Service, begun: str
) -> None:
    client = await service.client()
    assert await client(f"AUTH\t7\t{begun}\nCONT\t7\t{RIGHT}") == f"FAIL\t7\t{UNWANTED}"
    assert await client(f"AUTH\t7\tPLAIN\tresp={RIGHT}") == "OK\t7\tuser=ada"
    assert await client("AUTH\t8\tPLAIN") == "CONT\t8\t"


async def test_one_response_too_many_is_the_end_of_the_exchange(service: Service) -> None:
    client = await service.client()
    await client("AUTH\t7\tLOGIN")
    said = f"CONT\t7\t{base('ada')}\nCONT\t7\t{base('secret')}"
    assert await client(said) == f"FAIL\t7\t{UNWANTED}"
    assert await client(f"AUTH\t8\tPLAIN\tresp={RIGHT}") == "OK\t8\tuser=ada"


async def test_an_exchange_can_be_given_up(service: Service) -> None:
    client = await service.client()
    await client("AUTH\t1\tLOGIN")
    await client.say("CANCEL\t1")
    await client.say("CANCEL\t2")
    assert (await client("CONT\t1\tAA==")).startswith("FAIL\t1\ttemp")
    assert (await client("AUTH\t1\tLOGIN")).startswith("CONT\t1\t")


@pytest.mark.parametrize("given_up", ["LOGIN", f"PLAIN\tresp={WRONG}", f"PLAIN\tresp={RIGHT}"])
async def test_the_number_of_an_exchange_that_was_given_up_is_free_at_once(
    service: Service, given_up: str
) -> None:
    client = await service.client()
    if given_up == "LOGIN":
        await client("AUTH\t1\tLOGIN")
    else:
        await client.say(f"AUTH\t1\t{given_up}")
    await client.say(f"CANCEL\t1\nAUTH\t1\tPLAIN\tresp={base('', 'ada', 'wrong again')}")
    assert (await client.hear()).startswith("FAIL\t1\tuser=ada\treason=the name")
    assert await client(f"AUTH\t2\tPLAIN\tresp={RIGHT}") == "OK\t2\tuser=ada"


async def test_a_response_that_never_comes_is_not_waited_for_for_ever(
    service: Service, autojump_clock: MockClock
) -> None:
    client = await service.client()
    await client("AUTH\t1\tLOGIN")
    assert (await client.hear()).startswith("FAIL\t1\ttemp\tcode=temp_fail")


async def test_exchanges_are_bounded(service: Service) -> None:
    client = await service.client()
    for number in range(MOST_EXCHANGES):
        assert (await client(f"AUTH\t{number}\tLOGIN")).startswith("CONT")
    assert (await client("AUTH\t1000\tLOGIN")).startswith("FAIL\t1000\ttemp")


@pytest.mark.parametrize(
    "garbage",
    [b"\n", b"XYZZY\n", bytes(range(256)) * 4, b"A" * 100_000, b"AUTH\t1\tLOGIN\n" * 2],
)
async def test_garbage_ends_that_connection_alone(
    service: Service, garbage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    sane, client = await service.client(), await service.client()
    await client.stream.send_all(garbage)
    with trio.fail_after(10):
        try:
            while await client.stream.receive_some():
                pass
        except trio.BrokenResourceError:
            pass
    await wait_all_tasks_blocked()
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("SASL socket: ")
    assert (await sane("AUTH\t1\tLOGIN")).startswith("CONT\t1\t")


async def test_silent_connections_keep_nobody_out(
    service: Service, more_descriptors: None, caplog: pytest.LogCaptureFixture
) -> None:
    """Some have not said a word, others have had their exchanges."""
    caplog.set_level(logging.WARNING)
    busy = await service.client()
    await busy("AUTH\t1\tLOGIN")
    silent = [await service.stream() for _ in range(MOST_CONNECTIONS // 2)]
    silent += [(await service.client()).stream for _ in range(MOST_CONNECTIONS - 1 - len(silent))]
    await wait_all_tasks_blocked()
    newcomers = [await service.client() for _ in range(10)]
    for client in newcomers:
        assert await client(f"AUTH\t1\tPLAIN\tresp={RIGHT}") == "OK\t1\tuser=ada"
    assert (await busy(f"CONT\t1\t{base('ada')}")).startswith("CONT\t1\t")
    assert [await is_open(stream) for stream in silent[:12]] == [False] * 10 + [True] * 2
    assert caplog.messages == [
        "SASL socket: 500 connections are open; the one that was silent longest is ended"
    ]


async def test_connections_with_exchanges_don_t_make_room(
    service: Service, more_descriptors: None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    clients = [await service.client() for _ in range(MOST_CONNECTIONS)]
    for client in clients:
        await client("AUTH\t1\tLOGIN")
    for _ in range(2):
        assert not await is_open(await service.stream())
    assert caplog.messages == ["SASL socket: 500 connections are open; more are turned away"]
    await clients[7].say("CANCEL\t1")
    await wait_all_tasks_blocked()
    await service.client()
    assert not await is_open(clients[7].stream)
    assert await is_open(clients[8].stream)


async def is_open(stream: trio.SocketStream) -> bool:
    """Whether the server has not ended a connection, whatever it said before."""
    await wait_all_tasks_blocked()
    while select.select([stream.socket], [], [], 0)[0]:
        if not await stream.receive_some():
            return False
    return True


async def test_who_leaves_in_the_middle_is_no_trouble(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    client = await service.client()
    await client("AUTH\t1\tLOGIN")
    await client.stream.aclose()
    await wait_all_tasks_blocked()
    assert caplog.messages == []
    assert (await (await service.client())("AUTH\t1\tLOGIN")).startswith("CONT\t1\t")


async def test_who_takes_no_answers_is_sent_away(service: Service) -> None:
    client = await service.client()
    client.stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)

    async def talk_without_listening() -> None:
        while True:
            await client.stream.send_all(b"CONT\t1\tAA==\n" * 1000)

    with trio.fail_after(60), pytest.raises(trio.BrokenResourceError):
        await talk_without_listening()


async def test_new_users_count_on_open_connections(service: Service) -> None:
    client = await service.client()
    service.service.use(users("bob", "new"))
    assert (await client(f"AUTH\t1\tPLAIN\tresp={base('', 'ada', 'secret')}")).startswith("FAIL")
    assert await client(f"AUTH\t2\tPLAIN\tresp={base('', 'bob', 'new')}") == "OK\t2\tuser=bob"
