"""What the service manager hears: a real datagram socket, a real server process."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
import trio

from maildird.server.notify import ServiceManager

PATIENCE = 30
"""Seconds in which each message has to come."""


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    for subdir in ("cur", "new", "tmp"):
        (tmp_path / "Maildir" / subdir).mkdir(parents=True)
    return tmp_path / "Maildir"


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest) -> Iterator[tuple[socket.socket, str]]:
    """A service manager's end, and what $NOTIFY_SOCKET says of it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.settimeout(PATIENCE)
        if request.param == "abstract":
            listening.bind("")
            yield listening, "@" + listening.getsockname()[1:].decode()
            return
        name = f"/tmp/maildird-notify-{os.getpid()}"
        listening.bind(name)
        yield listening, name
        os.unlink(name)


@contextmanager
def serving(maildir: Path, environment: Mapping[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    state = ("--state-dir", str(maildir.with_name("state")))
    listen = ("--listen", "127.0.0.1:0")
    with subprocess.Popen(
        [sys.executable, "-m", "maildird", "serve", str(maildir), *state, *listen],
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def heard(listening: socket.socket) -> list[str]:
    """The lines of the next message but those that feed the watchdog."""
    while True:
        lines = listening.recv(4096).decode().split("\n")
        if lines != ["WATCHDOG=1"]:
            return lines


def test_the_manager_hears_of_the_beginning_and_the_end(
    maildir: Path, manager: tuple[socket.socket, str]
) -> None:
    listening, address = manager
    with serving(maildir, {"NOTIFY_SOCKET": address}) as server:
        ready, status = heard(listening)
        assert ready == "READY=1"
        assert status.startswith("STATUS=listening on 127.0.0.1:")
        server.terminate()
        assert heard(listening) == ["STOPPING=1", "STATUS=ending"]
        assert server.wait(PATIENCE) == 0


def test_the_watchdog_is_fed(maildir: Path, manager: tuple[socket.socket, str]) -> None:
    listening, address = manager
    with serving(maildir, {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "400000"}):
        for _ in range(3):
            while listening.recv(4096) != b"WATCHDOG=1":
                pass


async def test_the_watchdog_is_not_fed_while_the_loop_hangs(
    manager: tuple[socket.socket, str],
) -> None:
    listening, address = manager
    fed = ServiceManager({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "200000"})
    async with trio.open_nursery() as nursery:
        nursery.start_soon(fed.feed_watchdog)
        await trio.lowlevel.wait_readable(listening)
        listening.settimeout(1)
        with pytest.raises(TimeoutError):
            heard(listening)
        await trio.lowlevel.wait_readable(listening)
        assert listening.recv(4096) == b"WATCHDOG=1"
        nursery.cancel_scope.cancel()


def test_a_reload_has_a_beginning_in_monotonic_time_and_an_end(
    manager: tuple[socket.socket, str],
) -> None:
    listening, address = manager
    earliest = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    with ServiceManager({"NOTIFY_SOCKET": address}).reloading():
        reloading, began = heard(listening)
    assert reloading == "RELOADING=1"
    assert began.startswith("MONOTONIC_USEC=")
    assert earliest <= int(began.partition("=")[2]) <= time.clock_gettime_ns(1) // 1000
    assert heard(listening) == ["READY=1"]


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    """Of a server that takes a while to start: it has accounts to make."""
    file = tmp_path / "maildird.toml"
    accounts = "".join(
        f"[[accounts]]\nname = 'user{number}'\npassword = 'secret'\n" for number in range(40)
    )
    file.write_text(
        f"state_directory = '{tmp_path}/state'\n"
        f"[[listeners]]\naddress = '127.0.0.1:0'\n"
        f"[mail]\nlocation = '{tmp_path}/mail/{{user}}'\n{accounts}"
    )
    (tmp_path / "mail").mkdir()
    return file


@contextmanager
def configured(
    configuration: Path, environment: Mapping[str, str]
) -> Iterator["subprocess.Popen[bytes]"]:
    with subprocess.Popen(
        [sys.executable, "-m", "maildird", "serve", "--config", str(configuration)],
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_settings_are_read_again_only_once_the_server_is_ready(
    configuration: Path, manager: tuple[socket.socket, str]
) -> None:
    listening, address = manager
    environment = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "60000000"}
    with configured(configuration, environment) as server:
        assert listening.recv(4096) == b"WATCHDOG=1"
        server.send_signal(signal.SIGHUP)
        heads = [heard(listening) for _ in range(3)]
        assert heads[0][1].startswith("STATUS=listening on 127.0.0.1:")
        assert [lines[0] for lines in heads] == ["READY=1", "RELOADING=1", "READY=1"]
        server.terminate()
        assert server.wait(PATIENCE) == 0


def test_reloads_don_t_overlap_and_the_last_request_is_heeded(
    configuration: Path, manager: tuple[socket.socket, str]
) -> None:
    listening, address = manager
    with configured(configuration, {"NOTIFY_SOCKET": address}) as server:
        assert heard(listening)[0] == "READY=1"
        for _ in range(5):
            server.send_signal(signal.SIGHUP)
            assert heard(listening)[0] == "RELOADING=1"
            server.send_signal(signal.SIGHUP)  # while the first one goes on
            assert [heard(listening)[0] for _ in range(3)] == ["READY=1", "RELOADING=1", "READY=1"]
        server.terminate()
        assert server.wait(PATIENCE) == 0


def test_an_end_is_not_taken_back(configuration: Path, manager: tuple[socket.socket, str]) -> None:
    listening, address = manager
    with configured(configuration, {"NOTIFY_SOCKET": address}) as server:
        assert heard(listening)[0] == "READY=1"
        server.send_signal(signal.SIGHUP)
        assert heard(listening)[0] == "RELOADING=1"
        server.terminate()
        for _ in range(20):
            server.send_signal(signal.SIGHUP)
        assert server.wait(PATIENCE) == 0
        last: list[str] = []
        listening.setblocking(False)
        while not last or last[-1] != "STOPPING=1":
            last.append(heard(listening)[0])
        with pytest.raises(BlockingIOError):
            heard(listening)


async def test_without_a_manager_nobody_is_told(caplog: pytest.LogCaptureFixture) -> None:
    alone = ServiceManager({})
    alone.ready("listening")
    with trio.fail_after(PATIENCE):
        await alone.feed_watchdog()
    assert not caplog.records


def test_a_manager_that_is_gone_does_not_stop_the_server(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ServiceManager({"NOTIFY_SOCKET": str(tmp_path / "gone")}).ready("listening")
    assert [record.message for record in caplog.records] == [
        "the service manager did not hear READY=1: No such file or directory"
    ]


async def test_the_watchdog_of_another_process_is_not_fed() -> None:
    environment = {"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1", "NOTIFY_SOCKET": "@x"}
    with trio.fail_after(PATIENCE):
        await ServiceManager(environment).feed_watchdog()
    assert environment == {}
