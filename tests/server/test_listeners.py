"""Taking clients in, over real sockets on the loopback interface."""

import logging
import resource
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import trio

from maildird.server.addresses import Address
from maildird.server.admission import Admission
from maildird.server.listeners import bind
from maildird.server.reception import Client, Reception, Service
from maildird.server.settings import Limits, Listener, Timeouts
from maildird.terms.errors import SettingsError

Serve = Callable[[Client], Awaitable[None]]

ANY_PORT = Listener(Address("127.0.0.1", 0))


@asynccontextmanager
async def listening(
    serve: Serve, limits: Limits | None = None, listener: Listener = ANY_PORT
) -> AsyncIterator[tuple[str, int]]:
    """A listener whose clients `serve` talks to; gives host and port."""
    (bound,) = bind(listener)
    reception = Reception(Admission(limits or Limits()), Service(serve, Timeouts()))
    with bound.listening:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(reception.accept_all, bound)
            yield bound.address.host, bound.address.port
            nursery.cancel_scope.cancel()


async def echo(client: Client) -> None:
    while data := await client.stream.receive_some():
        await client.stream.send_all(data)


async def echo_to_a_user(client: Client) -> None:
    client.visit.known = True
    await echo(client)


async def conversation(address: tuple[str, int], data: bytes) -> bytes:
    """Connect, send, and read until the server closes."""
    async with await trio.open_tcp_stream(*address) as stream:
        await stream.send_all(data)
        await stream.send_eof()
        return b"".join([piece async for piece in stream])


async def test_each_client_is_served_in_its_own_task() -> None:
    async with listening(echo) as address, await trio.open_tcp_stream(*address) as first:
        assert await conversation(address, b"second") == b"second"
        await first.send_all(b"first")
        assert await first.receive_some() == b"first"


async def test_port_0_tells_what_was_picked() -> None:
    async with listening(echo) as (host, port):
        assert host == "127.0.0.1"
        assert port > 0


async def test_an_ipv6_address_is_listened_on() -> None:
    async with listening(echo, listener=Listener(Address("::1", 0))) as address:
        assert await conversation(address, b"x") == b"x"


async def test_a_host_name_is_listened_on() -> None:
    bound = bind(Listener(Address("localhost", 0)))
    assert bound
    for each in bound:
        each.listening.close()


@pytest.mark.parametrize("listener", [ANY_PORT, Listener(Address("127.0.0.1", 0), True)])
async def test_a_client_on_this_machine_is_private(listener: Listener) -> None:
    private = []

    async def note(client: Client) -> None:
        private.append(client.private)

    async with listening(note, listener=listener) as address:
        await conversation(address, b"")
    assert private == [True]


async def test_an_exception_ends_one_connection_and_is_logged_in_one_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def stumble(client: Client) -> None:
        if await client.stream.receive_some() == b"stumble":
            async with trio.open_nursery() as nursery:
                nursery.start_soon(trio.sleep_forever)
                raise ValueError("a bug\nin two lines")
        await client.stream.send_all(b"fine")

    caplog.set_level(logging.INFO)
    async with listening(stumble) as address:
        assert await conversation(address, b"stumble") == b""
        assert await conversation(address, b"go on") == b"fine"
    (record,) = caplog.records
    assert record.levelname == "ERROR"
    assert record.message.startswith("127.0.0.1:")
    assert "in two lines (in " in record.message
    assert "test_listeners.py, line " in record.message
    assert "\n" not in record.message


async def test_a_lost_connection_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    async def lose(client: Client) -> None:
        raise trio.BrokenResourceError("Connection reset by peer")

    caplog.set_level(logging.INFO)
    async with listening(lose) as address:
        assert await conversation(address, b"") == b""
    assert not caplog.records


async def test_too_many_connections_in_all_are_answered(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with (
        listening(echo_to_a_user, Limits(connections=1)) as address,
        await trio.open_tcp_stream(*address) as first,
    ):
        await first.send_all(b"x")
        await first.receive_some()
        refusal = b"* BYE [LIMIT] all 1 connections are taken; try again later\r\n"
        for _ in range(3):
            assert await conversation(address, b"") == refusal
    assert [record.message for record in caplog.records] == [
        "1 connections of all addresses are open, more are turned away;"
        " limits.connections sets how many may be"
    ]


async def test_a_connection_that_has_not_logged_in_makes_room() -> None:
    async with (
        listening(echo, Limits(connections=1)) as address,
        await trio.open_tcp_stream(*address) as first,
    ):
        await first.send_all(b"x")
        await first.receive_some()
        assert await conversation(address, b"second") == b"second"
        assert await first.receive_some() == b""


async def test_too_many_connections_from_one_address_are_answered() -> None:
    async with (
        listening(echo, Limits(connections_per_address=1)) as address,
        await trio.open_tcp_stream(*address) as first,
    ):
        await first.send_all(b"x")
        await first.receive_some()
        refusal = await conversation(address, b"")
        assert refusal.startswith(b"* BYE [LIMIT] 1 connections from 127.0.0.1 are open already")
        await first.send_eof()
        assert await first.receive_some() == b""
        assert await conversation(address, b"x") == b"x"


async def test_the_listener_outlives_a_shortage_of_descriptors(
    caplog: pytest.LogCaptureFixture,
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    logged = trio.Event()
    caplog.handler.addFilter(lambda record: logged.set() or True)
    async with listening(echo) as address:
        with socket.create_connection(address, timeout=10) as warm_up:
            warm_up.sendall(b"x")
            await trio.to_thread.run_sync(warm_up.recv, 1)
        with socket.socket() as client:
            resource.setrlimit(resource.RLIMIT_NOFILE, (client.fileno() + 1, hard))
            try:
                client.setblocking(False)
                client.connect_ex(address)
                with trio.fail_after(10):
                    await logged.wait()
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            client.send(b"x")
            await trio.lowlevel.wait_readable(client)
            assert client.recv(1) == b"x"
    assert [record.message for record in caplog.records] == [
        "no more clients can be taken in for now: Too many open files"
    ]


async def test_a_port_that_is_taken_is_explained() -> None:
    (bound,) = bind(ANY_PORT)
    with bound.listening, pytest.raises(SettingsError) as error:
        bind(Listener(bound.address))
    assert str(error.value) == (
        f"can't listen on {bound.address}: Address already in use;"
        " another program listens there; end it, or take another port"
    )


def test_an_address_of_another_machine_is_explained() -> None:
    with pytest.raises(SettingsError, match=r"192\.0\.2\.1:0: .*; take an address of this machine"):
        bind(Listener(Address("192.0.2.1", 0)))


def test_a_host_name_that_is_none_is_explained() -> None:
    with pytest.raises(SettingsError, match=r"can't listen on nowhere\.invalid:0: "):
        bind(Listener(Address("nowhere.invalid", 0)))
