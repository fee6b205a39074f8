"""Responses as frozen dataclasses; `bytes()` of one is the whole line, CRLF included.

FETCH has none: it is made by the hundred thousand, from items that were rendered before.
"""

import enum
from dataclasses import dataclass
from typing import Final

from maildird.imap.codes import ResponseCode, code_bytes
from maildird.imap.commands.mailboxes import StatusItem
from maildird.imap.rendering import flags, mailbox, nstring, parenthesised, string
from maildird.terms import mutf7
from maildird.terms.sets import SeqSet, UidSet


class Condition(enum.Enum):
    """What a status response says (RFC 3501 section 7.1)."""

    OK = "OK"
    NO = "NO"
    BAD = "BAD"
    BYE = "BYE"
    PREAUTH = "PREAUTH"


@dataclass(frozen=True, slots=True)
class StatusResponse:
    """`tag` is None for an untagged one.

    Text is mandatory. `?` stands for what can't be sent of it, and long text is cut: it may hold
    what the client sent.
    """

    tag: bytes | None
    condition: Condition
    text: str
    code: ResponseCode | None = None

    def __bytes__(self) -> bytes:
        code = b"" if self.code is None else b"[%s] " % code_bytes(self.code)
        return b"%s %s %s%s\r\n" % (
            b"*" if self.tag is None else self.tag,
            self.condition.value.encode("ascii"),
            code,
            _text(self.text),
        )


def ok(tag: bytes, text: str, code: ResponseCode | None = None) -> bytes:
    """A tagged OK."""
    return bytes(StatusResponse(tag, Condition.OK, text, code))


def no(tag: bytes, text: str, code: ResponseCode | None = None) -> bytes:
    """A tagged NO."""
    return bytes(StatusResponse(tag, Condition.NO, text, code))


def bad(tag: bytes | None, text: str, code: ResponseCode | None = None) -> bytes:
    """A BAD; untagged where the command had no tag that could be read."""
    return bytes(StatusResponse(tag, Condition.BAD, text, code))


def untagged_ok(text: str, code: ResponseCode | None = None) -> bytes:
    """An untagged OK."""
    return bytes(StatusResponse(None, Condition.OK, text, code))


def bye(text: str, code: ResponseCode | None = None) -> bytes:
    """An untagged BYE."""
    return bytes(StatusResponse(None, Condition.BYE, text, code))


def continuation(text: str = "") -> bytes:
    """continue-req = "+" SP (resp-text / base64) CRLF; without text it is an empty base64."""
    return b"+ " + (_text(text) if text else b"") + b"\r\n"


@dataclass(frozen=True, slots=True)
class CapabilityResponse:
    """CAPABILITY (RFC 3501 section 7.2.1)."""

    names: tuple[str, ...]

    def __bytes__(self) -> bytes:
        return b"* CAPABILITY " + " ".join(self.names).encode("ascii") + b"\r\n"


@dataclass(frozen=True, slots=True)
class EnabledResponse:
    """ENABLED (RFC 5161 section 3.2); what this command enabled, maybe nothing."""

    names: tuple[str, ...]

    def __bytes__(self) -> bytes:
        return " ".join(["* ENABLED", *self.names]).encode("ascii") + b"\r\n"


@dataclass(frozen=True, slots=True)
class IdResponse:
    """ID (RFC 2971 section 3.2)."""

    fields: tuple[tuple[str, str | None], ...] = ()

    def __bytes__(self) -> bytes:
        if not self.fields:
            return b"* ID NIL\r\n"
        words = []
        for name, value in self.fields:
            words += [string(name.encode()), nstring(None if value is None else value.encode())]
        return b"* ID " + parenthesised(words) + b"\r\n"


@dataclass(frozen=True, slots=True)
class NamespaceResponse:
    """NAMESPACE with one personal namespace (RFC 2342 section 5)."""

    prefix: str
    separator: str

    def __bytes__(self) -> bytes:
        return b"* NAMESPACE ((%s %s)) NIL NIL\r\n" % (
            string(mutf7.encode(self.prefix).encode("ascii")),
            string(self.separator.encode("ascii")),
        )


