"""The servers that are measured, each over a Maildir of its own, as processes.

Dovecot mostly runs without its master process: a connection is an `imap` process at the other end
of a socket, logged in already. Where logging in is what is measured, all of it runs.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from tests.bench.wire import PATIENCE, Silence, Wire, after
from tests.rfc7162.hosts import AS_ANOTHER, DISGUISE, DOVECOT_IMAP, IS_ROOT

PASSWORD = "open sesame"
READY = re.compile(rb"imaps?://127\.0\.0\.1:(\d+)")
_NO_BYTECODE = "PYTHONDONTWRITEBYTECODE"
TICKS = os.sysconf("SC_CLK_TCK")


class Server(Protocol):
    """A server that runs and serves `maildir`; `resynchronises` says whether it has QRESYNC."""

    name: str
    maildir: Path
    resynchronises: bool

    def start(self) -> None:
        """Start it; returns once clients can connect."""

    def stop(self) -> None:
        """End it, connections and all."""

    def forget(self) -> None:
        """Start anew on a tree that it has never seen."""

    def connect(self) -> Wire:
        """A connection that has logged in."""

    def cpu_seconds(self) -> float:
        """Processor time of all its processes until now."""

    def memory(self) -> int:
        """What its processes hold in memory, in octets; what they share counts once."""


class Maildird:
    """`maildird serve`."""

    name = "maildird"
    resynchronises = True

    def __init__(self, maildir: Path, state: Path) -> None:
        self.maildir = maildir
        self._state = state
        self._wires: list[Wire] = []
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "maildird", "serve", *self._options()],
            env=_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self._process.stdout is not None
        ready = (READY.search(line) for line in self._process.stdout)
        self._port = next(int(found[1]) for found in ready if found)

    def _options(self) -> list[str]:
        """What `serve` is told."""
        return [
            *(str(self.maildir), "--state-dir", str(self._state)),
            *("--listen", "127.0.0.1:0", "--user", "me"),
        ]

    def stop(self) -> None:
        for wire in self._wires:
            wire.close()
        self._wires.clear()
        self._process.send_signal(signal.SIGTERM)
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def forget(self) -> None:
        self.stop()
        shutil.rmtree(self._state)
        remove_indexes(self.maildir)
        self.start()

    def connect(self) -> Wire:
        wire = log_in(self._secured(socket.create_connection(("127.0.0.1", self._port))))
        self._wires.append(wire)
        return wire

    def _secured(self, connected: socket.socket) -> socket.socket:
        """A connection as one may talk over it."""
        return connected

    def cpu_seconds(self) -> float:
        return cpu_seconds(self._process.pid)

    def memory(self) -> int:
        return memory(self._process.pid)


def _environment() -> dict[str, str]:
    """With the bytecode that a server which is installed has, too."""
    variables = {name: value for name, value in os.environ.items() if name != _NO_BYTECODE}
    return variables | {"MAILDIRD_PASSWORD": PASSWORD}


class Dovecot:
    """Dovecot's `imap`, a process for each connection."""

    name = "Dovecot"
    resynchronises = True

    def __init__(self, maildir: Path, state: Path) -> None:
        self.maildir = maildir
        self._state = state
        self._connected: list[tuple[subprocess.Popen[bytes], Wire]] = []
        state.mkdir()
        uid, gid = (DISGUISE, DISGUISE) if IS_ROOT else (os.getuid(), os.getgid())
        (state / "dovecot.conf").write_text(
            f"mail_location = maildir:{maildir}\n"
            f"base_dir = {state}/run\n"
            f"log_path = {state}/dovecot.log\n"
            "protocols = imap\n"
            "ssl = no\n"
            f"mail_uid = {uid}\nmail_gid = {gid}\n"
            "first_valid_uid = 0\nfirst_valid_gid = 0\n"
            "stats_writer_socket_path =\n"
            "namespace inbox {\n  inbox = yes\n  separator = .\n}\n"
        )

    def start(self) -> None:
        """Nothing: its processes start with the connections."""

    def stop(self) -> None:
        for process, wire in self._connected:
            wire.close()
            process.kill()
            process.wait()
        self._connected.clear()

    def forget(self) -> None:
        self.stop()
        remove_indexes(self.maildir)

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
        return sum(cpu_seconds(process.pid) for process, _wire in self._connected)

    def memory(self) -> int:
        return sum(memory(process.pid) for process, _wire in self._connected)


