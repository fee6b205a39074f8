"""The status socket where a real server behaves too well: large answers, strange ones, none."""

import os
import socket
import threading
from pathlib import Path

import pytest
import trio

from maildird.mailbox.report import AccountReport
from maildird.maildir.monitor import MonitorState
from maildird.server import status as status_module
from maildird.server.status import Status, answering, ask
from maildird.terms.errors import StatusUnknown


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    monkeypatch.chdir(tmp_path)
    return os.fsencode(tmp_path)


def status_of(name: str) -> Status:
    monitor = MonitorState("inotify", 0, None, None)
    account = AccountReport(name, "/mail", 1.0, 0, monitor, 1, 2, 2, 2, 0, 4096, ())
    return Status(account, sessions=0, version="1", process=1, memory=1)


async def test_who_does_not_take_a_large_answer_is_left(
    directory: bytes, autojump_clock: trio.testing.MockClock
) -> None:
    async def status() -> Status:
        return status_of("x" * 4_000_000)

    async with answering(directory, status):
        with socket.socket(socket.AF_UNIX) as silent, socket.socket(socket.AF_UNIX) as other:
            silent.connect("status")
            other.connect("status")
            await trio.sleep(1.5 * status_module.SERVER_PATIENCE)
            other.setblocking(False)
            assert other.recv(10) == b'{"account"'


async def test_a_failure_is_logged_and_the_next_one_is_answered(
    directory: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    failures = [ValueError("a bug")]

    async def status() -> Status:
        if failures:
            raise failures.pop()
        return status_of("ada")

    async with answering(directory, status):
        with pytest.raises(StatusUnknown, match="broke off its answer"):
            await trio.to_thread.run_sync(ask, directory)
        assert await trio.to_thread.run_sync(ask, directory) == status_of("ada")
    (record,) = caplog.records
    assert record.message.startswith("status: ValueError: a bug (in ")


@pytest.mark.parametrize("answer", [b"[]\n", b"{}\n", b'{"account": 1}\n', b"garbage\n"])
def test_an_answer_of_another_version(directory: bytes, answer: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("status")
        listening.listen()

        def give() -> None:
            connected, _ = listening.accept()
            with connected:
                connected.sendall(answer)

        giving = threading.Thread(target=give)
        giving.start()
        with pytest.raises(StatusUnknown, match="another version"):
            ask(directory)
        giving.join()


def test_a_server_that_hangs(directory: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status_module, "CLIENT_PATIENCE", 0.05)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("status")
        listening.listen()
        with pytest.raises(StatusUnknown, match="is not answering"):
            ask(directory)
