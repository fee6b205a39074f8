"""From a stream of octets to whole commands: lines and literals (RFC 3501 section 2.2, RFC 7888).

Theory of operation. A command is a line, or several with literals between them: a line that ends
in `{n}` or `{n+}` is followed by n octets of any value. Whatever is in them, this is where the end
of a command is found; nothing behind this page ever sees a part of one. So all limits on size stand
here, and so does getting into step again after garbage:

- a literal that the client announces with `{n}` and may not send ends the command at once: the
  client waits for a continuation and sends nothing;
- one that comes unasked, `{n+}`, is read and dropped, and the rest of its command with it;
- a line that is too long is dropped up to its end; whether a literal follows is still seen.

A bare LF ends a line, too: it is what people type and what netcat sends.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from maildird.terms.errors import MaildirdError, Malformed

_LITERAL: Final = re.compile(rb"\{(\d{1,20})(\+?)\}$")
_TAIL: Final = 32


@dataclass(frozen=True, slots=True)
class Fragments:
    """A whole command: n + 1 pieces of text with n literals between them, without line ends."""

    texts: tuple[bytes, ...]
    literals: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Rejected:
    """A command that was dropped; `text` is how its first line begins."""

    text: bytes
    error: MaildirdError


@dataclass(frozen=True, slots=True)
class LiteralWanted:
    """The client waits for leave to send a literal."""


@dataclass(frozen=True, slots=True)
class TooMuch:
    """The client sends what can't be read nor dropped; the connection has to end."""

    error: MaildirdError


Admit = Callable[[bytes, Sequence[int]], MaildirdError | None]
"""May a command with this first text have literals of these sizes? None, or why not."""


class Fragmenter:
    """Feed it octets, take what is whole."""

    def __init__(self, admit: Admit, *, line_limit: int, discard_limit: int) -> None:
        self._admit = admit
        self._line_limit = line_limit
        self._discard_limit = discard_limit
        self._buffer = bytearray()
        self._searched = 0
        self._texts: list[bytes] = []
        self._literals: list[bytes] = []
        self._literal: int | None = None
        self._discard = 0
        self._error: MaildirdError | None = None
        self._overlong: bytes | None = None

    def feed(self, data: bytes) -> None:
        """Take what came."""
        self._buffer += data

    def unread(self) -> bytes:
        """What was fed and belongs to no command that was taken; it is given away by this."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        self._searched = 0
        return rest

    @property
    def in_command(self) -> bool:
        """Whether a command has begun and is not whole yet."""
        return bool(self._texts or self._buffer or self._discard or self._overlong)

    def next_line(self) -> bytes | None:
        """The next line as it is, whatever it ends in; None when more has to come.

        For the lines of an exchange that knows no literals. One that is longer than the limit comes
        cut off.
        """
        end = self._find_line_end()
        if end is None:
            return None
        return self._take_line(end)[: self._line_limit + 1]

    def next(self) -> Fragments | Rejected | LiteralWanted | TooMuch | None:
        """What is next; None when more has to come."""
        while True:
            if self._discard and not self._drop_literal():
                return None
            if self._literal is not None and not self._take_literal():
                return None
            end = self._find_line_end()
            if end is None:
                self._drop_overlong()
                return None
            found = self._line(self._take_line(end))
            if found is not None:
                return found

    def _line(self, line: bytes) -> Fragments | Rejected | LiteralWanted | TooMuch | None:
        """A line is whole: the end of the command, or a literal is to follow."""
        if self._overlong is not None or self._text_size + len(line) > self._line_limit:
            self._error = self._error or Malformed(
                f"the command line is longer than {self._line_limit} octets; use several commands"
            )
            line = (self._overlong or line)[:1024] + line[-_TAIL:]
            self._overlong = None
        announced = _LITERAL.search(line)
        self._texts.append(line[: announced.start()] if announced else line)
        if announced is None:
            return self._end()
        return self._announced(int(announced[1]), asked=not announced[2])

    def _announced(self, size: int, *, asked: bool) -> Rejected | LiteralWanted | TooMuch | None:
        sizes = [*map(len, self._literals), size]
        self._error = self._error or self._admit(self._texts[0], sizes)
        if self._error is None:
            self._literal = size
            return LiteralWanted() if asked else None
        if asked:
            return self._reject()
        if size > self._discard_limit:
            return TooMuch(self._error)
        self._discard = size
        return None

    def _end(self) -> Fragments | Rejected:
        if self._error is not None:
            return self._reject()
        whole = Fragments(tuple(self._texts), tuple(self._literals))
        self._reset()
        return whole

    def _reject(self) -> Rejected:
        assert self._error is not None
        rejected = Rejected(self._texts[0][:1024], self._error)
        self._reset()
        return rejected

    def _reset(self) -> None:
        self._texts.clear()
        self._literals.clear()
        self._error = None

    @property
    def _text_size(self) -> int:
        return sum(map(len, self._texts))

    def _find_line_end(self) -> int | None:
        end = self._buffer.find(b"\n", self._searched)
        if end < 0:
            self._searched = len(self._buffer)
            return None
        return end

    def _take_line(self, end: int) -> bytes:
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        self._searched = 0
        return line.removesuffix(b"\r")

    def _drop_overlong(self) -> None:
        """Of a line that is too long keep only how it begins and how it may end."""
        if self._text_size + len(self._buffer) > self._line_limit + 2 * _TAIL:
            if self._overlong is None:
                self._overlong = bytes(self._buffer[:1024])
            del self._buffer[:-_TAIL]
            self._searched = len(self._buffer)

    def _drop_literal(self) -> bool:
        dropped = min(self._discard, len(self._buffer))
        del self._buffer[:dropped]
        self._searched = 0
        self._discard -= dropped
        return not self._discard

    def _take_literal(self) -> bool:
        assert self._literal is not None
        if len(self._buffer) < self._literal:
            return False
        self._literals.append(bytes(self._buffer[: self._literal]))
        del self._buffer[: self._literal]
        self._searched = 0
        self._literal = None
        return True
