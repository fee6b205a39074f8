"""What clients with a cache send when they come back, over a real connection.

Evolution, interimap, Mailspring and Horde (Nextcloud Mail) resynchronise each in its own way. Each
replay is a visit with that client's commands. Between two visits other programs flag, remove and
deliver. The cache is kept by the rules of RFC 7162 section 6: a new UIDVALIDITY empties it,
VANISHED takes out, FETCH puts in, and the HIGHESTMODSEQ counts once all is done. After each visit
it has to equal the Maildir, and the server may have told only of the messages that had changed, and
of each once a command.
"""

import re
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.clients.conftest import Start
from tests.clients.maildirs import deliver, reflag
from tests.clients.server import PASSWORD, USER, ServerProcess

MESSAGES = 1_200
ABSENCES = 3
PATIENCE = 60
"""Seconds in which an answer has to come."""
FLAGS = {"D": "\\Draft", "F": "\\Flagged", "R": "\\Answered", "S": "\\Seen", "T": "\\Deleted"}
FETCH = re.compile(rb"\* \d+ FETCH \(")
LITERAL = re.compile(rb"\{(\d+)\}\r\n$")
MOST_PAIRS = 1_024
"""Pairs of number and UID that interimap sends at most."""
LONGEST_SET = 7_000
"""Octets of known UIDs that Horde sends at most."""

Mailbox = list[tuple[str, frozenset[str]]]
"""Subject and flags of each message, sorted."""


@dataclass(slots=True)
class Answer:
    """What one command brought: lines with their literals, up to the tagged one."""

    responses: list[bytes] = field(default_factory=list)
    status: bytes = b""

    def number(self, name: bytes) -> int | None:
        """The last number after a response code or a STATUS item of that name."""
        found = re.findall(rb"\b%s (\d+)" % name, b"".join(self.responses) + self.status)
        return int(found[-1]) if found else None

    def fetched(self) -> list[bytes]:
        return [each for each in self.responses if FETCH.match(each)]

    def vanished(self) -> set[int]:
        lines = (re.match(rb"\* VANISHED (?:\(EARLIER\) )?(\S+)", each) for each in self.responses)
        return {uid for line in lines if line for uid in numbers(line[1].decode())}


class Connection:
    """A logged-in connection."""

    def __init__(self, server: ServerProcess) -> None:
        self._socket = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
        self._file = self._socket.makefile("rb")
        self._file.readline()
        self._tag = 0
        self(f'LOGIN {USER} "{PASSWORD}"')

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_error: object) -> None:
        self._file.close()
        self._socket.close()

    def __call__(self, command: str) -> Answer:
        """Send a command; it has to be answered with OK."""
        self._tag += 1
        tag = b"A%05d " % self._tag
        self._socket.sendall(tag + command.encode() + b"\r\n")
        answer = Answer()
        while not (response := self._response()).startswith(tag):
            assert response.startswith(b"* "), (command, response)
            answer.responses.append(response)
        answer.status = response.removeprefix(tag)
        assert answer.status.startswith(b"OK "), (command, answer.status)
        return answer

    def _response(self) -> bytes:
        response = line = self._file.readline()
        assert line
        while literal := LITERAL.search(line):
            line = self._file.read(int(literal[1])) + self._file.readline()
            response += line
        return response


@dataclass(slots=True)
class Cache:
    """What a client keeps of a mailbox from one visit to the next."""

    uidvalidity: int = 0
    modseq: int = 0
    flags: dict[int, frozenset[str]] = field(default_factory=dict)
    subjects: dict[int, str] = field(default_factory=dict)
    told: set[int] = field(default_factory=set)
    """The messages that FETCH responses have told of in this visit."""

    def uids(self) -> list[int]:
        return sorted(self.flags)

    def learn(self, answer: Answer) -> None:
        uidvalidity = answer.number(b"UIDVALIDITY")
        if uidvalidity is not None and uidvalidity != self.uidvalidity:
            self.uidvalidity = uidvalidity
            self.flags.clear()
        for uid in answer.vanished():
            self.flags.pop(uid, None)
        fetched = [flags_of(each) for each in answer.fetched()]
        assert len(fetched) == len(dict(fetched))
        self.told.update(dict(fetched))
        self.flags.update(fetched)

    def learn_subjects(self, connection: Connection) -> None:
        """Fetch what is fetched once: the header of the messages that are new here."""
        missing = self.flags.keys() - self.subjects.keys()
        if not missing:
            return
        wanted = f"UID FETCH {spelt(missing)} (UID BODY.PEEK[HEADER.FIELDS (SUBJECT)])"
        for each in connection(wanted).fetched():
            found = re.search(rb"UID (\d+) .*^Subject: (.*?)\r$", each, re.DOTALL | re.MULTILINE)
            assert found is not None, each
            self.subjects[int(found[1])] = found[2].decode()

    def mailbox(self) -> Mailbox:
        return sorted((self.subjects[uid], flags) for uid, flags in self.flags.items())


