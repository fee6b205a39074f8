"""neomutt with its header cache: what it shows after a return is what lies in the Maildir.

neomutt runs in a terminal of tmux. Its index has one line a message and its status line has the
counts, so the screen says what neomutt believes; its debug log has the commands that it sent.

neomutt asks for what changed and vanished with one UID FETCH after a plain SELECT. When a message
has vanished, neomutt (seen with 20220429) leaves a hole in its table of message numbers, finds the
table wrong, and reads all flags once more. So only a return to a mailbox that nothing has left can
show that the one command suffices.
"""

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.clients.conftest import Start
from tests.clients.maildirs import deliver, reflag
from tests.clients.server import PASSWORD, USER

CONFIG = """\
set folder = "imap://127.0.0.1:{port}/" spoolfile = "imap://127.0.0.1:{port}/INBOX"
set imap_user = "{user}" imap_pass = "{password}"
set ssl_starttls = no ssl_force_tls = no
set imap_condstore = yes imap_qresync = {qresync} imap_idle = {idle}
set header_cache = "{cache}/" message_cachedir = ""
set timeout = {pause} mail_check = {pause} imap_keepalive = 300
set sort = mailbox-order to_chars = "        " mark_old = no
set index_format = "<%s|%zs%zt>" status_format = "<count %m, unread %u, flagged %F>"
set quit = yes delete = yes postponed = "" record = "" trash = ""
"""

MESSAGES = 40
REMOVED = (7, 8, 20, MESSAGES - 1)
SCREEN = (100, 60)
"""Columns and lines: the index has room for all the messages."""
PATIENCE = 60
"""Seconds in which something has to be seen."""
LINE = re.compile(r"^<(.*)\|(.)(.)>", re.MULTILINE)
STATUS = re.compile(r"^<count (\d+), unread (\d*), flagged (\d*)>", re.MULTILINE)
RESYNC = re.compile(rf"UID FETCH 1:{MESSAGES} \(FLAGS\) \(CHANGEDSINCE \d+ VANISHED\)")
COMMAND = re.compile(r"^(?:\[.*> )?a\d+ (.*?)\r?$", re.MULTILINE)
HEADERS = re.compile(r"FETCH (\S+) \(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK\[HEADER")


@dataclass(frozen=True, slots=True)
class Shown:
    """A mailbox: `index` has (subject, status letter, flag letter) of each message, sorted."""

    index: list[tuple[str, str, str]]
    count: int = 0
    unread: int = 0
    flagged: int = 0


class Neomutt:
    """One user's neomutt, with its configuration and its header cache."""

    def __init__(
        self, find: Callable[[str], str], directory: Path, port: int, *, qresync: str, idle: str
    ) -> None:
        self._neomutt, self._tmux = find("neomutt"), find("tmux")
        self._home = directory / "neomutt"
        (self._home / "cache").mkdir(parents=True)
        (self._home / "rc").write_text(
            CONFIG.format(
                port=port,
                user=USER,
                password=PASSWORD,
                cache=self._home / "cache",
                qresync=qresync,
                idle=idle,
                pause=1 if idle == "yes" else 600,
            )
        )
        self._visits = 0

    @contextmanager
    def visit(self) -> Iterator["Neomutt"]:
        """neomutt runs inside this block and has quit after it."""
        self._visits += 1
        columns, lines = map(str, SCREEN)
        self._run(
            *("-f", "/dev/null", "new-session", "-d", "-x", columns, "-y", lines),
            *(self._neomutt, "-n", "-F", "rc", "-d", "2", "-l", f"log{self._visits}."),
        )
        try:
            yield self
            self.press("q")
            until(lambda: self._run("has-session", check=False).returncode, self.screen)
        finally:
            self._run("kill-server", check=False)

    def press(self, *keys: str) -> None:
        self._run("send-keys", *keys)

    def shows(self, maildir: Path) -> None:
        """Wait until neomutt shows exactly what is in the Maildir."""

        def agrees() -> bool:
            try:
                return self.shown() == lying_in(maildir)
            except FileNotFoundError:  # the server has just moved it to cur/
                return False

        until(agrees, self.screen)

    def shown(self) -> Shown:
        """What the screen says now; nothing as long as neomutt has no mailbox open."""
        screen = self.screen()
        status = STATUS.search(screen)
        counts = status.groups() if status else ()
        return Shown(sorted(LINE.findall(screen)), *(int(each or 0) for each in counts))

    def screen(self) -> str:
        return self._run("capture-pane", "-p", check=False).stdout

    def commands(self) -> list[str]:
        """What the last visit has sent so far, without tags."""
        log = self._home / f"log{self._visits}.0"
        return COMMAND.findall(log.read_text("utf-8", "replace"))

    def _run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self._tmux, "-S", "tmux.sock", *arguments],
            cwd=self._home,
            env={"PATH": os.environ["PATH"], "HOME": str(self._home), "LANG": "C.UTF-8"},
            capture_output=True,
            text=True,
            check=check,
            timeout=PATIENCE,
        )


Arrive = Callable[..., Neomutt]


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    """Messages with subjects of their own, every second one read."""
    root = tmp_path / "Maildir"
    for subdir in ("cur", "new", "tmp"):
        (root / subdir).mkdir(parents=True)
    for number in range(1, MESSAGES + 1):
        letters = "S" if number % 2 else ""
        (root / "cur" / f"{1_300_000_000 + number}.M{number}.far:2,{letters}").write_bytes(
            message(f"message {number}")
        )
    return root


@pytest.fixture
def arrive(start: Start, maildir: Path, program: Callable[[str], str], tmp_path: Path) -> Arrive:
    """Starts a server; a neomutt that uses it."""

    def arrive(qresync: str, idle: str = "no") -> Neomutt:
        port = start(maildir).port
        return Neomutt(program, tmp_path, port, qresync=qresync, idle=idle)

    return arrive


