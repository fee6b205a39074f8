"""The servers that the tests talk to: maildird in this process, Dovecot as a process a connection.

Both serve a Maildir of their own below a test's directory, and another program changes it beside
them. Dovecot runs without its master process: `imap` is a user's server on stdin and stdout then.
"""

import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import trio

from tests.dialogues.conftest import serving
from tests.dialogues.dialogue import Server
from tests.mailbox.world import Beside
from tests.rfc7162.client import Client

DOVECOT_IMAP = Path("/usr/lib/dovecot/imap")

IS_ROOT = os.geteuid() == 0
DISGUISE = "1000"
AS_ANOTHER = ["unshare", "--user", f"--map-user={DISGUISE}", f"--map-group={DISGUISE}", "--"]
"""Dovecot doesn't serve root; in a name space of its own root has another number."""


class Host(Protocol):
    """A server and what lies on its disk."""

    @property
    def beside(self) -> Beside:
        """Another program, which changes the Maildir."""

    async def connect(self) -> Client:
        """A connection that has logged in."""


@dataclass
class Maildird:
    """maildird, sessions over memory streams."""

    server: Server

    @property
    def beside(self) -> Beside:
        return self.server.beside

    async def connect(self) -> Client:
        return Client((await self.server.connect()).stream)


@dataclass
class Dovecot:
    """Dovecot, a process for each connection."""

    directory: Path
    beside: Beside
    clients: list[tuple[trio.Process, Client]] = field(default_factory=list)

    @property
    def command(self) -> list[str]:
        """What has to be run for a connection, on stdin and stdout."""
        imap = [str(DOVECOT_IMAP), "-c", str(self.directory / "dovecot.conf")]
        who = ["env", "USER=me", f"HOME={self.directory}"]
        return [*who, *AS_ANOTHER, *imap] if IS_ROOT else [*who, *imap]

    async def connect(self) -> Client:
        process = await trio.lowlevel.open_process(
            self.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        client = Client(trio.StapledStream(process.stdin, process.stdout))
        self.clients.append((process, client))
        await client.response()
        return client

    async def end(self) -> None:
        """End what runs."""
        for process, client in self.clients:
            process.kill()
            await process.wait()
            await client.close()


@asynccontextmanager
async def maildird(directory: Path) -> AsyncIterator[Host]:
    """maildird over `directory`/Maildir; its index is checked in the end."""
    async with serving(directory) as server:
        yield Maildird(server)


@asynccontextmanager
async def dovecot(directory: Path) -> AsyncIterator[Host]:
    """Dovecot over `directory`/Maildir."""
    root = directory / "Maildir"
    for subdir in ("cur", "new", "tmp"):
        (root / subdir).mkdir(parents=True, exist_ok=True)
    (directory / "dovecot.conf").write_text(
        f"mail_location = maildir:{root}\n"
        f"base_dir = {directory}/run\n"
        f"log_path = {directory}/dovecot.log\n"
        "protocols = imap\n"
        "ssl = no\n"
        f"mail_uid = {DISGUISE if IS_ROOT else os.getuid()}\n"
        f"mail_gid = {DISGUISE if IS_ROOT else os.getgid()}\n"
        "first_valid_uid = 0\nfirst_valid_gid = 0\n"
        "mail_privileged_group =\n"
        "stats_writer_socket_path =\n"
        "namespace inbox {\n  inbox = yes\n  separator = /\n}\n"
    )
    host = Dovecot(directory, Beside(root))
    try:
        yield host
    finally:
        with trio.CancelScope(shield=True):
            await host.end()


def dovecot_is_installed() -> bool:
    """Whether there is a Dovecot of the generation that these settings are for."""
    if not DOVECOT_IMAP.exists() or shutil.which("dovecot") is None:
        return False
    version = subprocess.run(["dovecot", "--version"], capture_output=True, text=True, check=False)
    return version.stdout.startswith("2.3.")