def flags_of(response: bytes) -> tuple[int, frozenset[str]]:
    """UID and flags in a FETCH response, without \\Recent, which is no business of a cache."""
    uid, flags = re.search(rb"UID (\d+)", response), re.search(rb"FLAGS \(([^)]*)\)", response)
    assert uid is not None, response
    assert flags is not None, response
    return int(uid[1]), frozenset(flags[1].decode().split()) - {"\\Recent"}


Visit = Callable[[Connection, Cache], None]


def first_visit(connection: Connection, cache: Cache) -> None:
    """Most ask for all flags, and remember the HIGHESTMODSEQ of SELECT."""
    selected = connection("SELECT INBOX")
    cache.learn(selected)
    cache.learn(connection("UID FETCH 1:* (UID FLAGS)"))
    cache.modseq = selected.number(b"HIGHESTMODSEQ") or 0


def evolution(connection: Connection, cache: Cache) -> None:
    """Pairs of number and UID at the 9th, 27th, 81st message from the end, and so on."""
    connection("ENABLE CONDSTORE QRESYNC")
    if not cache.modseq:
        first_visit(connection, cache)
        return
    uids = cache.uids()
    pairs: list[int] = []
    distance = 3
    while distance < len(uids):
        distance = min(distance * 3, len(uids))
        pairs.insert(0, len(uids) - distance)
    seqs, matching = listed(at + 1 for at in pairs), listed(uids[at] for at in pairs)
    known = f"{uids[0]}:{uids[-1]} ({seqs} {matching})"
    selected = connection(f"SELECT INBOX (QRESYNC ({cache.uidvalidity} {cache.modseq} {known}))")
    cache.learn(selected)
    cache.learn(connection(f"UID FETCH 1:* (UID FLAGS) (CHANGEDSINCE {cache.modseq} VANISHED)"))
    cache.modseq = selected.number(b"HIGHESTMODSEQ") or 0


def interimap(connection: Connection, cache: Cache) -> None:
    """As many pairs as it may send; it gives up when what it doesn't know has vanished."""
    capabilities = b"".join(connection("CAPABILITY").responses).split()
    assert {b"LIST-EXTENDED", b"LIST-STATUS", b"UIDPLUS", b"QRESYNC"} <= set(capabilities)
    assert connection("ENABLE QRESYNC").responses == [b"* ENABLED QRESYNC\r\n"]
    listed_all = connection(
        'LIST "" (INBOX *) RETURN (SUBSCRIBED STATUS (UIDVALIDITY UIDNEXT HIGHESTMODSEQ))'
    )
    if not cache.modseq:
        first_visit(connection, cache)
        return
    assert listed_all.number(b"UIDVALIDITY") == cache.uidvalidity
    uids = cache.uids()
    first = max(0, len(uids) - MOST_PAIRS)
    pairs = f"({first + 1}:{len(uids)} {spelt(uids[first:])})"
    selected = connection(
        f"SELECT INBOX (QRESYNC ({cache.uidvalidity} {cache.modseq} 1:{uids[-1]} {pairs}))"
    )
    assert selected.vanished() <= set(uids)
    cache.learn(selected)
    cache.learn(connection(f"UID FETCH {uids[-1] + 1}:* (MODSEQ FLAGS INTERNALDATE BODY.PEEK[])"))
    cache.modseq = selected.number(b"HIGHESTMODSEQ") or 0


