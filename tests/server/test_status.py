"""The control socket where a real server behaves too well: large answers, strange ones, none."""

import os
import socket
import threading
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest
import trio

from maildird.mailbox.report import AccountReport
from maildird.maildir.monitor import MonitorState
from maildird.server import control
from maildird.server.control import Answers, answering, ask
from maildird.server.status import STATUS, Status, ask_status
from maildird.session.presence import Presence
from maildird.terms.errors import StatusUnknown


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    monkeypatch.chdir(tmp_path)
    return os.fsencode(tmp_path)


def status_of(name: str) -> Status:
    monitor = MonitorState("inotify", 0, None, None)
    account = AccountReport(name, "/mail", 1.0, monitor, 1, 2, 2, 2, 0, 5, 0.1, 3, 4, 4096, ())
    sessions = (Presence("127.0.0.1:5000", "TLSv1.3", 2.0, "mutt 2.2", "INBOX", True),)
    return Status(account, sessions, version="1", process=1, memory=1)


def answers_with(answer: Callable[[], object]) -> Answers:
    """Answers for a status as it is when asked for."""

    async def give(_rest: str) -> object:
        return answer()

    return {STATUS: give}


async def test_who_does_not_take_a_large_answer_is_left(
    directory: bytes, autojump_clock: trio.testing.MockClock
) -> None:
    async with answering(directory, answers_with(lambda: "x" * 4_000_000)):
        with socket.socket(socket.AF_UNIX) as silent, socket.socket(socket.AF_UNIX) as other:
            for each in (silent, other):
                each.connect("status")
                each.sendall(b"status\n")
            await trio.sleep(1.5 * control.SERVER_PATIENCE)
            other.settimeout(10)
            assert (await trio.to_thread.run_sync(other.recv, 4)) == b'"xxx'
            silent.settimeout(10)
            received = 0
            while octets := await trio.to_thread.run_sync(silent.recv, 1 << 20):
                received += len(octets)
            assert 0 < received < 4_000_000


async def test_a_failure_is_logged_and_the_next_one_is_answered(
    directory: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    failures = [ValueError("a bug")]

    def status() -> object:
        if failures:
            raise failures.pop()
        return asdict(status_of("ada"))

    async with answering(directory, answers_with(status)):
        with pytest.raises(StatusUnknown, match="broke off its answer"):
            await trio.to_thread.run_sync(ask_status, directory)
        assert await trio.to_thread.run_sync(ask_status, directory) == status_of("ada")
    (record,) = caplog.records
    assert record.message.startswith("control socket: ValueError: a bug (in ")


@pytest.mark.parametrize("request_", ["", "nothing", "x" * 10_000])
async def test_what_can_t_be_asked_gets_no_answer(directory: bytes, request_: str) -> None:
    async with answering(directory, answers_with(lambda: 1)):
        with pytest.raises(StatusUnknown, match=r"broke off its answer|can't ask"):
            await trio.to_thread.run_sync(ask, directory, request_)
        assert await trio.to_thread.run_sync(ask, directory, STATUS) == 1


@pytest.mark.parametrize("answer", [b"[]\n", b"{}\n", b'{"account": 1}\n', b"garbage\n"])
def test_an_answer_of_another_version(directory: bytes, answer: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("status")
        listening.listen()

        def give() -> None:
            connected, _ = listening.accept()
            with connected:
                assert connected.recv(100) == b"status\n"
                connected.sendall(answer)

        giving = threading.Thread(target=give)
        giving.start()
        with pytest.raises(StatusUnknown, match="another version"):
            ask_status(directory)
        giving.join()


def test_a_server_that_hangs(directory: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "CLIENT_PATIENCE", 0.05)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("status")
        listening.listen()
        with pytest.raises(StatusUnknown, match="is not answering"):
            ask(directory, STATUS)
