"""From a stream of octets to whole commands: lines and literals (RFC 3501 section 2.2, RFC 7888).

Theory of operation. A command is a line, or several with literals between them: a line that ends
in `{n}` or `{n+}` is followed by n octets of any value. Whatever is in them, this is where the end
of a command is found; nothing behind this page ever sees a part of one. So all limits on size stand
here, and so does getting into step again after garbage. From the moment that a command is refused,
nothing of it is kept, and where it ends depends on how the client goes on:

- a literal that it announces with `{n}` and may not send ends the command at once: the client waits
  for a continuation and sends nothing;
- one that comes unasked, `{n+}`, is read and dropped, and the rest of the command with it;
- a line that is too long is dropped up to its end; whether a literal follows is still seen.

What is dropped is counted, lest one command last for ever. All work is linear in what came.

A bare LF ends a line, too: it is what people type and what netcat sends.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from maildird.terms.errors import MaildirdError, Malformed

# literal = "{" number ["+"] "}" CRLF *CHAR8
_LITERAL: Final = re.compile(rb"\{(\d{1,20})(\+?)\}\Z")

_TAIL: Final = 32
"""The end of a line that has room for the announcement of a literal, and for a CR."""

_BEGINNING: Final = 1024
"""So much of a refused command is kept for its tag."""


@dataclass(frozen=True, slots=True)
class Fragments:
    """A whole command: n + 1 pieces of text with n literals between them, without line ends."""

    texts: tuple[bytes, ...]
    literals: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Rejected:
    """A command that was dropped; `beginning` is how it began, at most a KiB of it."""

    beginning: bytes
    error: MaildirdError


@dataclass(frozen=True, slots=True)
class LiteralWanted:
    """The client waits for leave to send a literal."""


@dataclass(frozen=True, slots=True)
class TooMuch:
    """More came of a refused command than is dropped of one; the connection has to end."""

    error: MaildirdError


Found = Fragments | Rejected | LiteralWanted | TooMuch

Admit = Callable[[Sequence[bytes], int, int], MaildirdError | None]
"""May a literal follow? Called with the texts so far, the octets of the literals before it and the
octets of this one; gives None, or why not."""


class Fragmenter:
    """Feed it octets, take what is whole."""

    def __init__(self, admit: Admit, *, line_limit: int, discard_limit: int) -> None:
        self._admit = admit
        self._line_limit = line_limit
        self._discard_limit = discard_limit
        self._buffer = bytearray()
        self._searched = 0
        self._literal: int | None = None
        self._skipping = 0
        self._reset()

    def feed(self, data: bytes) -> None:
        """Take what came."""
        self._buffer += data

    def unread(self) -> bytes:
        """What was fed and is no part of a command yet; it is given away by this."""
        return self._take(len(self._buffer))

    def next(self) -> Found | None:
        """What is next; None when more has to come. After `TooMuch` nothing is of use."""
        while True:
            if self._skipping and not self._skip_literal():
                return None
            if self._literal is not None and not self._take_literal():
                return None
            end = self._buffer.find(b"\n", self._searched)
            found = self._unended_line() if end < 0 else self._line(self._take_line(end))
            if found is not None or end < 0:
                return found

    def _reset(self) -> None:
        """Begin a command."""
        self._texts: list[bytes] = []
        self._literals: list[bytes] = []
        self._beginning = b""
        self._line_octets = 0
        self._literal_octets = 0
        self._dropped = 0
        self._error: MaildirdError | None = None

    # Lines

    def _take_line(self, end: int) -> bytes:
        line = self._take(end)
        del self._buffer[:1]
        return line.removesuffix(b"\r")

    def _line(self, line: bytes) -> Found | None:
        """A line is whole: the command ends with it, or a literal is to follow."""
        self._begin_with(line)
        self._line_octets += len(line)
        self._check_line()
        announced = _LITERAL.search(line, max(0, len(line) - _TAIL))
        if self._error is None:
            self._texts.append(line[: announced.start()] if announced else line)
        else:
            self._dropped += len(line)
        if announced is not None:
            return self._announced(int(announced[1]), asked=not announced[2])
        return self._too_much() or self._end()

    def _unended_line(self) -> TooMuch | None:
        """Of a line that is too long already keep only how it may end."""
        self._searched = len(self._buffer)
        surplus = len(self._buffer) - _TAIL
        if surplus <= 0 or self._line_octets + surplus <= self._line_limit + _TAIL:
            return None
        self._begin_with(self._buffer)
        self._line_octets += surplus
        self._check_line()
        return self._drop(surplus)

    def _check_line(self) -> None:
        if self._line_octets > self._line_limit:
            self._refuse(
                Malformed(
                    f"the command line is longer than {self._line_limit} octets;"
                    " use several commands"
                )
            )

    def _begin_with(self, line: bytes | bytearray) -> None:
        if not self._line_octets:
            self._beginning = bytes(line[: min(_BEGINNING, self._line_limit)])

    # Literals

    def _announced(self, size: int, *, asked: bool) -> Found | None:
        """A literal is to follow; `asked` says that the client waits for leave to send it."""
        refusal = self._error or self._admit(self._texts, self._literal_octets, size)
        if refusal is None:
            self._literal = size
            self._literal_octets += size
            return LiteralWanted() if asked else None
        self._refuse(refusal)
        if asked:
            return self._too_much() or self._end()
        self._skipping = size
        self._dropped += size
        return self._too_much()

    def _take_literal(self) -> bool:
        assert self._literal is not None
        if len(self._buffer) < self._literal:
            return False
        self._literals.append(self._take(self._literal))
        self._literal = None
        return True

    def _skip_literal(self) -> bool:
        skipped = min(self._skipping, len(self._buffer))
        del self._buffer[:skipped]
        self._skipping -= skipped
        return not self._skipping

    # Refused commands

    def _refuse(self, error: MaildirdError) -> None:
        """Keep nothing of this command but its first error."""
        self._error = self._error or error
        self._texts.clear()
        self._literals.clear()

    def _drop(self, octets: int) -> TooMuch | None:
        del self._buffer[:octets]
        self._searched = len(self._buffer)
        self._dropped += octets
        return self._too_much()

    def _too_much(self) -> TooMuch | None:
        if self._error is not None and self._dropped > self._discard_limit:
            return TooMuch(self._error)
        return None

    def _end(self) -> Fragments | Rejected:
        whole: Fragments | Rejected
        if self._error is None:
            whole = Fragments(tuple(self._texts), tuple(self._literals))
        else:
            whole = Rejected(self._beginning, self._error)
        self._reset()
        return whole

    def _take(self, octets: int) -> bytes:
        """The next octets of the buffer, by one copy."""
        with memoryview(self._buffer) as view:
            taken = bytes(view[:octets])
        del self._buffer[:octets]
        self._searched = 0
        return taken
