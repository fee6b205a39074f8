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
from dataclasses import dataclass
from itertools import islice
from typing import Final

from maildird.mime.lexemes import QUOTED_STRING, comment_end, unquote

MAX_ADDRESSES: Final = 100_000
"""Addresses of one field that are listed."""

MISSING_MAILBOX: Final = b"MISSING_MAILBOX"
MISSING_HOST: Final = b"MISSING_DOMAIN"
"""What stands for a missing part: NIL would make it a group (RFC 3501 section 7.4.2)."""


@dataclass(frozen=True, slots=True)
class Address:
    """An address as ENVELOPE has it; without `host` it opens a group called `mailbox`, and without
    either it ends the group. `name` is without quotes, not decoded."""

    name: bytes | None
    route: bytes | None
    mailbox: bytes | None
    host: bytes | None


GROUP_END: Final = Address(None, None, None, None)


def parse_addresses(value: bytes) -> list[Address]:
    """The addresses in an unfolded field value, at most `MAX_ADDRESSES`, groups marked."""
    return list(islice(_Reader(value).addresses(), MAX_ADDRESSES))


_OUTSIDE: Final = re.compile(
    rb'([^",;:<>(\[]++)|' + QUOTED_STRING + rb'|(\[[^\[\]\\,;<>"\s]*+\]|\[)', re.DOTALL
)
_INSIDE: Final = re.compile(
    rb'([^"<>(\[]++)|' + QUOTED_STRING + rb'|(\[[^\[\]\\,;<>"\s]*+\]|\[)', re.DOTALL
)


_ATOM: Final = rb'([^\s"(),:;<>@\[\]\\]++)'
_COMMON: Final = re.compile(
    rb'[\s,]*+(?:(?:"([^"\\]*+)"|([^"(),:;<>@\[\]\\]*+))\s*+<%b@%b>|%b@%b)\s*+(?:,|\Z)'
    % (_ATOM, _ATOM, _ATOM, _ATOM)
)
"""The mailboxes that most fields hold; the rules above read them the same way, but slower."""


@dataclass(slots=True)
class _Run:
    """Pieces up to a mark, each with whether it is plain text, in which white space may stand."""

    pieces: list[tuple[bytes, bool]]
    comment: bytes | None = None

    def phrase(self) -> bytes | None:
        """The run as a display name; None where it is empty."""
        return b" ".join(b"".join([text for text, _ in self.pieces]).split()) or None

    def take_route(self) -> bytes | None:
        """Cut off the obsolete source route that the run begins with, if it does."""
        if not self.pieces:
            return None
        text, plain = self.pieces[0]
        route, colon, rest = text.partition(b":")
        if not (plain and colon and route.lstrip().startswith(b"@")):
            return None
        self.pieces[0] = (rest, True)
        return b"".join(route.split())

    def addr_spec(self) -> tuple[bytes | None, bytes | None]:
        """The run as local part and domain, split at its last `@` outside quotes."""
        for number in reversed(range(len(self.pieces))):
            text, plain = self.pieces[number]
            if plain and b"@" in text:
                before, _, behind = text.rpartition(b"@")
                local = [*self.pieces[:number], (before, True)]
                domain = [(behind, True), *self.pieces[number + 1 :]]
                return _joined(local) or None, _joined(domain).partition(b" ")[0] or None
        return _joined(self.pieces) or None, None


def _common_address(found: re.Match[bytes]) -> Address:
    quoted, name, local, domain, bare_local, bare_domain = found.groups()
    if bare_local:
        return Address(None, None, bare_local, bare_domain)
    return Address(b" ".join((quoted or name or b"").split()) or None, None, local, domain)


def _joined(pieces: list[tuple[bytes, bool]]) -> bytes:
    return b"".join([_dense(text) if plain else text for text, plain in pieces])


def _dense(text: bytes) -> bytes:
    """`text` without the white space around it and around its dots (RFC 5322 section 4.4)."""
    text = b" ".join(text.split())
    if b" " in text:
        text = text.replace(b" .", b".").replace(b". ", b".")
    return text


class _Reader:
    def __init__(self, value: bytes) -> None:
        self._value = value
        self._at = 0

    def addresses(self) -> Iterator[Address]:
        in_group = listed = False
        while self._at < len(self._value):
            if not listed and (common := _COMMON.match(self._value, self._at)):
                self._at = common.end()
                yield _common_address(common)
                continue
            run = self._run(_OUTSIDE)
            mark = self._mark()
            if mark == b"<":
                yield self._angle_address(run)
                listed = True
                continue
            if mark == b":":
                if in_group:
                    yield GROUP_END
                yield Address(None, None, run.phrase() or b"", None)
                in_group, listed = True, False
                continue
            if run.pieces and not listed:
                yield from self._bare_address(run)
            listed = mark == b">"
            if mark == b";" and in_group:
                yield GROUP_END
                in_group = False
        if in_group:
            yield GROUP_END

    def _angle_address(self, name: _Run) -> Address:
        start = self._at
        spec = self._run(_INSIDE)
        if self._mark() != b">":
            self._at = start
            spec = self._run(_OUTSIDE)
        route = spec.take_route()
        local, domain = spec.addr_spec()
        return Address(name.phrase(), route, local or MISSING_MAILBOX, domain or MISSING_HOST)

    def _bare_address(self, run: _Run) -> Iterator[Address]:
        local, domain = run.addr_spec()
        if local or domain:
            yield Address(run.comment, None, local or MISSING_MAILBOX, domain or MISSING_HOST)

    def _run(self, piece: re.Pattern[bytes]) -> _Run:
        run = _Run([])
        while True:
            if found := piece.match(self._value, self._at):
                plain, quoted, literal = found.groups()
                if plain is not None:
                    if not plain.isspace() or run.pieces:
                        run.pieces.append((plain, True))
                elif quoted is not None:
                    run.pieces.append((unquote(quoted), False))
                else:
                    run.pieces.append((literal, False))
                self._at = found.end()
            elif self._value.startswith(b"(", self._at):
                end = comment_end(self._value, self._at)
                run.comment = unquote(self._value[self._at + 1 : end - 1])
                if run.pieces:
                    run.pieces.append((b" ", True))
                self._at = end
            else:
                return run

    def _mark(self) -> bytes:
        mark = self._value[self._at : self._at + 1]
        self._at += 1
        return mark
