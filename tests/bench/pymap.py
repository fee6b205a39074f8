"""pymap, another IMAP server in Python, where it is installed (from PyPI)."""

import base64
import hashlib
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from tests.bench.servers import PASSWORD, cpu_seconds, log_in, memory, remove_indexes
from tests.bench.wire import PATIENCE, Silence, Wire

COMMAND = shutil.which("pymap")


class Pymap:
    """`pymap maildir`, which knows no QRESYNC."""

    name = "pymap"
    resynchronises = False

    def __init__(self, maildir: Path, state: Path) -> None:
        self.maildir = maildir
        self._state = state
        self._wires: list[Wire] = []
        state.mkdir()
        salt = b"salt"
        digest = hashlib.pbkdf2_hmac("sha256", PASSWORD.encode(), salt, 1000)
        hashed = (base64.b64encode(octets).decode("ascii") for octets in (salt, digest))
        shadow = f"me:$pbkdf2-sha256$1000${'$'.join(hashed)}\n"
        for file, content in (
            ("passwd", f"me::1:1::{maildir}:\n"),
            ("shadow", shadow),
            ("group", ""),
            ("gshadow", ""),
        ):
            (state / f"pymap-etc-{file}").write_text(content)
        self.start()

    def start(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as unused:
            self._port = unused.getsockname()[1]
        assert COMMAND is not None
        self._process = subprocess.Popen(
            [
                *(COMMAND, "--no-tls", "--host", "127.0.0.1", "--port", str(self._port)),
                *("--no-service", "managesieve", "--no-service", "admin"),
                *("maildir", str(self._state)),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + PATIENCE
        while True:
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", self._port)).close()
                return
            if time.monotonic() > deadline:
                raise Silence("pymap does not start")
            time.sleep(0.01)

    def stop(self) -> None:
        for wire in self._wires:
            wire.close()
        self._wires.clear()
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def forget(self) -> None:
        self.stop()
        remove_indexes(self.maildir)
        self.start()

    def connect(self) -> Wire:
        wire = log_in(socket.create_connection(("127.0.0.1", self._port)))
        self._wires.append(wire)
        return wire

    def cpu_seconds(self) -> float:
        return cpu_seconds(self._process.pid)

    def memory(self) -> int:
        return memory(self._process.pid)
