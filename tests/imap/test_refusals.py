"""What is no command: refused with a tagged BAD (or NO), and the next one is understood."""

import pytest

from maildird.imap.commands.session import Noop
from maildird.imap.connection import BadRequest, Request
from maildird.imap.table import COMMANDS, State
from maildird.terms.codes import Code
from maildird.terms.errors import Malformed, Refused
from tests.imap.reading import events

SELECTED = [
    b"",
    b"BOGUS",
    b"UID",
    b"UID NOOP",
    b"NOOP x",
    b"NOOP ",
    b" NOOP",
    b"NO\0OP",
    b"NOOP {1+}\r\nx",
    b"ID",
    b"ID name",
    b'ID ("name")',
    b'ID (NIL "x")',
    b"ID (" + b" ".join([b'"a" "b"'] * 31) + b")",
    b"ENABLE",
    b"ENABLE ",
    b"SELECT",
    b"SELECT a b",
    b"SELECT a ()",
    b"SELECT a (CONDSTORE CONDSTORE)",
    b"SELECT a (BOGUS)",
    b"SELECT a (QRESYNC)",
    b"SELECT a (QRESYNC (0 1))",
    b"SELECT a (QRESYNC (1 9223372036854775808))",
    b"SELECT a (QRESYNC (1 1 1:*))",
    b"SELECT a (QRESYNC (1 1 (1:2 1:3)))",
    b"SELECT a (QRESYNC (1 1 (1:* 1:*)))",
    b"SELECT {1+}\r\n\0",
    b'SELECT "a\0b"',
    b'SELECT "a\rb"',
    b'SELECT "a',
    b'SELECT "a\\b"',
    b"SELECT a{1+}\r\nb",
    b"SELECT {1+}\r\nab",
    b"CREATE a (USE)",
    b"CREATE a (USE (Trash))",
    b"RENAME a",
    b"LIST a",
    b'LIST "" ()',
    b'LIST (RECURSIVEMATCH) "" *',
    b'LIST (RECURSIVEMATCH REMOTE) "" *',
    b'LIST (RECURSIVEMATCH SPECIAL-USE) "" *',
    b'LIST (BOGUS) "" *',
    b'LIST "" * RETURN (BOGUS)',
    b'LIST "" * RETURN (STATUS ())',
    b'LIST "" (' + b" ".join([b"*"] * 101) + b")",
    b"STATUS a",
    b"STATUS a ()",
    b"STATUS a (BOGUS)",
    b"APPEND a",
    b"APPEND a x",
    b'APPEND a "x"',
    b"APPEND a (\\Recent) {1+}\r\nx",
    b"APPEND a (\\Bogus) {1+}\r\nx",
    b'APPEND a "31-Feb-2020 00:00:00 +0000" {1+}\r\nx',
    b'APPEND a "01-Feb-2020 24:00:00 +0000" {1+}\r\nx',
    b'APPEND a "01-Feb-2020 00:00:00 +2400" {1+}\r\nx',
    b'APPEND a "01-Foo-2020 00:00:00 +0000" {1+}\r\nx',
    b'APPEND a "01-Feb-0000 00:00:00 +0000" {1+}\r\nx',
    b"APPEND a ~{1+}\r\nx",
    b"APPEND a {1+}\r\nx ",
    b"APPEND a {1+}\r\nx{1+}\r\nx",
    b"UID EXPUNGE",
    b"EXPUNGE 1",
    b"FETCH 1",
    b"FETCH 0 FLAGS",
    b"FETCH 1, FLAGS",
    b"FETCH 1:2:3 FLAGS",
    b"FETCH 4294967296 FLAGS",
    b"FETCH 11111111111 FLAGS",
    b"FETCH 1 ()",
    b"FETCH 1 (ALL)",
    b"FETCH 1 (FLAGS",
    b"FETCH 1 (FLAGS )",
    b"FETCH 1 BOGUS",
    b"FETCH 1 BODY.PEEK",
    b"FETCH 1 BODY[",
    b"FETCH 1 BODY[0]",
    b"FETCH 1 BODY[1.]",
    b"FETCH 1 BODY[1.0]",
    b"FETCH 1 BODY[MIME]",
    b"FETCH 1 BODY[1.BOGUS]",
    b"FETCH 1 BODY[HEADER.FIELDS]",
    b"FETCH 1 BODY[HEADER.FIELDS ()]",
    b"FETCH 1 BODY[]<0>",
    b"FETCH 1 BODY[]<0.0>",
    b"FETCH 1 BODY[]<4294967296.1>",
    b"FETCH 1 BODY[" + b".".join([b"1"] * 101) + b"]",
    b"FETCH 1 (" + b" ".join([b"UID"] * 1001) + b")",
    b"FETCH 1 UID (VANISHED CHANGEDSINCE 1)",
    b"UID FETCH 1 UID (VANISHED)",
    b"UID FETCH 1 UID ()",
    b"UID FETCH 1 UID (CHANGEDSINCE 1 CHANGEDSINCE 1)",
    b"STORE 1",
    b"STORE 1 FLAGS",
    b"STORE 1 BOGUS (a)",
    b"STORE 1 .SILENT (a)",
    b"STORE 1 FLAGS (a",
    b"STORE 1 FLAGS (\\*)",
    b"STORE 1 FLAGS (\\Recent)",
    b"STORE 1 (UNCHANGEDSINCE) FLAGS (a)",
    b"STORE 1 (UNCHANGEDSINCE 111111111111111111111) FLAGS (a)",
    b"COPY 1",
    b"MOVE a b",
    b"SEARCH",
    b"SEARCH ",
    b"SEARCH BOGUS",
    b"SEARCH ()",
    b"SEARCH (ALL",
    b"SEARCH ALL)",
    b"SEARCH NOT",
    b"SEARCH OR ALL",
    b"SEARCH RETURN (BOGUS) ALL",
    b"SEARCH RETURN () ",
    b"SEARCH CHARSET UTF-8",
    b"SEARCH ON 30-Feb-2000",
    b'SEARCH ON "1-Feb-2000',
    b"SEARCH ON  1-Feb-2000",
    b"SEARCH OLDER 0",
    b"SEARCH LARGER 4294967296",
    b"SEARCH MODSEQ 9223372036854775808",
    b'SEARCH MODSEQ "/bogus" all 1',
    b'SEARCH MODSEQ "/flags/a" bogus 1',
    b"SEARCH TEXT {1+}\r\n\0",
]


