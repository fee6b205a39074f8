"""What a server says, as data: just enough of IMAP's responses to tell clients and tests apart.

A response is one line, with the literals in it. Atoms and numbers become `str`, quoted strings and
literals `bytes`, parenthesised lists `list`. Sets of numbers become sorted tuples.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

Value = str | bytes | list["Value"]

_ATOM = re.compile(rb'[^\s()"{\[]+(?:\[[^\]]*\](?:<\d+>)?)?')
_QUOTED = re.compile(rb'"((?:[^"\\]|\\.)*)"')
_LITERAL = re.compile(rb"\{(\d+)\}\r\n")
_STATUS = re.compile(rb"(OK|NO|BAD|BYE|PREAUTH) (?:\[([A-Z0-9-]+)(?: ([^\]]*))?\] )?(.*)\r\n", re.I)


@dataclass(frozen=True, slots=True)
class Status:
    """OK, NO, BAD, BYE or PREAUTH; `tag` is None for an untagged one."""

    tag: str | None
    condition: str
    code: str | None
    argument: str
    text: str


@dataclass(frozen=True, slots=True)
class Fetch:
    """FETCH: message number and items."""

    seq: int
    items: dict[str, Value]

    @property
    def uid(self) -> int | None:
        """UID, None when it doesn't stand there."""
        uid = self.items.get("UID")
        return int(uid) if isinstance(uid, str) else None

    @property
    def modseq(self) -> int | None:
        """MODSEQ, None when it doesn't stand there."""
        value = self.items.get("MODSEQ")
        return None if value is None else int(_only(value))

    @property
    def flags(self) -> frozenset[str] | None:
        """FLAGS without \\Recent, None when they don't stand there."""
        value = self.items.get("FLAGS")
        if value is None:
            return None
        assert isinstance(value, list)
        return frozenset(map(str, value)) - {"\\Recent"}


@dataclass(frozen=True, slots=True)
class Vanished:
    """VANISHED."""

    uids: tuple[int, ...]
    earlier: bool


@dataclass(frozen=True, slots=True)
class Expunge:
    """EXPUNGE."""

    seq: int


@dataclass(frozen=True, slots=True)
class Exists:
    """EXISTS."""

    count: int


@dataclass(frozen=True, slots=True)
class Search:
    """SEARCH."""

    numbers: tuple[int, ...]
    modseq: int | None


@dataclass(frozen=True, slots=True)
class Esearch:
    """ESEARCH; `results` by name: MIN, MAX, COUNT, ALL, MODSEQ."""

    tag: bytes
    uid: bool
    results: dict[str, str]


@dataclass(frozen=True, slots=True)
class MailboxStatus:
    """STATUS."""

    name: Value
    numbers: dict[str, int]


@dataclass(frozen=True, slots=True)
class Other:
    """CAPABILITY, ENABLED, LIST, FLAGS, RECENT and the like, and continuation requests (`+`)."""

    name: str
    values: list[Value] = field(default_factory=list)


Response = Status | Fetch | Vanished | Expunge | Exists | Search | Esearch | MailboxStatus | Other


def is_whole(octets: bytes) -> int | None:
    """Where the first response in `octets` ends; None when more has to come."""
    start = 0
    while (end := octets.find(b"\r\n", start)) >= 0:
        literal = re.search(rb"\{(\d+)\}$", octets[start:end])
        if literal is None:
            return end + 2
        start = end + 2 + int(literal[1])
    return None


def parse(octets: bytes) -> Response:
    """One whole response."""
    head, _, rest = octets.partition(b" ")
    if head == b"+":
        return Other("+", [rest.decode().rstrip("\r\n")])
    status = _STATUS.fullmatch(rest)
    if status is not None:
        code = status[2].decode().upper() if status[2] else None
        argument = (status[3] or b"").decode()
        tag = None if head == b"*" else head.decode()
        return Status(tag, status[1].decode().upper(), code, argument, status[4].decode())
    assert head == b"*", octets
    return _data(list(_values(rest.removesuffix(b"\r\n"))))


