"""mbsync with a near side of its own, and what it carries to and fro."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.clients.server import PASSWORD, USER, ServerProcess

CONFIG = """\
FSync no

IMAPStore far
{far}

MaildirStore near
Path {near}/
Inbox {near}/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns {patterns}
Create Both
Remove Both
Expunge Both
SyncState *
"""

SAID = {
    "fetched": re.compile(r">>> \d+ UID FETCH \d+ \(.*BODY"),
    "appended": re.compile(r">>> \d+ APPEND "),
    "stored": re.compile(r">>> \d+ UID STORE "),
}


@dataclass(frozen=True, slots=True)
class Traffic:
    """How often mbsync fetched a message, appended one, and set or removed flags."""

    fetched: int = 0
    appended: int = 0
    stored: int = 0


File = tuple[int, int]
"""Inode and time of the last change."""


class Mbsync:
    """One near side, which may be kept in step with one server after another."""

    def __init__(self, program: str, directory: Path, patterns: str = "*") -> None:
        self.near = directory / "near"
        self.near.mkdir()
        self._program = program
        self._config = directory / "mbsyncrc"
        self._patterns = patterns

    def sync(self, far: str) -> Traffic:
        """Synchronise with the server that the lines `far` of an IMAPStore tell of."""
        old = "TLSType" in far and self._is_old()
        self._config.write_text(
            CONFIG.format(
                far=far.replace("TLSType", "SSLType") if old else far,
                near=self.near,
                patterns=self._patterns,
            )
        )
        done = subprocess.run(
            [self._program, "--config", str(self._config), "--all", "--debug-net"],
            capture_output=True,
            check=False,
            timeout=300,
        )
        said = done.stdout.decode(errors="replace")
        assert done.returncode == 0, said[-10_000:] + done.stderr.decode(errors="replace")
        counts = {what: len(pattern.findall(said)) for what, pattern in SAID.items()}
        return Traffic(**counts)

    def files(self) -> dict[Path, File]:
        """All messages of the near side; one that was touched is another one."""
        paths = [*self.near.rglob("cur/*"), *self.near.rglob("new/*")]
        return {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in paths}

    def _is_old(self) -> bool:
        version = subprocess.run(
            [self._program, "--version"], capture_output=True, text=True, check=True
        )
        return version.stdout.split()[1] < "1.5"


def store_at(server: ServerProcess) -> str:
    """The IMAPStore for maildird."""
    return (
        f"Host 127.0.0.1\nPort {server.port}\nUser {USER}\n"
        f'Pass "{PASSWORD}"\nTLSType None\nAuthMechs LOGIN'
    )
