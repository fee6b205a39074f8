"""Response codes with arguments; those without are `terms.codes.Code`."""

from dataclasses import dataclass

from maildird.imap.rendering import flags
from maildird.terms.codes import Code
from maildird.terms.sets import SeqSet, UidSet


@dataclass(frozen=True, slots=True)
class UidValidity:
    """UIDVALIDITY nz-number (RFC 3501 section 7.1)."""

    value: int

    def __bytes__(self) -> bytes:
        return b"UIDVALIDITY %d" % self.value


@dataclass(frozen=True, slots=True)
class UidNext:
    """UIDNEXT nz-number (RFC 3501 section 7.1)."""

    value: int

    def __bytes__(self) -> bytes:
        return b"UIDNEXT %d" % self.value


@dataclass(frozen=True, slots=True)
class Unseen:
    """UNSEEN nz-number: the first message without \\Seen (RFC 3501 section 7.1)."""

    seq: int

    def __bytes__(self) -> bytes:
        return b"UNSEEN %d" % self.seq


@dataclass(frozen=True, slots=True)
class PermanentFlags:
    """PERMANENTFLAGS; `\\*` says that keywords can be made (RFC 3501 section 7.1)."""

    names: tuple[str, ...]

    def __bytes__(self) -> bytes:
        return b"PERMANENTFLAGS " + flags(self.names)


@dataclass(frozen=True, slots=True)
class HighestModSeq:
    """HIGHESTMODSEQ mod-sequence-value (RFC 7162 section 3.1.2.1)."""

    value: int

    def __bytes__(self) -> bytes:
        return b"HIGHESTMODSEQ %d" % self.value


@dataclass(frozen=True, slots=True)
class Modified:
    """MODIFIED sequence-set: messages that a conditional STORE left alone (RFC 7162 3.1.3)."""

    messages: SeqSet | UidSet

    def __bytes__(self) -> bytes:
        return b"MODIFIED " + bytes(self.messages)


@dataclass(frozen=True, slots=True)
class AppendUid:
    """APPENDUID nz-number uid-set (RFC 4315 section 3)."""

    uidvalidity: int
    uids: UidSet

    def __bytes__(self) -> bytes:
        return b"APPENDUID %d %s" % (self.uidvalidity, bytes(self.uids))


@dataclass(frozen=True, slots=True)
class CopyUid:
    """COPYUID nz-number uid-set uid-set (RFC 4315 section 3).

    The sets correspond number by number, so they keep the order in which messages were copied.
    """

    uidvalidity: int
    source: tuple[int, ...]
    target: tuple[int, ...]

    def __bytes__(self) -> bytes:
        return b"COPYUID %d %s %s" % (
            self.uidvalidity,
            _in_order(self.source),
            _in_order(self.target),
        )


@dataclass(frozen=True, slots=True)
class BadCharsetCode:
    """BADCHARSET with the charsets that are known (RFC 3501 section 7.1)."""

    known: tuple[str, ...] = ("US-ASCII", "UTF-8")

    def __bytes__(self) -> bytes:
        return b"BADCHARSET (" + " ".join(self.known).encode("ascii") + b")"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """CAPABILITY in a status response (RFC 3501 section 7.1)."""

    names: tuple[str, ...]

    def __bytes__(self) -> bytes:
        return b"CAPABILITY " + " ".join(self.names).encode("ascii")


ResponseCode = (
    Code
    | UidValidity
    | UidNext
    | Unseen
    | PermanentFlags
    | HighestModSeq
    | Modified
    | AppendUid
    | CopyUid
    | BadCharsetCode
    | Capabilities
)


def code_bytes(code: ResponseCode) -> bytes:
    """A response code as it stands between the brackets."""
    return code.value.encode("ascii") if isinstance(code, Code) else bytes(code)


def _in_order(numbers: tuple[int, ...]) -> bytes:
    """uid-set with rising runs as ranges, in the order given."""
    ranges: list[tuple[int, int]] = []
    for number in numbers:
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1] = (ranges[-1][0], number)
        else:
            ranges.append((number, number))
    return b",".join(b"%d" % a if a == b else b"%d:%d" % (a, b) for a, b in ranges)
