"""A server that the tests own: started, told what shall go wrong with it, killed and started again.

Its tree and its state lie in one directory and outlive it.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import trio

from maildird.mailbox.settings import AccountSettings
from maildird.mailbox.verify import verify
from tests.clients.server import PASSWORD, READY, USER
from tests.durability.pages import put_in_place
from tests.rfc7162.client import Client

PATIENCE: Final = 30
"""Seconds in which a server must get ready, or end."""

REPOSITORY: Final = Path(__file__).parents[2]


class Launcher:
    """The process that starts servers (`launch`)."""

    def __init__(self) -> None:
        self._orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self._orders.settimeout(PATIENCE)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.durability.launch"],
                stdin=theirs.fileno(),
                cwd=REPOSITORY,
            )
        self._answers = self._orders.makefile("r")

    def start(self, order: dict[str, object], log: int, control: int) -> int:
        """Start a server; gives its process id."""
        socket.send_fds(self._orders, [json.dumps(order).encode()], [log, control])
        return int(self._answers.readline())

    def wait(self) -> int:
        """Wait until the server ended; its exit status, negative for a signal."""
        return os.waitstatus_to_exitcode(int(self._answers.readline()))

    def end(self) -> None:
        """No more servers."""
        self._answers.close()
        self._orders.close()
        self._process.wait(PATIENCE)


@dataclass
class Server:
    """At most one process at a time over `directory`/Maildir and `directory`/state."""

    launcher: Launcher
    directory: Path
    layout: str = "maildir++"
    log: list[str] = field(default_factory=list)
    _process: int = 0
    _port: int = 0
    _control: socket.socket | None = None
    _listener: threading.Thread | None = None
    _connections: list[socket.socket] = field(default_factory=list)

    @property
    def root(self) -> Path:
        """The tree."""
        return self.directory / "Maildir"

    @property
    def state(self) -> Path:
        """The state directory."""
        return self.directory / "state"

    @property
    def separator(self) -> str:
        """What parts the levels of a mailbox's name."""
        return "." if self.layout == "maildir++" else "/"

    def start(self, plan: str = "") -> bool:
        """Start the process, with a plan from its first operation on; False when it died of it."""
        self._trace_file.write_bytes(b"")
        self.root.mkdir(exist_ok=True)
        output, log = socket.socketpair()
        self._control, control = socket.socketpair()
        self._control.settimeout(PATIENCE)
        order: dict[str, object] = {
            "arguments": [
                *("serve", str(self.root), "--state-dir", str(self.state)),
                *("--listen", "127.0.0.1:0", "--user", USER, "--layout", self.layout),
            ],
            "environment": {"MAILDIRD_PASSWORD": PASSWORD},
            "directories": [str(self.root), str(self.state)],
            "trace": str(self._trace_file),
            "plan": plan,
        }
        with log, control:
            self._process = self.launcher.start(order, log.fileno(), control.fileno())
        return self._hear_ready(output)

    def plan(self, line: str) -> None:
        """Have the process follow a plan (`faults`) from now on."""
        assert self._control is not None
        self._control.sendall(line.encode() + b"\n")
        assert self._control.recv(1) == b"\n"

    @property
    def trace(self) -> list[str]:
        """The operations that counted since the process started."""
        lines = self._trace_file.read_text(errors="surrogateescape").splitlines()
        return [line.replace(f"{self.directory}/", "") for line in lines]

    def end(self) -> int:
        """SIGTERM, unless it is dead already; gives the exit status, -9 when it was killed."""
        with suppress(ProcessLookupError):
            os.kill(self._process, signal.SIGTERM)
        return self.wait()

    def wait(self) -> int:
        """Wait for the end; gives the exit status, -9 when it was killed."""
        status = self.launcher.wait()
        self._process = 0
        assert self._listener is not None
        assert self._control is not None
        self._control.close()
        self._listener.join(PATIENCE)
        put_in_place(self.state)
        return status

    def close(self) -> None:
        """Let no process and no connection remain, whatever happened."""
        for connection in self._connections:
            connection.close()
        self._connections.clear()
        if self._process:
            with suppress(ProcessLookupError):
                os.kill(self._process, signal.SIGKILL)
            self.wait()

    async def connect(self) -> Client:
        """A client that has logged in."""
        connection = socket.create_connection(("127.0.0.1", self._port), PATIENCE)
        self._connections.append(connection)
        connection.setblocking(False)
        client = Client(trio.SocketStream(trio.socket.from_stdlib_socket(connection)))
        await client.response()
        await client.do(f'LOGIN {USER} "{PASSWORD}"')
        return client

    def check(self) -> list[str]:
        """What `maildird check` finds."""
        (state,) = (path.parent for path in self.state.glob("*/index"))
        return verify(
            AccountSettings(
                name=USER,
                root=os.fsencode(self.root),
                state_directory=os.fsencode(state),
                layout="maildir++" if self.layout == "maildir++" else "fs",
            )
        )

    @property
    def _trace_file(self) -> Path:
        return self.directory / "trace"

    def _hear_ready(self, output: socket.socket) -> bool:
        """Whether the process got ready, or ended.

        All that it says is heard as it comes: it would wait for us if its log were full.
        """
        self.log, self._port = [], 0
        is_decided = threading.Event()

        def listen() -> None:
            with output, output.makefile("r", errors="replace") as lines:
                for line in lines:
                    self.log.append(line.rstrip("\n"))
                    if ready := re.search(READY, line):
                        self._port = int(ready[1])
                        is_decided.set()
            is_decided.set()

        self._listener = threading.Thread(target=listen)
        self._listener.start()
        assert is_decided.wait(PATIENCE)
        return self._port > 0