@pytest.mark.parametrize("words", SELECTED)
def test_malformed_commands(words: bytes) -> None:
    event, following = events(b"tag " + words + b"\r\nnext NOOP\r\n")
    assert isinstance(event, BadRequest)
    assert event.tag == b"tag"
    assert type(event.error) is Malformed
    assert following == Request(b"next", "NOOP", Noop())


@pytest.mark.parametrize(
    "words",
    [
        b"LOGIN",
        b"LOGIN a",
        b"LOGIN a b c",
        b"LOGIN {1+}\r\na{1+}\r\nb",
        b"LOGIN NIL",
        b"AUTHENTICATE",
        b"AUTHENTICATE PLAIN ",
        b"AUTHENTICATE PLAIN ==",
        b"AUTHENTICATE PLAIN AAA",
        b"AUTHENTICATE PLAIN A-BC",
        b"AUTHENTICATE PLAIN " + b"A" * 12292,
    ],
)
def test_malformed_commands_before_login(words: bytes) -> None:
    stream = b"tag " + words + b"\r\nnext NOOP\r\n"
    event, following = events(stream, state=State.NOT_AUTHENTICATED)
    assert isinstance(event, BadRequest)
    assert event.tag == b"tag"
    assert type(event.error) is Malformed
    assert following == Request(b"next", "NOOP", Noop())


@pytest.mark.parametrize(
    ("line", "tag"),
    [
        (b"", None),
        (b" NOOP", None),
        (b"tag", b"tag"),
        (b"t+g NOOP x", None),
        (b'"tag" NOOP x', None),
        (b"t\xe9g NOOP x", None),
        (b"\0 NOOP x", None),
        (b"t" * 255 + b" NOOP x", b"t" * 255),
        (b"t" * 256 + b" NOOP x", None),
        (b"]a.b NOOP x", b"]a.b"),
    ],
)
def test_tags_of_malformed_commands(line: bytes, tag: bytes | None) -> None:
    (event,) = events(line + b"\r\n")
    assert isinstance(event, BadRequest)
    assert event.tag == tag


@pytest.mark.parametrize("name", [b"&", b"&x-", b"&AGE-", "größe".encode(), b"a\x01b", b"&2AA-"])
def test_names_that_are_not_modified_utf7_are_refused(name: bytes) -> None:
    for words in (b'SELECT "%s"', b'RENAME a "%s"', b'COPY 1 "%s"'):
        (event,) = events(b"a " + words % name + b"\r\n")
        assert isinstance(event, BadRequest)
        assert isinstance(event.error, Refused)
        assert event.error.code is Code.CANNOT


@pytest.mark.parametrize("state", [State.NOT_AUTHENTICATED, State.AUTHENTICATED, State.SELECTED])
@pytest.mark.parametrize("name", COMMANDS)
def test_the_state_is_looked_at_before_the_arguments(name: str, state: State) -> None:
    (event,) = events(b"a " + name.encode() + b" (\r\n", state=state)
    assert isinstance(event, BadRequest)
    assert ("can be used" in str(event.error)) is (state not in COMMANDS[name].states)