def numbers(text: str) -> tuple[int, ...]:
    """The numbers of a set, sorted; `1:3,5` say."""
    found: set[int] = set()
    for part in filter(None, text.split(",")):
        low, _, high = part.partition(":")
        first, last = sorted((int(low), int(high or low)))
        found.update(range(first, last + 1))
    return tuple(sorted(found))


def compact(uids: Sequence[int]) -> str:
    """A set as short as can be; `uids` rise."""
    parts: list[list[int]] = []
    for uid in uids:
        if parts and uid == parts[-1][1] + 1:
            parts[-1][1] = uid
        else:
            parts.append([uid, uid])
    return ",".join(f"{a}" if a == b else f"{a}:{b}" for a, b in parts)


def _data(values: list[Value]) -> Response:
    first = values[0]
    assert isinstance(first, str)
    if first.isdigit():
        return _about_message(int(first), values[1:])
    name, rest = first.upper(), values[1:]
    match name:
        case "VANISHED":
            return Vanished(numbers(str(rest[-1])), rest[0] == ["EARLIER"])
        case "SEARCH":
            modseq = _search_modseq(rest)
            return Search(tuple(int(str(n)) for n in rest), modseq)
        case "ESEARCH":
            return _esearch(rest)
        case "STATUS":
            assert isinstance(rest[1], list)
            pairs = dict(_pairs(rest[1]))
            return MailboxStatus(rest[0], {key: int(str(n)) for key, n in pairs.items()})
        case _:
            return Other(name, rest)


def _search_modseq(values: list[Value]) -> int | None:
    """Take `(MODSEQ n)` from the end of SEARCH, if it stands there."""
    if not values or not isinstance(values[-1], list):
        return None
    return int(str(values.pop()[1]))


def _about_message(number: int, values: list[Value]) -> Response:
    match str(values[0]).upper():
        case "FETCH":
            assert isinstance(values[1], list)
            return Fetch(number, dict(_pairs(values[1])))
        case "EXISTS":
            return Exists(number)
        case "EXPUNGE":
            return Expunge(number)
        case name:
            return Other(name, [str(number)])


def _esearch(values: list[Value]) -> Esearch:
    tag = b""
    if values and isinstance(values[0], list):
        correlator = values.pop(0)
        assert isinstance(correlator, list)
        assert isinstance(correlator[1], bytes | str)
        tag = correlator[1].encode() if isinstance(correlator[1], str) else correlator[1]
    uid = bool(values) and values[0] == "UID"
    results = {name: str(value) for name, value in _pairs(values[uid:])}
    return Esearch(tag, uid, results)


def _pairs(values: Sequence[Value]) -> Iterator[tuple[str, Value]]:
    for name, value in zip(values[::2], values[1::2], strict=True):
        yield str(name).upper(), value


def _only(value: Value) -> str:
    assert isinstance(value, list)
    (only,) = value
    return str(only)


def _values(octets: bytes) -> Iterator[Value]:
    """All values of a response, in order."""
    stack: list[list[Value]] = [[]]
    at = 0
    while at < len(octets):
        char = octets[at : at + 1]
        if char in b" ":
            at += 1
        elif char == b"(":
            stack.append([])
            at += 1
        elif char == b")":
            closed = stack.pop()
            stack[-1].append(closed)
            at += 1
        elif quoted := _QUOTED.match(octets, at):
            stack[-1].append(re.sub(rb"\\(.)", rb"\1", quoted[1]))
            at = quoted.end()
        elif literal := _LITERAL.match(octets, at):
            at = literal.end() + int(literal[1])
            stack[-1].append(octets[literal.end() : at])
        else:
            atom = _ATOM.match(octets, at)
            assert atom is not None, octets[at:]
            stack[-1].append(atom[0].decode("utf-8", "backslashreplace"))
            at = atom.end()
    (values,) = stack
    yield from values
