"""The real server under attack: a process with a configuration file, and what it costs."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

PASSWORD = "open sesame"
PATIENCE = 60
"""Seconds in which whatever is waited for has to come."""

_READY = re.compile(r"imap://127\.0\.0\.1:(\d+)")


class Attacked:
    """`maildird serve --config`, for some users; `mail` holds a Maildir for each."""

    def __init__(self, directory: Path, users: tuple[str, ...], settings: str, layout: str) -> None:
        self.mail = directory / "mail"
        for user in users:
            for subdir in ("cur", "new", "tmp"):
                (self.mail / user / subdir).mkdir(parents=True, exist_ok=True)
        accounts = "".join(
            f'[[accounts]]\nname = "{user}"\npassword = "{PASSWORD}"\n' for user in users
        )
        configuration = directory / "maildird.toml"
        configuration.write_text(
            f'state_directory = "{directory}/state"\nlog_level = "debug"\n'
            f'[mail]\nlocation = "{self.mail}/{{user}}"\nlayout = "{layout}"\n'
            f'[[listeners]]\naddress = "127.0.0.1:0"\n{accounts}{settings}'
        )
        self._process = subprocess.Popen(
            [sys.executable, "-m", "maildird", "serve", "--config", str(configuration)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._wires: list[Wire] = []
        self.log: list[str] = []
        self._reader = threading.Thread(target=self._read_log)
        self._reader.start()
        assert self._process.stdout is not None
        ready = (_READY.search(line) for line in self._process.stdout)
        self.port = next(int(found[1]) for found in ready if found)

    def connect(self) -> "Wire":
        """A connection that has heard the greeting, or why there is none."""
        wire = Wire(socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE))
        self._wires.append(wire)
        wire.greeting = wire.line()
        return wire

    def log_in(self, user: str) -> "Wire":
        """A connection that has logged in."""
        wire = self.connect()
        wire.ask(b'LOGIN %s "%s"' % (user.encode(), PASSWORD.encode()))
        return wire

    def peak(self) -> int:
        """Octets of memory that the process had at most, until now."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return 1024 * int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0])

    def memory(self) -> int:
        """Octets of memory that the process has."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return 1024 * int(re.findall(r"VmRSS:\s+(\d+) kB", status)[0])

    def descriptors(self) -> int:
        """How many descriptors the process has open."""
        return len(os.listdir(f"/proc/{self._process.pid}/fd"))

    def end(self) -> None:
        """SIGTERM; it has to end cleanly, and no exception may have come as far as the log."""
        for wire in self._wires:
            wire.close()
        self._process.send_signal(signal.SIGTERM)
        try:
            status = self._process.wait(PATIENCE)
        finally:
            self._process.kill()
            self._process.wait()
            self._reader.join()
            assert self._process.stdout is not None
            self._process.stdout.close()
        assert status == 0, self.log
        assert not [line for line in self.log if "Traceback" in line or "Error" in line], self.log

    def _read_log(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as log:
            self.log.extend(log)


class Wire:
    """A connection on which anything can be said."""

    def __init__(self, connected: socket.socket) -> None:
        self.socket = connected
        self.greeting = b""
        self._unread = bytearray()

    def say(self, octets: bytes) -> None:
        """Send octets as they are."""
        self.socket.sendall(octets)

    def line(self) -> bytes:
        """The next line, without its end."""
        while b"\r\n" not in self._unread:
            received = self.socket.recv(1 << 16)
            assert received, "the server has closed the connection"
            self._unread += received
        line, _, rest = bytes(self._unread).partition(b"\r\n")
        self._unread[:] = rest
        return line

    def ask(self, command: bytes, answer: bytes = b"OK") -> list[bytes]:
        """Say a command; gives the lines before its tagged one, which has to be `answer`."""
        self.say(b"t " + command + b"\r\n")
        lines = []
        while not (line := self.line()).startswith(b"t "):
            lines.append(line)
        assert line.startswith(b"t " + answer), line
        return lines

    def closed(self) -> bool:
        """Whether the server closes the connection, after whatever it still has to say."""
        try:
            while self.socket.recv(1 << 20):
                pass
        except ConnectionResetError:
            pass
        return True

    def close(self) -> None:
        """Go without a word."""
        self.socket.close()


@contextmanager
def attacked(
    directory: Path, *users: str, settings: str = "", layout: str = "maildir++"
) -> Iterator[Attacked]:
    """A server for these users; at the end it must still end cleanly."""
    server = Attacked(directory, users, settings, layout)
    try:
        yield server
    finally:
        server.end()


def until(condition: Callable[[], bool], meanwhile: Callable[[], object]) -> None:
    """Do something again and again until a condition holds; it has to in time."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        meanwhile()
