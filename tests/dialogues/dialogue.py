"""Dialogues: what a client says and what it must hear, against a real session over a real Maildir.

A script has a line for each line on the wire, `C:` for the client's and `S:` for the server's. In
an `S:` line `…` stands for any text, and `<name>` for a number: the first time it is noted under
that name, from then on it has to be the same. `C:` lines side by side are sent together, pipelined.
When the client speaks again, all that the server said before has to have been heard.
"""

import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import trio
from trio.testing import MemoryReceiveStream, MemorySendStream, memory_stream_pair

from maildird.mailbox.account import Account
from maildird.session.streams import Stream
from tests.mailbox.world import Beside

PATIENCE = 10
"""Seconds after which a line that doesn't come is missed."""


MemoryStream = trio.StapledStream[MemorySendStream, MemoryReceiveStream]


@dataclass
class _End:
    """The server's end of a connection in memory."""

    stream: MemoryStream

    async def receive_some(self) -> bytes:
        return bytes(await self.stream.receive_some())

    async def send_all(self, data: bytes) -> None:
        await self.stream.send_all(data)


@dataclass
class Client:
    """One connection; `noted` holds the numbers that scripts gave a name."""

    stream: MemoryStream
    noted: dict[str, int] = field(default_factory=dict)
    _unread: bytes = b""

    async def __call__(self, script: str) -> None:
        """Play a script."""
        sending: list[str] = []
        for line in filter(None, (line.strip() for line in script.splitlines())):
            speaker, said = line[:2], line[3:]
            if speaker == "C:":
                sending.append(said)
                continue
            assert speaker == "S:", f"neither C: nor S: {line}"
            await self._send(sending)
            await self._hear(said)
        await self._send(sending)

    async def opens(self, mailbox: str, command: str = "SELECT") -> None:
        """Select a mailbox, whatever the server has to say of it."""
        await self._send([f"open {command} {mailbox}"])
        while not (line := await self.line()).startswith("open "):
            assert line.startswith("* ")
        assert line.startswith("open OK "), line

    async def closed(self) -> None:
        """Nothing comes any more: the server has closed the connection."""
        with trio.fail_after(PATIENCE):
            assert self._unread + await self.stream.receive_some() == b""

    async def bye(self) -> None:
        """The client goes without a word."""
        await self.stream.aclose()

    async def _send(self, lines: list[str]) -> None:
        if lines:
            assert self._unread == b"", f"not heard: {self._unread!r}"
            await self.stream.send_all("".join(line + "\r\n" for line in lines).encode())
            lines.clear()

    async def _hear(self, expected: str) -> None:
        line = await self.line()
        match = re.fullmatch(_pattern(expected), line)
        assert match is not None, f"\nexpected S: {expected}\n    got S: {line}"
        for name, number in match.groupdict().items():
            assert self.noted.setdefault(name, int(number)) == int(number), f"<{name}> in {line}"

    async def line(self) -> str:
        """The next line, whatever it says."""
        return (await self.octets(b"\r\n")).decode("utf-8", "backslashreplace")

    async def octets(self, end: bytes) -> bytes:
        """All that comes up to `end`, without it."""
        with trio.fail_after(PATIENCE):
            while end not in self._unread:
                received = await self.stream.receive_some()
                assert received, f"the server closed the connection; unread: {self._unread!r}"
                self._unread += received
        octets, _, self._unread = self._unread.partition(end)
        return octets


@dataclass
class Server:
    """An account that is served, and another program beside."""

    account: Account
    beside: Beside
    serve: Callable[[Stream], Awaitable[None]]
    nursery: trio.Nursery
    _connections: list[trio.CancelScope] = field(default_factory=list)

    def deliver(self, *subjects: str, mailbox: str = "INBOX") -> list[Path]:
        """Another program delivers messages; the body of each repeats its subject."""
        return [
            self.beside.deliver(mailbox, f"Subject: {subject}\n\n{subject}\n".encode())
            for subject in subjects
        ]

    async def connect(self) -> Client:
        """A connection that has logged in."""
        ours, theirs = memory_stream_pair()
        self.nursery.start_soon(self._attend, theirs)
        return Client(ours)

    async def _attend(self, stream: MemoryStream) -> None:
        with trio.CancelScope() as scope, suppress(trio.BrokenResourceError):
            self._connections.append(scope)
            await self.serve(_End(stream))
        await stream.aclose()

    def shut_down(self) -> None:
        """The server ends: all sessions are cancelled."""
        for scope in self._connections:
            scope.cancel()


def _pattern(expected: str) -> str:
    """`expected` as a regular expression."""
    seen: set[str] = set()

    def number(match: re.Match[str]) -> str:
        name = match[1]
        if name in seen:
            return f"(?P={name})"
        seen.add(name)
        return rf"(?P<{name}>\d+)"

    return re.sub(r"<([a-z]\w*)>", number, re.escape(expected).replace("…", ".*"))
