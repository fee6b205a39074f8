"""Address lists of header fields (RFC 5322 sections 3.4 and 4.4), read tolerantly.

    address-list    = (address *("," address)) / obs-addr-list
    address         = mailbox / group
    mailbox         = [display-name] "<" [obs-route] addr-spec ">" / addr-spec
    group           = display-name ":" [mailbox-list] ";"
    obs-route       = "@" domain *("," "@" domain) ":"

A list is read as *runs*: text, quoted strings, domain literals and comments up to one of the
marks `,` `;` `:` `<` `>` or the end. The mark tells what the run was: before `<` a display name,
before `:` the name of a group, else an address without angle brackets. What breaks the grammar
still gives an address in place, with what could be read. Octets above 127 and encoded words are
text like any other.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, NamedTuple

from maildird.mime.lexemes import QUOTED_STRING, read_comment, unquote

MAX_ADDRESSES: Final = 100_000
"""Addresses of one field that are listed."""

_MAX_PIECES: Final = 1000
"""Pieces of one address that are kept."""

MISSING_MAILBOX: Final = b"MISSING_MAILBOX"
MISSING_HOST: Final = b"MISSING_DOMAIN"
"""What stands for a missing part: NIL would make it a group (RFC 3501 section 7.4.2)."""


class Address(NamedTuple):
    """An address as ENVELOPE has it; without `host` it opens a group called `mailbox`, and without
    either it ends the group. `name` is without quotes, not decoded."""

    name: bytes | None
    route: bytes | None
    mailbox: bytes | None
    host: bytes | None


GROUP_END: Final = Address(None, None, None, None)


def parse_addresses(value: bytes) -> Iterator[Address]:
    """The addresses in an unfolded field value, at most `MAX_ADDRESSES`, groups marked.

    One after the other: all of them would take many times the memory of the field.
    """
    return islice(_Reader(value).addresses(), MAX_ADDRESSES)


_PIECE: Final = QUOTED_STRING + rb'|(\[[^\[\]\\,;<>"\s]*+\]|\[)'
_PIECE_OUTSIDE: Final = re.compile(rb'([^",;:<>(\[]++)|' + _PIECE, re.DOTALL)
_PIECE_INSIDE: Final = re.compile(rb'([^"<>(\[]++)|' + _PIECE, re.DOTALL)
"""Plain text, a quoted string, or a domain literal, outside and inside of angle brackets."""

_ATOM: Final = rb'([^\s"(),:;<>@\[\]\\]++)'
_COMMON: Final = re.compile(
    rb'\s*+(?:(?:"([^"\\]*+)"|([^"(),:;<>@\[\]\\]*+))\s*+<%b@%b>|%b@%b)\s*+(?:,|\Z)'
    % (_ATOM, _ATOM, _ATOM, _ATOM)
)
"""The mailboxes that most fields hold; runs would give the same, but take longer."""


class _Piece(NamedTuple):
    text: bytes
    plain: bool


_SPACE: Final = _Piece(b" ", plain=True)


@dataclass(slots=True)
class _Run:
    pieces: list[_Piece] = field(default_factory=list)
    comment: bytes = b""

    def phrase(self) -> bytes | None:
        """The run as a display name; None where it is empty."""
        return _one_line(b"".join([piece.text for piece in self.pieces]))

    def is_word(self) -> bool:
        """Whether the run could be a local part: one word, not quoted."""
        return (
            all(piece.plain for piece in self.pieces) and len((self.phrase() or b"").split()) == 1
        )

    def take_route(self) -> bytes | None:
        """Cut off the obsolete source route that the run begins with, if it does."""
        if not self.pieces or not self.pieces[0].plain:
            return None
        route, colon, rest = self.pieces[0].text.partition(b":")
        if not colon or not route.lstrip().startswith(b"@"):
            return None
        self.pieces[0] = _Piece(rest, plain=True)
        return b"".join(route.split())

    def addr_spec(self) -> tuple[bytes | None, bytes | None]:
        """The run as local part and domain, split at its last `@` outside quotes."""
        for number in reversed(range(len(self.pieces))):
            piece = self.pieces[number]
            if piece.plain and b"@" in piece.text:
                before, _, behind = piece.text.rpartition(b"@")
                local = [*self.pieces[:number], _Piece(before, plain=True)]
                domain = [_Piece(behind, plain=True), *self.pieces[number + 1 :]]
                return _dense(local) or None, _dense(domain).partition(b" ")[0] or None
        return _dense(self.pieces) or None, None


def _one_line(text: bytes) -> bytes | None:
    return b" ".join(text.split()) or None


def _dense(pieces: list[_Piece]) -> bytes:
    """The pieces without the white space around them and around dots (RFC 5322 section 4.4)."""
    return b"".join(
        [
            b" ".join(piece.text.split()).replace(b" .", b".").replace(b". ", b".")
            if piece.plain
            else piece.text
            for piece in pieces
        ]
    )


def _common_address(found: re.Match[bytes]) -> Address:
    quoted, name, local, domain, bare_local, bare_domain = found.groups()
    if bare_local:
        return Address(None, None, bare_local, bare_domain)
    return Address(_one_line(quoted or name or b""), None, local, domain)


def _bare_address(run: _Run) -> Address:
    """The address in a run without angle brackets.

    A comment is its display name, as it was used before there were display names. Without `@` the
    run is a local part if it is a word, else a name.
    """
    local, domain = run.addr_spec()
    if domain is None and not run.is_word():
        return Address(run.phrase(), None, MISSING_MAILBOX, MISSING_HOST)
    name = _one_line(run.comment)
    return Address(name, None, local or MISSING_MAILBOX, domain or MISSING_HOST)


class _Reader:
    def __init__(self, value: bytes) -> None:
        self._value = value
        self._at = 0

    def addresses(self) -> Iterator[Address]:
        in_group = False
        complete = False  # whether an address in angle brackets was read since the last comma
        while self._at < len(self._value):
            if not complete and (common := _COMMON.match(self._value, self._at)):
                self._at = common.end()
                yield _common_address(common)
                continue
            run = self._run(_PIECE_OUTSIDE)
            mark = self._mark()
            if mark == b"<":
                yield self._angle_address(run)
            elif mark == b":":
                if in_group:
                    yield GROUP_END
                yield Address(None, None, run.phrase() or b"", None)
            elif run.phrase() and not complete:
                yield _bare_address(run)
            if mark == b";" and in_group:
                yield GROUP_END
            in_group = mark == b":" or (in_group and mark != b";")
            complete = mark in (b"<", b">")
        if in_group:
            yield GROUP_END

    def _angle_address(self, name: _Run) -> Address:
        start = self._at
        spec = self._run(_PIECE_INSIDE)
        if self._mark() != b">":  # never closed: then the next mark ends it
            self._at = start
            spec = self._run(_PIECE_OUTSIDE)
        route = spec.take_route()
        local, domain = spec.addr_spec()
        return Address(name.phrase(), route, local or MISSING_MAILBOX, domain or MISSING_HOST)

    def _run(self, expression: re.Pattern[bytes]) -> _Run:
        run = _Run()
        while True:
            if self._value.startswith(b"(", self._at):
                run.comment, self._at = read_comment(self._value, self._at)
                run.pieces.append(_SPACE)
            elif found := expression.match(self._value, self._at):
                plain, quoted, literal = found.groups()
                if len(run.pieces) < _MAX_PIECES:
                    text = unquote(quoted) if quoted is not None else plain or literal
                    run.pieces.append(_Piece(text, plain is not None))
                self._at = found.end()
            else:
                return run

    def _mark(self) -> bytes:
        mark = self._value[self._at : self._at + 1]
        self._at += 1
        return mark
