"""The servers that are measured, each over a Maildir of its own, as processes.

Dovecot runs without its master process: a connection is an `imap` process at the other end of a
socket, logged in already.
"""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from tests.bench.wire import PATIENCE, Wire, after
from tests.rfc7162.hosts import AS_ANOTHER, DISGUISE, DOVECOT_IMAP, IS_ROOT

PASSWORD = "open sesame"
READY = re.compile(rb"imap://127\.0\.0\.1:(\d+)")
TICKS = os.sysconf("SC_CLK_TCK")


class Server(Protocol):
    """A server that runs; `maildir` is what it serves."""

    name: str
    maildir: Path

    def connect(self) -> Wire:
        """A connection that has logged in."""

    def cpu_seconds(self) -> float:
        """Processor time of all its processes until now."""

    def end(self) -> None:
        """End it."""


class Maildird:
    """`maildird serve`."""

    name = "maildird"

    def __init__(self, maildir: Path, state: Path) -> None:
        self.maildir = maildir
        self._wires: list[Wire] = []
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "maildird", "serve", str(maildir)),
                *("--state-dir", str(state), "--listen", "127.0.0.1:0", "--user", "me"),
            ],
            env=os.environ | {"MAILDIRD_PASSWORD": PASSWORD},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self._process.stdout is not None
        ready = (READY.search(line) for line in self._process.stdout)
        self._port = next(int(found[1]) for found in ready if found)

    def connect(self) -> Wire:
        wire = Wire(socket.create_connection(("127.0.0.1", self._port)))
        self._wires.append(wire)
        wire.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        wire.until(after(b"* OK"), PATIENCE)
        wire.command(b'LOGIN me "%s"' % PASSWORD.encode())
        return wire

    def cpu_seconds(self) -> float:
        return _cpu_seconds(self._process.pid)

    def end(self) -> None:
        for wire in self._wires:
            wire.close()
        self._process.send_signal(signal.SIGTERM)
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


class Dovecot:
    """Dovecot's `imap`, a process for each connection."""

    name = "Dovecot"

    def __init__(self, maildir: Path, state: Path) -> None:
        self.maildir = maildir
        self._state = state
        self._connected: list[tuple[subprocess.Popen[bytes], Wire]] = []
        state.mkdir()
        (state / "dovecot.conf").write_text(
            f"mail_location = maildir:{maildir}\n"
            f"base_dir = {state}/run\n"
            f"log_path = {state}/dovecot.log\n"
            "protocols = imap\n"
            "ssl = no\n"
            f"mail_uid = {DISGUISE if IS_ROOT else os.getuid()}\n"
            f"mail_gid = {DISGUISE if IS_ROOT else os.getgid()}\n"
            "first_valid_uid = 0\nfirst_valid_gid = 0\n"
            "stats_writer_socket_path =\n"
            "namespace inbox {\n  inbox = yes\n  separator = .\n}\n"
        )

    def connect(self) -> Wire:
        ours, theirs = socket.socketpair()
        command = [str(DOVECOT_IMAP), "-c", str(self._state / "dovecot.conf")]
        with theirs:
            process = subprocess.Popen(
                [*AS_ANOTHER, *command] if IS_ROOT else command,
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=subprocess.DEVNULL,
                env=os.environ | {"USER": "me", "HOME": str(self._state)},
            )
        self._connected.append((process, Wire(ours)))
        self._connected[-1][1].until(after(b"PREAUTH"), PATIENCE)
        return self._connected[-1][1]

    def cpu_seconds(self) -> float:
        return sum(_cpu_seconds(process.pid) for process, _wire in self._connected)

    def end(self) -> None:
        for process, wire in self._connected:
            process.kill()
            process.wait()
            wire.close()


@contextmanager
def running(kind: type[Maildird] | type[Dovecot], maildir: Path, state: Path) -> Iterator[Server]:
    """A server of that kind over `maildir`; `state` is where it may keep things."""
    server: Server = kind(maildir, state)
    try:
        yield server
    finally:
        server.end()


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def selected(server: Server) -> Wire:
    """A connection with INBOX selected, for which removals are VANISHED."""
    wire = server.connect()
    wire.command(b"ENABLE QRESYNC")
    wire.command(b"SELECT INBOX")
    return wire


def idling(server: Server) -> Wire:
    """The same in IDLE."""
    wire = selected(server)
    wire.idle()
    return wire