def message(subject: str) -> bytes:
    return f"From: far@example.org\nSubject: {subject}\n\nHello.\n".encode()


def path_of(maildir: Path, number: int) -> Path:
    (path,) = (maildir / "cur").glob(f"*.M{number}.far:2,*")
    return path


def lying_in(maildir: Path) -> Shown:
    """What neomutt has to show of a Maildir, with the letters that it uses."""
    index = []
    for path in (path for subdir in ("cur", "new") for path in (maildir / subdir).iterdir()):
        letters = path.name.partition(":2,")[2]
        subject = re.search("^Subject: (.*)$", path.read_text(), re.MULTILINE)
        assert subject is not None
        status = "N" if "S" not in letters else "r" if "R" in letters else " "
        index.append((subject[1], status, "!" if "F" in letters else " "))
    unread = sum(status == "N" for _subject, status, _flag in index)
    flagged = sum(flag == "!" for _subject, _status, flag in index)
    return Shown(sorted(index), len(index), unread, flagged)


def until(condition: Callable[[], object], told: Callable[[], str]) -> None:
    """Wait for a condition; when it is not met in time, fail with what is told then."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, told()
        time.sleep(0.05)


def set_flags(maildir: Path) -> None:
    """Other programs flag, answer, read and unread."""
    for number, letters in ((1, "FS"), (2, "RS"), (3, ""), (4, "F"), (MESSAGES, "S")):
        reflag(path_of(maildir, number), letters)


def remove(maildir: Path) -> None:
    for number in REMOVED:
        path_of(maildir, number).unlink()


def headers_read(commands: list[str]) -> int:
    """Of how many messages the headers were fetched."""
    sets = [match[1] for command in commands for match in HEADERS.finditer(command)]
    ranges = [each.split(":") for numbers in sets for each in numbers.split(",")]
    return sum(int(ends[-1]) - int(ends[0]) + 1 for ends in ranges)


def test_return_with_qresync(arrive: Arrive, maildir: Path) -> None:
    neomutt = arrive(qresync="yes")
    with neomutt.visit():
        neomutt.shows(maildir)
    assert headers_read(neomutt.commands()) == MESSAGES
    set_flags(maildir)
    deliver(maildir, "1700000001.M1.new", message("arrival"))
    with neomutt.visit():
        neomutt.shows(maildir)
    commands = neomutt.commands()
    assert "ENABLE QRESYNC" in commands
    asked = [command for command in commands if "UID FETCH" in command]
    assert len(asked) == 1
    assert RESYNC.fullmatch(asked[0])
    assert headers_read(commands) == 1


def test_return_with_qresync_after_removals(arrive: Arrive, maildir: Path) -> None:
    neomutt = arrive(qresync="yes")
    with neomutt.visit():
        neomutt.shows(maildir)
    set_flags(maildir)
    remove(maildir)
    deliver(maildir, "1700000001.M1.new", message("arrival"))
    with neomutt.visit():
        neomutt.shows(maildir)
    commands = neomutt.commands()
    assert any(RESYNC.fullmatch(command) for command in commands)
    assert headers_read(commands) <= len(REMOVED) + 1
    with neomutt.visit():
        neomutt.shows(maildir)
    assert headers_read(neomutt.commands()) == 0


def test_return_with_condstore(arrive: Arrive, maildir: Path) -> None:
    neomutt = arrive(qresync="no")
    with neomutt.visit():
        neomutt.shows(maildir)
    set_flags(maildir)
    remove(maildir)
    deliver(maildir, "1700000001.M1.new", message("arrival"))
    with neomutt.visit():
        neomutt.shows(maildir)
    commands = neomutt.commands()
    assert "ENABLE QRESYNC" not in commands
    assert 'SELECT "INBOX" (CONDSTORE)' in commands
    assert any(re.search(r"\(FLAGS\) \(CHANGEDSINCE \d+\)$", command) for command in commands)
    assert headers_read(commands) == 1


@pytest.mark.parametrize("qresync", ["yes", "no"])
def test_changes_made_in_neomutt(arrive: Arrive, maildir: Path, qresync: str) -> None:
    neomutt = arrive(qresync)
    before = lying_in(maildir)
    with neomutt.visit():
        neomutt.shows(maildir)
        for number, key in ((2, "F"), (3, "N"), (4, "N"), (5, "d"), (MESSAGES, "d")):
            neomutt.press(*str(number), "Enter", key)
        neomutt.press("$")
        until(lambda: neomutt.shown().count == MESSAGES - 2, neomutt.screen)
        neomutt.shows(maildir)
    changed = {"message 2": ("N", "!"), "message 3": ("N", " "), "message 4": (" ", " ")}
    gone = {"message 5", f"message {MESSAGES}"}
    assert {each[0]: each[1:] for each in lying_in(maildir).index} == {
        subject: changed.get(subject, (status, flag))
        for subject, status, flag in before.index
        if subject not in gone
    }


@pytest.mark.parametrize("qresync", ["yes", "no"])
def test_changes_by_others_while_it_looks(arrive: Arrive, maildir: Path, qresync: str) -> None:
    neomutt = arrive(qresync, idle="yes")
    with neomutt.visit():
        neomutt.shows(maildir)
        until(lambda: "IDLE" in neomutt.commands(), neomutt.screen)
        set_flags(maildir)
        neomutt.shows(maildir)
        remove(maildir)
        neomutt.shows(maildir)
        deliver(maildir, "1700000001.M1.new", message("arrival"))
        neomutt.shows(maildir)