class DovecotService:
    """All of Dovecot, as its defaults have it: master, login and authentication processes."""

    name = "Dovecot"
    resynchronises = True

    def __init__(self, maildir: Path, state: Path) -> None:
        self.maildir = maildir
        self._state = state
        self._wires: list[Wire] = []
        state.mkdir()
        uid, gid = os.getuid(), os.getgid()
        if IS_ROOT:
            uid = gid = int(DISGUISE)
            _give_away(maildir, uid, gid)
        with socket.create_server(("127.0.0.1", 0)) as unused:
            self._port = unused.getsockname()[1]
        (state / "dovecot.conf").write_text(
            f"mail_location = maildir:{maildir}\n"
            f"base_dir = {state}/run\n"
            f"log_path = {state}/dovecot.log\n"
            "protocols = imap\n"
            "disable_plaintext_auth = no\n"
            "passdb {\n  driver = static\n  args = nopassword=y\n}\n"
            f"userdb {{\n  driver = static\n  args = uid={uid} gid={gid} home={state}\n}}\n"
            "first_valid_uid = 0\nfirst_valid_gid = 0\n"
            "namespace inbox {\n  inbox = yes\n  separator = .\n}\n" + self._listener()
        )
        self.start()

    def _listener(self) -> str:
        """The settings that say how clients connect."""
        return (
            "ssl = no\nservice imap-login {\n"
            f"  inet_listener imap {{\n    address = 127.0.0.1\n    port = {self._port}\n  }}\n"
            "  inet_listener imaps {\n    port = 0\n  }\n}\n"
        )

    def start(self) -> None:
        self._process = subprocess.Popen(
            ["dovecot", "-F", "-c", str(self._state / "dovecot.conf")],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + PATIENCE
        while True:
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", self._port)).close()
                return
            if time.monotonic() > deadline:
                raise Silence((self._state / "dovecot.log").read_text())
            time.sleep(0.01)

    def stop(self) -> None:
        for wire in self._wires:
            wire.close()
        self._wires.clear()
        self._process.terminate()
        self._process.wait()

    def forget(self) -> None:
        self.stop()
        remove_indexes(self.maildir)
        self.start()

    def connect(self) -> Wire:
        wire = log_in(self._secured(socket.create_connection(("127.0.0.1", self._port))))
        self._wires.append(wire)
        return wire

    def _secured(self, connected: socket.socket) -> socket.socket:
        """A connection as one may talk over it."""
        return connected

    def cpu_seconds(self) -> float:
        return sum(cpu_seconds(pid) for pid in self._processes())

    def memory(self) -> int:
        return sum(memory(pid) for pid in self._processes())

    def _processes(self) -> list[int]:
        """The master and all that it has started."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        return [self._process.pid, *map(int, children.read_text().split())]


Kind = Callable[[Path, Path], Server]
"""Starts a server over a Maildir; the second path is where it may keep things."""


@contextmanager
def running(kind: Kind, maildir: Path, state: Path) -> Iterator[Server]:
    """A server of that kind, which is stopped at the end."""
    server = kind(maildir, state)
    try:
        yield server
    finally:
        server.stop()


def log_in(connected: socket.socket) -> Wire:
    """A client that has logged in over this connection."""
    wire = Wire(connected)
    wire.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    wire.until(after(b"* OK"), PATIENCE)
    wire.command(b'LOGIN me "%s"' % PASSWORD.encode())
    return wire


def remove_indexes(maildir: Path) -> None:
    """Leave only what other programs make: messages, folders, keywords."""
    for folder, _folders, files in os.walk(maildir):
        for name in files:
            if name.startswith("dovecot") and name != "dovecot-keywords":
                os.unlink(os.path.join(folder, name))


def _give_away(maildir: Path, uid: int, gid: int) -> None:
    for folder, _folders, files in os.walk(maildir):
        os.chown(folder, uid, gid)
        for name in files:
            os.chown(os.path.join(folder, name), uid, gid)


def cpu_seconds(pid: int) -> float:
    """Processor time of a process until now."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory(pid: int) -> int:
    """The proportional set size (proc(5)), in octets."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def selected(server: Server) -> Wire:
    """A connection with INBOX selected, for which removals are VANISHED if they can be."""
    wire = server.connect()
    if server.resynchronises:
        wire.command(b"ENABLE QRESYNC")
    wire.command(b"SELECT INBOX")
    return wire


def idling(server: Server) -> Wire:
    """The same in IDLE."""
    wire = selected(server)
    wire.idle()
    return wire