def mailspring(connection: Connection, cache: Cache) -> None:
    """STATUS says whether to ask; the HIGHESTMODSEQ of STATUS is the one that it keeps."""
    connection("ENABLE QRESYNC")
    status = connection("STATUS INBOX (UNSEEN MESSAGES RECENT UIDNEXT UIDVALIDITY HIGHESTMODSEQ)")
    modseq = status.number(b"HIGHESTMODSEQ") or 0
    assert modseq > cache.modseq
    cache.learn(connection("SELECT INBOX"))
    since = f" (CHANGEDSINCE {cache.modseq} VANISHED)" if cache.modseq else ""
    cache.learn(connection(f"UID FETCH 1:* (UID FLAGS INTERNALDATE ENVELOPE){since}"))
    cache.modseq = modseq


def horde(connection: Connection, cache: Cache) -> None:
    """All UIDs that it knows, unless they are too many; what vanished it asks for once more."""
    connection("ENABLE QRESYNC")
    if not cache.modseq:
        first_visit(connection, cache)
        return
    uids = cache.uids()
    known = spelt(uids)
    if len(known) > LONGEST_SET:
        known = f"{uids[0]}:{uids[-1]}"
    examined = connection(f"EXAMINE INBOX (QRESYNC ({cache.uidvalidity} {cache.modseq} {known}))")
    cache.learn(examined)
    cache.learn(connection(f"UID FETCH {uids[-1] + 1}:* (UID FLAGS)"))
    again = connection(f"UID FETCH {known} (UID) (VANISHED CHANGEDSINCE {cache.modseq})")
    assert again.vanished() == set(uids) - set(cache.flags)
    cache.modseq = examined.number(b"HIGHESTMODSEQ") or 0


@pytest.mark.parametrize("visit", [evolution, interimap, mailspring, horde])
def test_a_return_brings_what_changed_and_no_more(
    start: Start, maildir: Path, visit: Visit
) -> None:
    server = start(maildir)
    cache = Cache()
    changed = MESSAGES
    for absence in range(ABSENCES + 1):
        if absence:
            changed = change(maildir, absence)
        cache.told.clear()
        with Connection(server) as connection:
            visit(connection, cache)
            assert len(cache.told) == changed
            cache.learn_subjects(connection)
        assert cache.mailbox() == lying_in(maildir)


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    root = tmp_path / "Maildir"
    for subdir in ("cur", "new", "tmp"):
        (root / subdir).mkdir(parents=True)
    for number in range(MESSAGES):
        name = f"{1_300_000_000 + number}.M{number}.far:2,{'S' if number % 2 else ''}"
        (root / "cur" / name).write_bytes(message(f"message {number}"))
    return root


def change(maildir: Path, absence: int) -> int:
    """Other programs flag, remove and deliver; tells how many messages have changed or come."""
    paths = sorted((maildir / "cur").iterdir())
    first, middle, last = paths[:10], paths[300 : 300 + 7 * absence + 7], paths[-6:]
    for path in (*first[::2], *middle[::7], last[-1]):
        path.unlink()
    flagged = [*first[1::2], *middle[1::7], *last[:2]]
    for path in flagged:
        letters = set(path.name.partition(":2,")[2]) ^ {"F", "S"}
        reflag(path, "".join(sorted(letters)))
    for number in range(3):
        name = f"{1_700_000_000 + 10 * absence + number}.M{number}.new"
        deliver(maildir, name, message(f"arrival {absence} {number}"))
    return len(flagged) + 3


def message(subject: str) -> bytes:
    return f"From: far@example.org\nSubject: {subject}\n\nHello.\n".encode()


def lying_in(maildir: Path) -> Mailbox:
    found = []
    for path in (path for subdir in ("cur", "new") for path in (maildir / subdir).iterdir()):
        subject = re.search("^Subject: (.*)$", path.read_text(), re.MULTILINE)
        assert subject is not None
        letters = path.name.partition(":2,")[2]
        found.append((subject[1], frozenset(FLAGS[letter] for letter in letters)))
    return sorted(found)


def numbers(spelling: str) -> Iterable[int]:
    """The members of a sequence set without `*`."""
    for part in spelling.split(","):
        ends = [int(end) for end in part.split(":")]
        yield from range(ends[0], ends[-1] + 1)


def spelt(uids: Iterable[int]) -> str:
    """A sequence set with ranges."""
    ranges: list[list[int]] = []
    for uid in sorted(uids):
        if ranges and uid == ranges[-1][1] + 1:
            ranges[-1][1] = uid
        else:
            ranges.append([uid, uid])
    return listed(str(low) if low == high else f"{low}:{high}" for low, high in ranges)


def listed(parts: Iterable[object]) -> str:
    return ",".join(map(str, parts))
