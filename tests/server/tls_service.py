"""A real server with TLS in a process of its own, and plain words with it."""

import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.cli.process import Server, serving
from tests.server.certificates import NAME, Authority

PATIENCE = 20.0
"""Seconds after which what does not come is missed."""

CONFIGURATION = """
log_level = "debug"
[[listeners]]
address = "127.0.0.1:0"
[[listeners]]
address = "127.0.0.1:0"
tls = "implicit"
[[listeners]]
address = "127.0.0.1:0"
tls = "none"
[[listeners]]
address = "127.0.0.1:0"
proxy_from = ["127.0.0.0/8"]
[[listeners]]
address = "127.0.0.1:0"
tls = "implicit"
proxy_from = ["127.0.0.0/8"]
[[certificates]]
certificate = "{certificate}"
key = "{key}"
[[certificates]]
certificate = "{other_certificate}"
key = "{other_key}"
[timeouts]
login = {login}
[mail]
location = "{mail}/{{user}}"
[[accounts]]
name = "ada"
password = "secret"
"""


class Log:
    """What a server says on standard error."""

    def __init__(self, server: Server) -> None:
        self._lines: list[str] = []
        self._more = threading.Condition()
        self._thread = threading.Thread(target=self._read, args=(server,))
        self._thread.start()

    def wait_for(self, pattern: str, times: int = 1) -> str:
        """The line in which it is found for the first time, or the given one, once it is there."""

        def found() -> str | None:
            lines = [line for line in self._lines if re.search(pattern, line)]
            return lines[times - 1] if len(lines) >= times else None

        with self._more:
            assert self._more.wait_for(found, PATIENCE), "".join([pattern, "\n", *self._lines])
            line = found()
        assert line is not None
        return line

    def end(self) -> str:
        """All of it, when the server has ended."""
        self._thread.join()
        return "".join(self._lines)

    def _read(self, server: Server) -> None:
        assert server.process.stderr is not None
        for line in server.process.stderr:
            with self._more:
                self._lines.append(line)
                self._more.notify_all()


@dataclass(frozen=True)
class Service:
    """A server that is ready; ports by what their listeners are like."""

    server: Server
    log: Log
    authority: Authority
    configuration: Path
    starttls: int
    implicit: int
    none: int
    proxied: int
    proxied_implicit: int


@contextmanager
def tls_service(directory: Path, *, login: int = 60, more: str = "") -> Iterator[Service]:
    """Serve `ada` with the password `secret`; certificates are for `NAME` and example.net.

    In `more` settings, {directory} is the one where everything is.
    """
    authority = Authority(directory)
    first = authority.issue(NAME, "127.0.0.1", common_name="127.0.0.1", to="first")
    other = authority.issue("example.net")
    for subdir in ("cur", "new", "tmp"):
        (directory / "mail" / "ada" / subdir).mkdir(parents=True)
    configuration = directory / "maildird.toml"
    configuration.write_text(
        CONFIGURATION.format(
            certificate=first.certificate,
            key=first.key,
            other_certificate=other.certificate,
            other_key=other.key,
            mail=directory / "mail",
            login=login,
        )
        + more.format(directory=directory)
    )
    with serving("--config", configuration, state=directory / "state") as server:
        log = Log(server)
        urls = re.findall(r"(imaps?)://127\.0\.0\.1:(\d+)", server.lines[-1])
        assert [scheme for scheme, _ in urls] == ["imap", "imaps", "imap", "imap", "imaps"]
        try:
            yield Service(server, log, authority, configuration, *(int(port) for _, port in urls))
            assert server.end() == 0
        finally:
            server.process.kill()
            said = log.end()
    assert "Traceback" not in said, said


class Talk:
    """A client's end of a connection, line by line; it may change to TLS."""

    def __init__(self, port: int) -> None:
        self.socket: socket.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self._unread = b""

    def __enter__(self) -> "Talk":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def say(self, data: bytes) -> None:
        """Send octets as they are."""
        self.socket.sendall(data)

    def hear(self) -> bytes:
        """The next line, without its end."""
        while b"\r\n" not in self._unread:
            received = self.socket.recv(65536)
            assert received, f"the server closed the connection; unread: {self._unread!r}"
            self._unread += received
        line, _, self._unread = self._unread.partition(b"\r\n")
        return line

    def ask(self, command: bytes) -> list[bytes]:
        """Say a command with its tag, and hear up to the tagged answer."""
        self.say(command + b"\r\n")
        heard = [self.hear()]
        while not heard[-1].startswith(command.split()[0] + b" "):
            heard.append(self.hear())
        return heard

    def encrypt(self, context: ssl.SSLContext, name: str = NAME) -> None:
        """Begin TLS."""
        assert self._unread == b""
        self.socket = context.wrap_socket(self.socket, server_hostname=name)

    def has_ended(self) -> bool:
        """Whether the server closes, as soon as it does, and says nothing more before that."""
        try:
            return self._unread == b"" and self.socket.recv(1) == b""
        except (ConnectionResetError, ssl.SSLError):
            return True
