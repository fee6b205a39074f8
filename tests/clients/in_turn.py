"""One tree, served by one program after another.

Theory of operation. A server is a `Stay`: it runs while a context is open, and no process of it is
left afterwards. Dovecot and Courier are run without their master processes: each connection is a
server on stdin and stdout that is logged in already, and mbsync starts one of its own as a tunnel.
All leave by LOGOUT and are waited for, so that what they write in the end is written.
"""

import os
import shlex
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import trio

from tests.clients.mbsync import store_at
from tests.clients.server import PASSWORD, USER, ServerProcess
from tests.rfc7162 import hosts
from tests.rfc7162.client import PATIENCE, Client


class Stay(Protocol):
    """A server that runs; `store` is what mbsync's IMAPStore has to say."""

    @property
    def store(self) -> str: ...

    def connected(self) -> AbstractAsyncContextManager[Client]:
        """A connection that has logged in; closed at the end, if it isn't yet."""


@dataclass
class Maildird:
    """maildird."""

    server: ServerProcess

    @property
    def store(self) -> str:
        return store_at(self.server)

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Client]:
        async with await trio.open_tcp_stream("127.0.0.1", self.server.port) as stream:
            client = Client(stream)
            await client.response()
            await client.do(f'LOGIN {USER} "{PASSWORD}"')
            yield client


@dataclass
class Piped:
    """A server that is one process a connection, and says in `log` what ails it."""

    command: list[str]
    log: Path

    @property
    def store(self) -> str:
        return f'Tunnel "{shlex.join(self.command)} 2>>{self.log}"'

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Client]:
        with self.log.open("ab") as log:
            process = await trio.lowlevel.open_process(
                self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
            )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            async with trio.StapledStream(process.stdin, process.stdout) as stream:
                client = Client(stream)
                await client.response()
                yield client
        finally:
            with trio.move_on_after(PATIENCE, shield=True):
                await process.wait()
            process.kill()


@asynccontextmanager
async def maildird(directory: Path, *options: str) -> AsyncIterator[Stay]:
    """maildird over `directory`/Maildir, with its state beside; it ends cleanly."""
    server = ServerProcess(directory / "Maildir", directory / "state", *options)
    try:
        yield Maildird(server)
    finally:
        server.end()


@asynccontextmanager
async def dovecot(directory: Path) -> AsyncIterator[Stay]:
    """Dovecot over `directory`/Maildir; it must have nothing to say against the tree."""
    log = directory / "dovecot.log"
    async with hosts.dovecot(directory) as host:
        assert isinstance(host, hosts.Dovecot)
        yield Piped(host.command, log)
    said = [line for line in log.read_text().splitlines() if "Info: Disconnected" not in line]
    assert not said, said


@asynccontextmanager
async def courier(directory: Path, unpacked: Path) -> AsyncIterator[Stay]:
    """Courier over `directory`/Maildir; its packages were `unpacked` and not installed.

    It asks Gamin about changes, which runs beside it under a name of its own.
    """
    libraries = {str(path.parent) for path in _files(unpacked) if ".so." in path.name}
    gamin = next(path for path in _files(unpacked) if path.name == "gam_server")
    settings = {
        "LD_LIBRARY_PATH": ":".join(sorted(libraries)),
        "GAM_CLIENT_ID": f"{os.getpid()}{directory.name}",
        "AUTHENTICATED": USER,
        "MAILDIR": str(directory / "Maildir"),
        "HOME": str(directory),
        "IMAP_CAPABILITY": "IMAP4rev1 UIDPLUS CHILDREN NAMESPACE",
        "IMAP_KEYWORDS": "1",
        "IMAP_UMASK": "022",
    }
    words = [f"{name}={value}" for name, value in settings.items()]
    imapd = directory / "courier"
    command = shlex.join(["exec", "env", *words, f"{unpacked}/usr/bin/imapd", settings["MAILDIR"]])
    imapd.write_text(f"#!/bin/sh\n{command}\n")
    imapd.chmod(0o755)
    watching = await trio.lowlevel.open_process(
        [str(gamin), "--notimeout", settings["GAM_CLIENT_ID"]], env=os.environ | settings
    )
    try:
        with trio.fail_after(PATIENCE):
            await _listening(settings["GAM_CLIENT_ID"])
        yield Piped([str(imapd)], directory / "courier.log")
    finally:
        watching.kill()
        with trio.CancelScope(shield=True):
            await watching.wait()


def _files(unpacked: Path) -> Iterator[Path]:
    return (unpacked / "usr").rglob("*")


async def _listening(name: str) -> None:
    """Return when a socket of that name is there."""
    while True:
        if name in await trio.Path("/proc/net/unix").read_text():
            return
        await trio.sleep(0.01)


@asynccontextmanager
async def connection(stay: Stay) -> AsyncIterator[Client]:
    """A client that leaves by LOGOUT, after which the server has nothing left to do for it."""
    async with stay.connected() as client:
        yield client
        await client.do("LOGOUT")
        with trio.fail_after(PATIENCE):
            while await client.stream.receive_some():
                pass
