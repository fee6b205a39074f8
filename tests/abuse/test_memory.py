"""What much mail, long lines and clients that never read may cost: memory within bounds.

All the while somebody else is served: each NOOP has to be answered.
"""

import os
from pathlib import Path

import pytest

from maildird.mime.header import MAX_HEADER
from tests.abuse.attacked import Attacked, Wire, attacked, until

MIB = 1 << 20


def deliver(server: Attacked, name: str, content: bytes) -> Path:
    """A message in ada's INBOX."""
    file = server.mail / "ada" / "cur" / f"{name}:2,S"
    temporary = server.mail / "ada" / "tmp" / name
    temporary.write_bytes(content)
    temporary.rename(file)
    return file


def test_a_client_that_never_reads_200_mb_costs_little_and_is_given_up(tmp_path: Path) -> None:
    with attacked(tmp_path, "ada", settings="[timeouts]\nwrite = 5\n") as server:
        first = deliver(server, "1", b"Subject: long\r\n\r\n" + (b"x" * 76 + b"\r\n") * 26_000)
        for number in range(2, 101):
            os.link(first, first.with_name(f"{number}:2,S"))
        deaf, other = server.log_in("ada"), server.log_in("ada")
        deaf.ask(b"SELECT INBOX")
        other.ask(b"SELECT INBOX")
        before = server.peak()
        deaf.say(b"a FETCH 1:* BODY.PEEK[]\r\n")
        given_up = "took less than 65536 octets in 5 s"
        until(lambda: given_up in "".join(server.log), lambda: other.ask(b"NOOP"))
        assert server.peak() - before < 48 * MIB
        other.ask(b"STORE 100 +FLAGS.SILENT (\\Flagged)")
        assert deaf.closed()


@pytest.mark.parametrize("section", [b"[]", b"[TEXT]", b"[1]"])
def test_clients_that_never_read_a_long_message_cost_little_each(
    tmp_path: Path, section: bytes
) -> None:
    with attacked(tmp_path, "ada") as server:
        deliver(server, "1", b"Subject: long\r\n\r\n" + (b"x" * 76 + b"\r\n") * 512 * 1024)
        other = server.log_in("ada")
        other.ask(b"SELECT INBOX")
        before = server.peak()
        deaf = [server.log_in("ada") for _ in range(10)]
        for each in deaf:
            each.ask(b"SELECT INBOX")
            each.say(b"a FETCH 1 BODY.PEEK%b\r\n" % section)
            assert each.line().startswith(b"* 1 FETCH (BODY%b {" % section)
            other.ask(b"NOOP")
        # two look at it as a whole: the command, and who keeps what is found
        assert server.peak() - before < 200 * MIB


@pytest.mark.parametrize(
    "header",
    [
        b"Subject: " + b"x" * 100 * MIB,
        b"To: " + b"a@b, " * (2 * MIB),
        b"X-Header: value\r\n" * 1_000_000,
        b"To: " + b"a@b, " * 1_000_000,
        b"Content-Type: text/plain" + b"".join(b"; n*%d=x" % n for n in range(100_000)),
    ],
    ids=[
        "100 MB in one field",
        "10 MB of addresses",
        "a million fields",
        "a million addresses",
        "continuations",
    ],
)
def test_a_header_without_measure_is_told_of_within_measure(tmp_path: Path, header: bytes) -> None:
    with attacked(tmp_path, "ada") as server:
        asking, other = server.log_in("ada"), server.log_in("ada")
        before = server.peak()
        deliver(server, "1", header + b"\r\n\r\nbody\r\n")
        other.ask(b"SELECT INBOX")
        asking.ask(b"SELECT INBOX")
        body = b"BODY.PEEK[]<%d.6>" % (len(header) + len(b"\r\n\r\n"))
        asking.say(b"a FETCH 1 (RFC822.SIZE BODYSTRUCTURE %b)\r\n" % body)
        other.ask(b"NOOP")
        assert asking.line().endswith(b" {6}")
        assert asking.line() == b"body"
        asking.ask(b"NOOP")
        # Two look at it: the command, and who keeps what is found. Each has the message, and of
        # what is looked into at most four copies: the header, a field, its value, and that without
        # white space. The rest is the interpreter's, and what is made of the fields.
        used = min(len(header), MAX_HEADER)
        assert server.peak() - before < 2 * (len(header) + 4 * used) + 32 * MIB