@dataclass(frozen=True, slots=True)
class ListResponse:
    """LIST or LSUB (RFC 3501 section 7.2.2); `child_info` is CHILDINFO (RFC 5258 section 3.5)."""

    name: str
    separator: str
    attributes: tuple[str, ...] = ()
    child_info: tuple[str, ...] = ()
    lsub: bool = False

    def __bytes__(self) -> bytes:
        line = b"* %s %s %s %s" % (
            b"LSUB" if self.lsub else b"LIST",
            flags(self.attributes),
            string(self.separator.encode("ascii")),
            mailbox(self.name),
        )
        if self.child_info:
            options = parenthesised(string(option.encode("ascii")) for option in self.child_info)
            line += b' ("CHILDINFO" %s)' % options
        return line + b"\r\n"


@dataclass(frozen=True, slots=True)
class MailboxStatusResponse:
    """STATUS (RFC 3501 section 7.2.4)."""

    name: str
    values: tuple[tuple[StatusItem, int], ...]

    def __bytes__(self) -> bytes:
        items = (b"%s %d" % (item.value.encode("ascii"), value) for item, value in self.values)
        return b"* STATUS %s %s\r\n" % (mailbox(self.name), parenthesised(items))


@dataclass(frozen=True, slots=True)
class FlagsResponse:
    """FLAGS (RFC 3501 section 7.2.6)."""

    names: tuple[str, ...]

    def __bytes__(self) -> bytes:
        return b"* FLAGS " + flags(self.names) + b"\r\n"


@dataclass(frozen=True, slots=True)
class SearchResponse:
    """SEARCH (RFC 3501 section 7.2.5); `modseq` is the highest of all found (RFC 7162 3.1.5)."""

    numbers: tuple[int, ...]
    modseq: int | None = None

    def __bytes__(self) -> bytes:
        words = ["* SEARCH", *map(str, self.numbers)]
        if self.modseq is not None:
            words.append(f"(MODSEQ {self.modseq})")
        return " ".join(words).encode("ascii") + b"\r\n"


@dataclass(frozen=True, slots=True)
class EsearchResponse:
    """ESEARCH (RFC 4466 section 2.6.2, RFC 4731 section 3.1); what is None is left out."""

    tag: bytes
    uid: bool
    minimum: int | None = None
    maximum: int | None = None
    count: int | None = None
    everything: SeqSet | UidSet | None = None
    modseq: int | None = None

    def __bytes__(self) -> bytes:
        words = [b"* ESEARCH (TAG %s)" % string(self.tag)]
        if self.uid:
            words.append(b"UID")
        for name, value in (
            (b"MIN", self.minimum),
            (b"MAX", self.maximum),
            (b"COUNT", self.count),
            (b"MODSEQ", self.modseq),
        ):
            if value is not None:
                words.append(b"%s %d" % (name, value))
        if self.everything:
            words.append(b"ALL " + bytes(self.everything))
        return b" ".join(words) + b"\r\n"


@dataclass(frozen=True, slots=True)
class Exists:
    """EXISTS (RFC 3501 section 7.3.1)."""

    count: int

    def __bytes__(self) -> bytes:
        return b"* %d EXISTS\r\n" % self.count


@dataclass(frozen=True, slots=True)
class Recent:
    """RECENT (RFC 3501 section 7.3.2)."""

    count: int

    def __bytes__(self) -> bytes:
        return b"* %d RECENT\r\n" % self.count


@dataclass(frozen=True, slots=True)
class ExpungeResponse:
    """EXPUNGE (RFC 3501 section 7.4.1)."""

    seq: int

    def __bytes__(self) -> bytes:
        return b"* %d EXPUNGE\r\n" % self.seq


@dataclass(frozen=True, slots=True)
class Vanished:
    """VANISHED (RFC 7162 section 3.2.10); `earlier` as an answer to QRESYNC or VANISHED."""

    uids: UidSet
    earlier: bool = False

    def __bytes__(self) -> bytes:
        return b"* VANISHED %s%s\r\n" % (b"(EARLIER) " if self.earlier else b"", bytes(self.uids))


_LONGEST_TEXT: Final = 500
_UNPRINTABLE: Final = dict.fromkeys((*range(32), *range(127, 160)), "?")


def _text(text: str) -> bytes:
    """text = 1*TEXT-CHAR; what begins with `[` would be read as a response code."""
    shown = text[:_LONGEST_TEXT].translate(_UNPRINTABLE).encode("ascii", "replace")
    return b"(" + shown[1:] if shown.startswith(b"[") else shown or b"?"
