"""A client that says one command after the other and keeps all that it hears, as data."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar

import trio

from tests.rfc7162.responses import (
    Exists,
    Expunge,
    Fetch,
    Other,
    Response,
    Status,
    Vanished,
    is_whole,
    parse,
)

PATIENCE = 20
"""Seconds after which a response that doesn't come is missed."""

ByteStream = trio.abc.Stream
Kind = TypeVar("Kind")


@dataclass(frozen=True, slots=True)
class Exchange:
    """What a server said to one command: `untagged` in order, then `tagged`.

    `lines` are the octets of all these, one response each, CRLF included.
    """

    untagged: list[Response]
    tagged: Status
    lines: list[bytes] = field(default_factory=list)

    def all(self, kind: type[Kind]) -> list[Kind]:
        """The untagged responses of one kind."""
        return [response for response in self.untagged if isinstance(response, kind)]

    def one(self, kind: type[Kind]) -> Kind:
        """The one untagged response of its kind."""
        (only,) = self.all(kind)
        return only

    @property
    def fetches(self) -> dict[int, Fetch]:
        """FETCH responses by message number; the later ones win, item by item."""
        merged: dict[int, Fetch] = {}
        for fetch in self.all(Fetch):
            before = merged[fetch.seq].items if fetch.seq in merged else {}
            merged[fetch.seq] = Fetch(fetch.seq, before | fetch.items)
        return merged

    @property
    def vanished(self) -> tuple[int, ...]:
        """The UIDs of VANISHED without EARLIER."""
        return tuple(uid for each in self.all(Vanished) if not each.earlier for uid in each.uids)

    @property
    def vanished_earlier(self) -> tuple[int, ...]:
        """The UIDs of VANISHED (EARLIER)."""
        return tuple(uid for each in self.all(Vanished) if each.earlier for uid in each.uids)

    @property
    def expunged(self) -> list[int]:
        """The message numbers of EXPUNGE, as they were said."""
        return [each.seq for each in self.all(Expunge)]

    @property
    def exists(self) -> int | None:
        """What the last EXISTS said, None when there was none."""
        counts = [each.count for each in self.all(Exists)]
        return counts[-1] if counts else None

    def argument(self, code: str) -> str | None:
        """The argument of a response code, the last of its kind; None when it wasn't said."""
        said = [*self.all(Status), self.tagged]
        found = [status.argument for status in said if status.code == code]
        return found[-1] if found else None

    @property
    def highestmodseq(self) -> int | None:
        """HIGHESTMODSEQ as last said, untagged or tagged; None when it wasn't."""
        argument = self.argument("HIGHESTMODSEQ")
        return None if argument is None else int(argument)

    def words(self, name: str) -> set[str]:
        """The words of ENABLED or CAPABILITY."""
        return {str(word) for each in self.all(Other) if each.name == name for word in each.values}


@dataclass
class Client:
    """One connection to a server; `stream` carries octets, `talk` is what was said last."""

    stream: ByteStream
    talk: deque[bytes] = field(default_factory=lambda: deque(maxlen=100))
    _unread: bytes = b""
    _count: int = 0

    async def do(self, command: str) -> Exchange:
        """Say a command that has to end with OK."""
        exchange = await self.say(command)
        assert exchange.tagged.condition == "OK", f"{command}: {exchange.tagged}"
        return exchange

    async def say(self, command: str) -> Exchange:
        """Say a command, and hear all up to its tagged response."""
        return await self.ending(await self.begin(command))

    async def begin(self, command: str) -> str:
        """Say a command and hear nothing yet; gives its tag."""
        (tag,) = await self._send(command)
        return tag

    async def ending(self, tag: str) -> Exchange:
        """Hear all up to the tagged response of the command that was said with `tag`."""
        untagged: list[Response] = []
        lines: list[bytes] = []
        while True:
            lines.append(await self._line())
            response = parse(lines[-1])
            if isinstance(response, Status) and response.tag == tag:
                return Exchange(untagged, response, lines)
            untagged.append(response)

    async def together(self, *commands: str) -> list[Exchange]:
        """Say several commands at once, pipelined."""
        tags = await self._send(*commands)
        return [await self.ending(tag) for tag in tags]

    async def append(
        self, mailbox: str, content: str = "Subject: x\r\n\r\nx\r\n", flags: str = ""
    ) -> Exchange:
        """APPEND a message, with `flags` such as `\\Seen $Junk`."""
        return await self.do(f"APPEND {mailbox} ({flags}) {{{len(content)}+}}\r\n{content}")

    async def response(self) -> Response:
        """The next response, whatever it is."""
        return parse(await self._line())

    async def _line(self) -> bytes:
        """The octets of the next response."""
        with trio.fail_after(PATIENCE):
            while (end := is_whole(self._unread)) is None:
                received = await self.stream.receive_some(65536)
                if not received:
                    raise trio.BrokenResourceError(f"the server has gone: {self._unread!r}")
                self._unread += bytes(received)
        line, self._unread = self._unread[:end], self._unread[end:]
        self.talk.append(b"S: " + line)
        return line

    async def _send(self, *commands: str) -> list[str]:
        tags = [f"a{self._count + at}" for at in range(1, len(commands) + 1)]
        self._count += len(commands)
        lines = (f"{tag} {command}\r\n" for tag, command in zip(tags, commands, strict=True))
        octets = "".join(lines).encode()
        self.talk.append(b"C: " + octets)
        await self.stream.send_all(octets)
        return tags

    async def close(self) -> None:
        """Go without a word."""
        await self.stream.aclose()


def flags_of(fetches: Iterable[Fetch]) -> dict[int, frozenset[str]]:
    """Flags by UID, of responses that have both."""
    return {fetch.uid: fetch.flags for fetch in fetches if fetch.uid and fetch.flags is not None}
