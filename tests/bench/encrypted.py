"""The servers behind TLS, and rows that show what it costs."""

import socket
import ssl
from pathlib import Path

from tests.bench.fetching import DOWNLOAD, NOOP
from tests.bench.figures import Row
from tests.bench.servers import DovecotService, Maildird
from tests.server.certificates import Authority


def _secured(authority: Authority, connected: socket.socket) -> ssl.SSLSocket:
    return authority.context().wrap_socket(connected, server_hostname="localhost")


class MaildirdTLS(Maildird):
    """`maildird serve --config`, with TLS from the first octet on."""

    def __init__(self, maildir: Path, state: Path) -> None:
        directory = maildir.parent
        self._authority = Authority(directory)
        issued = self._authority.issue("localhost")
        self._configuration = directory / "maildird.toml"
        self._configuration.write_text(
            f'state_directory = "{state}"\n[mail]\nlocation = "{maildir}"\n'
            '[[listeners]]\naddress = "127.0.0.1:0"\ntls = "implicit"\n'
            f'[[certificates]]\ncertificate = "{issued.certificate}"\nkey = "{issued.key}"\n'
            '[[accounts]]\nname = "me"\npassword = "open sesame"\n'
        )
        super().__init__(maildir, state)

    def _options(self) -> list[str]:
        return ["--config", str(self._configuration)]

    def _secured(self, connected: socket.socket) -> socket.socket:
        return _secured(self._authority, connected)


class DovecotTLS(DovecotService):
    """All of Dovecot, with TLS from the first octet on."""

    def __init__(self, maildir: Path, state: Path) -> None:
        self._authority = Authority(maildir.parent)
        super().__init__(maildir, state)

    def _listener(self) -> str:
        issued = self._authority.issue("localhost")
        return (
            f"ssl = required\nssl_cert = <{issued.certificate}\nssl_key = <{issued.key}\n"
            "service imap-login {\n  inet_listener imap {\n    port = 0\n  }\n"
            f"  inet_listener imaps {{\n    address = 127.0.0.1\n    port = {self._port}\n"
            "    ssl = yes\n  }\n}\n"
        )

    def _secured(self, connected: socket.socket) -> socket.socket:
        return _secured(self._authority, connected)


ROWS = [
    Row("tls-download", DOWNLOAD, 20_000, repeat=3, quick=1, ours=MaildirdTLS, theirs=DovecotTLS),
    Row("tls-noop", NOOP, 20_000, repeat=5, quick=2, ours=MaildirdTLS, theirs=DovecotTLS),
]