def test_what_is_known_of_large_headers_is_told_piece_by_piece(tmp_path: Path) -> None:
    with attacked(tmp_path, "ada") as server:
        first = deliver(server, "1", b"Subject: " + b"x" * 3 * MIB + b"\r\n\r\nbody\r\n")
        for number in range(2, 25):
            os.link(first, first.with_name(f"{number}:2,S"))
        asking, other = server.log_in("ada"), server.log_in("ada")
        asking.ask(b"SELECT INBOX")
        asking.ask(b"FETCH 1:* (ENVELOPE)")
        before = server.peak()
        heard = asking.ask(b"FETCH 1:* (ENVELOPE)")
        other.ask(b"NOOP")
        assert sum(line.startswith(b"* ") and b" FETCH " in line for line in heard) == 24
        assert server.peak() - before < 64 * MIB


@pytest.mark.parametrize(
    "section", [b"BODY.PEEK[]<%d.99999999>", b"BODY.PEEK[1]<%d.99999999>", b"BODY.PEEK[%d]"]
)
@pytest.mark.parametrize("count", [200, 2000])
def test_a_message_is_not_given_many_times_over(tmp_path: Path, section: bytes, count: int) -> None:
    with attacked(tmp_path, "ada") as server:
        asking, other = server.log_in("ada"), server.log_in("ada")
        deliver(server, "1", b"Subject: long\r\n\r\n" + (b"x" * 76 + b"\r\n") * 50_000)
        for each in (asking, other):
            each.ask(b"SELECT INBOX")
        before = server.peak()
        sections = b" ".join(section % number for number in range(1, count + 1))
        asking.say(b"a FETCH 1 (%b)\r\n" % sections)
        other.ask(b"NOOP")
        asking.say(b"b NOOP\r\n")
        until(lambda: asking.line().startswith(b"b OK "), lambda: None)
        assert server.peak() - before < 64 * MIB


@pytest.mark.parametrize("logged_in", [False, True], ids=["before login", "after login"])
def test_an_endless_line_is_not_kept(tmp_path: Path, logged_in: bool) -> None:
    with attacked(tmp_path, "ada") as server:
        endless, other = _one_of(server, logged_in), server.log_in("ada")
        before = server.peak()
        for _ in range(100):
            endless.say(b"x" * MIB)
            other.ask(b"NOOP")
        assert server.peak() - before < 16 * MIB
        endless.say(b"\r\n")
        assert endless.line().startswith(b"* BAD the command line is longer than 65536 octets")
        endless.ask(b"NOOP")


@pytest.mark.parametrize("logged_in", [False, True], ids=["before login", "after login"])
def test_a_literal_that_nobody_asked_for_is_not_kept(tmp_path: Path, logged_in: bool) -> None:
    with attacked(tmp_path, "ada") as server:
        pushing, other = _one_of(server, logged_in), server.log_in("ada")
        before = server.peak()
        pushing.say(b"a LOGIN ada {%d+}\r\n" % (100 * MIB))
        for _ in range(100):
            pushing.say(b"x" * MIB)
            other.ask(b"NOOP")
        pushing.say(b"\r\n")
        assert server.peak() - before < 16 * MIB
        assert pushing.line().startswith((b"a BAD ", b"a NO [LIMIT] "))
        pushing.ask(b"NOOP")


def test_more_than_is_dropped_of_one_command_ends_the_connection(tmp_path: Path) -> None:
    with attacked(tmp_path, "ada") as server:
        pushing = server.connect()
        pushing.say(b"a LOGIN ada {4294967295+}\r\n")
        assert pushing.line().startswith(b"* BYE ")
        assert pushing.closed()


def test_many_literals_that_are_never_sent_hold_no_memory(tmp_path: Path) -> None:
    with attacked(tmp_path, "ada") as server:
        before = server.peak()
        waiting = [server.log_in("ada") for _ in range(50)]
        for each in waiting:
            each.say(b"a APPEND INBOX {60000000}\r\n")
            assert each.line().startswith(b"+ ")
        server.log_in("ada").ask(b"NOOP")
        assert server.peak() - before < 32 * MIB


def _one_of(server: Attacked, logged_in: bool) -> Wire:
    return server.log_in("ada") if logged_in else server.connect()
