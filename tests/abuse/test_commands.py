"""The longest commands that make sense: their memory is bounded, and others are served."""

import re
from pathlib import Path

import pytest

import tests.abuse
from tests.abuse.attacked import attacked, until

MESSAGES = 300
MIB = 1 << 20

COMMANDS = {
    "search keys": b"UID SEARCH " + b"SEEN " * 9_990 + b"ALL",
    "other texts": b"SEARCH NOT (" + b" ".join(b"TEXT x%d" % n for n in range(2000)) + b")",
    "ORs": b"SEARCH " + b"OR SEEN " * 99 + b"ALL",
    "header fields": b"SEARCH " + b" ".join(b"HEADER X-%d y" % n for n in range(2000)),
    "the largest set": b"UID FETCH 1:4294967295 (FLAGS ENVELOPE BODYSTRUCTURE)",
    "the same set": b"FETCH " + b",".join([b"1:*"] * 9_000) + b" (UID FLAGS)",
    "many numbers": b"UID FETCH " + b",".join([b"%d" % n for n in range(1, 11_000)]) + b" FLAGS",
    "a set of what is not there": b"UID STORE 1000:4294967295 FLAGS.SILENT (x)",
    "wildcards": b'LIST "" "' + b"*%" * 5000 + b'x"',
    "known UIDs": b"SELECT INBOX (QRESYNC (1 1 " + b",".join([b"1:4294967295"] * 4000) + b"))",
    "MODSEQ 0 and 2^63": b"FETCH 1:* (FLAGS) (CHANGEDSINCE 9223372036854775808)",
}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_longest_commands(tmp_path: Path, name: str) -> None:
    with attacked(tmp_path, "ada") as server:
        for number in range(MESSAGES):
            content = b"Subject: %d\n\n%s" % (number, b"text\n" * 200)
            (server.mail / "ada" / "cur" / f"{number}.x:2,S").write_bytes(content)
        asking, other = server.log_in("ada"), server.log_in("ada")
        asking.ask(b"ENABLE QRESYNC")
        for each in (asking, other):
            each.ask(b"SELECT INBOX")
        other.ask(b"FETCH 1:* ENVELOPE")
        before = server.peak()
        asking.say(b"a " + COMMANDS[name] + b"\r\nb NOOP\r\n")
        for _ in range(20):
            other.ask(b"NOOP")
        until(lambda: asking.line().startswith(b"b OK "), lambda: None)
        assert server.peak() - before < 32 * MIB


def test_each_place_that_the_table_names_is_there() -> None:
    here = Path(__file__).parent
    assert tests.abuse.__doc__
    named = re.findall(r"(?:\w+/)?test_\w+", tests.abuse.__doc__)
    missing = [name for name in named if not (here.parent / f"{name}.py").is_file()]
    assert not [name for name in missing if not (here / f"{name}.py").is_file()]
