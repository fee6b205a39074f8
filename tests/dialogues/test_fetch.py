"""FETCH and UID FETCH."""

import os
import resource
from pathlib import Path

import pytest

from maildird.maildir.long_content import LONG as LONG_FROM
from maildird.maildir.long_content import PIECE
from maildird.session.describe_processes import WORTH_IT
from maildird.session.fetch import LEARNT_TOGETHER
from tests.dialogues.dialogue import Client, Server

LETTER = b"""\
Date: Wed, 17 Jul 1996 02:23:25 -0700
From: Terry Gray <gray@cac.washington.edu>
To: imap@cac.washington.edu
Subject: IMAP4rev1
Message-Id: <1@cac>
X-Odd: 100%
Content-Type: text/plain; charset=us-ascii

line one
line two
"""

PARTS = b"""\
Subject: parts
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain

first
--b
Content-Type: text/html

<p>second
--b--
"""


@pytest.fixture
async def letter(server: Server, me: Client) -> Client:
    file = server.beside.deliver("INBOX", LETTER)
    os.utime(file, (837596665, 837596665))
    await me.opens("INBOX")
    return me


async def test_attributes(letter: Client) -> None:
    await letter(r"""
        C: a FETCH 1 (FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)
        S: * 1 FETCH (FLAGS (\Recent) INTERNALDATE "17-Jul-1996 …" RFC822.SIZE 232 …)
        S: a OK FETCH done
        C: b FETCH 1 (BODY UID BODYSTRUCTURE)
        S: * 1 FETCH (UID 1 BODY ("text" "plain" …) BODYSTRUCTURE ("text" "plain" …))
        S: b OK FETCH done
        C: c FETCH 1 ENVELOPE
        S: * 1 FETCH (ENVELOPE ("Wed, 17 Jul 1996 02:23:25 -0700" "IMAP4rev1" …))
        S: c OK FETCH done
    """)


async def test_macros(letter: Client) -> None:
    await letter(r"""
        C: a FETCH 1 FAST
        S: * 1 FETCH (FLAGS (\Recent) INTERNALDATE "…" RFC822.SIZE 232)
        S: a OK FETCH done
        C: b UID FETCH 1 ALL
        S: * 1 FETCH (UID 1 FLAGS (\Recent) INTERNALDATE "…" RFC822.SIZE 232 ENVELOPE (…))
        S: b OK FETCH done
    """)


async def test_sections(letter: Client) -> None:
    await letter(r"""
        C: a FETCH 1 BODY.PEEK[TEXT]
        S: * 1 FETCH (BODY[TEXT] {20}
        S: line one
        S: line two
        S: )
        S: a OK FETCH done
        C: b FETCH 1 BODY.PEEK[HEADER.FIELDS (SUBJECT x-odd)]
        S: * 1 FETCH (BODY[HEADER.FIELDS (SUBJECT x-odd)] {35}
        S: Subject: IMAP4rev1
        S: X-Odd: 100%
        S:
        S: )
        S: b OK FETCH done
        C: c FETCH 1 (BODY.PEEK[HEADER.FIELDS (SUBJECT)] BODY.PEEK[]<5.4> BODY.PEEK[]<999.1>)
        S: * 1 FETCH (BODY[HEADER.FIELDS (SUBJECT)] {22}
        S: Subject: IMAP4rev1
        S:
        S:  BODY[]<5> {4}
        S:  Wed BODY[]<999> {0}
        S: )
        S: c OK FETCH done
        C: d FETCH 1 BODY.PEEK[2]
        S: * 1 FETCH (BODY[2] NIL)
        S: d OK FETCH done
        C: e FETCH 1 BODY[]<0.0>
        S: e BAD …
    """)


async def test_parts(server: Server, me: Client) -> None:
    server.beside.deliver("INBOX", PARTS)
    await me.opens("INBOX")
    await me(r"""
        C: a FETCH 1 (BODY.PEEK[1] BODY.PEEK[2.MIME])
        S: * 1 FETCH (BODY[1] {5}
        S: first BODY[2.MIME] {27}
        S: Content-Type: text/html
        S:
        S: )
        S: a OK FETCH done
    """)


async def test_reading_makes_seen(letter: Client) -> None:
    await letter(r"""
        C: a FETCH 1 BODY[TEXT]
        S: * 1 FETCH (FLAGS (\Seen \Recent) BODY[TEXT] {20}
        S: line one
        S: line two
        S: )
        S: a OK FETCH done
        C: b FETCH 1 BODY[TEXT]<0.4>
        S: * 1 FETCH (BODY[TEXT]<0> {4}
        S: line)
        S: b OK FETCH done
        C: c STORE 1 FLAGS.SILENT ()
        S: c OK STORE done
        C: d FETCH 1 RFC822.HEADER
        S: * 1 FETCH (RFC822.HEADER {212}
    """)
    await letter.octets(b"d OK FETCH done\r\n")
    await letter(r"""
        C: e FETCH 1 FLAGS
        S: * 1 FETCH (FLAGS (\Recent))
        S: e OK FETCH done
        C: f UID FETCH 1 RFC822.TEXT
        S: * 1 FETCH (UID 1 FLAGS (\Seen \Recent) RFC822.TEXT {20}
        S: line one
        S: line two
        S: )
        S: f OK FETCH done
    """)


async def test_reading_after_examine_makes_nothing_seen(server: Server, me: Client) -> None:
    server.deliver("one")
    await me.opens("INBOX", "EXAMINE")
    await me(r"""
        C: a FETCH 1 BODY[TEXT]
        S: * 1 FETCH (BODY[TEXT] {5}
        S: one
        S: )
        S: a OK FETCH done
        C: b FETCH 1 FLAGS
        S: * 1 FETCH (FLAGS (\Recent))
        S: b OK FETCH done
    """)


async def test_many_are_read_and_become_seen_in_one_go(
    server: Server, me: Client, other: Client
) -> None:
    server.deliver(*map(str, range(1, 301)))
    await me.opens("INBOX")
    await other.opens("INBOX")
    await other(r"""
        C: a STORE 300 +FLAGS.SILENT (\Flagged)
        S: a OK STORE done
    """)
    script = [r"C: a FETCH 1:300 BODY[TEXT]"]
    for number in range(1, 301):
        flags = r"\Flagged \Seen \Recent" if number == 300 else r"\Seen \Recent"
        size = len(str(number)) + 2
        if number == 1:
            script.append(r"S: * 300 FETCH (FLAGS (\Flagged \Recent))")
        script.append(f"S: * {number} FETCH (FLAGS ({flags}) BODY[TEXT] {{{size}}}")
        script += [f"S: {number}", "S: )"]
    await me("\n".join([*script, "S: a OK FETCH done"]))


async def test_exists_comes_before_fetch(server: Server, me: Client) -> None:
    await me.opens("INBOX")
    server.deliver("one")
    await me(r"""
        C: a UID FETCH 1:* FLAGS
        C: b NOOP
        C: c FETCH 1 FLAGS
    """)
    lines = [await me.line()]
    while not lines[-1].startswith("c "):
        lines.append(await me.line())
    assert lines.index("* 1 EXISTS") < lines.index(r"* 1 FETCH (FLAGS (\Recent))")


async def test_sets(server: Server, me: Client) -> None:
    server.deliver("one", "two", "three")
    await me.opens("INBOX")
    await me(r"""
        C: a FETCH 3,1 UID
        S: * 1 FETCH (UID 1)
        S: * 3 FETCH (UID 3)
        S: a OK FETCH done
        C: b FETCH *:2 UID
        S: * 2 FETCH (UID 2)
        S: * 3 FETCH (UID 3)
        S: b OK FETCH done
        C: c UID FETCH 9:* UID
        S: * 3 FETCH (UID 3)
        S: c OK FETCH done
        C: d UID FETCH 4:9 FLAGS
        S: d OK FETCH done
        C: e FETCH 4 UID
        S: e BAD …
        C: f FETCH 0 UID
        S: f BAD …
    """)


async def test_a_message_that_vanished(server: Server, me: Client, other: Client) -> None:
    server.deliver("one", "two")
    await me.opens("INBOX")
    await other.opens("INBOX")
    await other(r"""
        C: a STORE 1 +FLAGS.SILENT (\Deleted)
        C: b EXPUNGE
        S: a OK STORE done
        S: * 1 EXPUNGE
        S: b OK EXPUNGE done
    """)
    await me(r"""
        C: a FETCH 1:2 BODY.PEEK[TEXT]
        S: * 2 FETCH (BODY[TEXT] {5}
        S: two
        S: )
        S: a NO [EXPUNGEISSUED] …
        C: b NOOP
        S: * 1 EXPUNGE
        S: b OK NOOP done
    """)


async def test_a_message_that_can_not_be_read(
    server: Server, me: Client, caplog: pytest.LogCaptureFixture
) -> None:
    server.deliver("one", "two")
    await me.opens("INBOX")
    spoil(server.beside.files("INBOX")[0])
    await me(r"""
        C: a FETCH 1:2 BODY[TEXT]
        S: * 2 FETCH (FLAGS (\Seen \Recent) BODY[TEXT] {5}
        S: two
        S: )
        S: a NO [UNAVAILABLE] …
        C: b FETCH 1 FLAGS
        S: * 1 FETCH (FLAGS (\Recent))
        S: b OK FETCH done
    """)
    (record,) = (r for r in caplog.records if r.name.startswith("maildird.session"))
    assert str(server.beside.root) in record.getMessage()


async def test_a_message_that_was_renamed_meanwhile(server: Server, me: Client) -> None:
    server.deliver("one")
    await me.opens("INBOX")
    server.beside.reflag(server.beside.files("INBOX")[0], "T")
    await me(r"""
        C: a FETCH 1 BODY.PEEK[TEXT]
        S: * 1 FETCH (BODY[TEXT] {5}
        S: one
        S: )
        S: * 1 FETCH (FLAGS (\Deleted \Recent))
        S: a OK FETCH done
    """)


async def test_nul_on_disk_is_shown_as_another_octet(server: Server, me: Client) -> None:
    server.beside.deliver("INBOX", b"A: b\n\nx\0y\n")
    await me.opens("INBOX")
    await me.stream.send_all(b"a FETCH 1 BODY.PEEK[TEXT]\r\n")
    assert (
        await me.octets(b"a OK FETCH done\r\n") == b"* 1 FETCH (BODY[TEXT] {5}\r\nx\x80y\r\n)\r\n"
    )


async def test_a_long_answer_comes_in_pieces(server: Server, me: Client) -> None:
    body = b"x" * 76 + b"\r\n"
    server.beside.deliver("INBOX", b"Subject: long\r\n\r\n" + body * 20_000)
    await me.opens("INBOX")
    await me.stream.send_all(b"a FETCH 1 BODY.PEEK[TEXT]\r\n")
    answer = await me.octets(b"a OK FETCH done\r\n")
    assert answer == b"* 1 FETCH (BODY[TEXT] {1560000}\r\n" + body * 20_000 + b")\r\n"


LONG = (
    b"Subject: long\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\n%b--b\n\nshort\n--b--\n"
    % ((b"x" * 76 + b"\n") * 20_000)
)


@pytest.mark.parametrize(
    "section",
    [
        *(b"[]", b"[]<1500000.70000>", b"[]<9.5>", b"[]<9999999.5>", b"[HEADER]", b"[TEXT]"),
        *(b"[1]", b"[1]<99.5>", b"[1.MIME]", b"[2]", b"[HEADER.FIELDS (Subject)]"),
    ],
)
async def test_sections_of_a_long_message(server: Server, me: Client, section: bytes) -> None:
    server.beside.deliver("INBOX", LONG)
    await me.opens("INBOX")
    wire = LONG.replace(b"\n", b"\r\n")
    body = wire.index(b"--b\r\n")
    part = body + len(b"--b\r\n\r\n")
    second = wire.index(b"short")
    expected = {
        b"[]": wire,
        b"[]<1500000.70000>": wire[1500000:1570000],
        b"[]<9.5>": wire[9:14],
        b"[]<9999999.5>": b"",
        b"[HEADER]": wire[:body],
        b"[TEXT]": wire[body:],
        b"[1]": wire[part : wire.index(b"\r\n--b\r\n", part)],
        b"[1]<99.5>": wire[part + 99 : part + 104],
        b"[1.MIME]": b"\r\n",
        b"[2]": wire[second : second + len(b"short")],
        b"[HEADER.FIELDS (Subject)]": b"Subject: long\r\n\r\n",
    }[section]
    await me.stream.send_all(b"a FETCH 1 (RFC822.SIZE BODY.PEEK%b BODY.PEEK[9])\r\n" % section)
    answer = await me.octets(b"a OK FETCH done\r\n")
    name = section.replace(b".70000>", b">").replace(b".5>", b">")
    assert answer == b"* 1 FETCH (RFC822.SIZE %d BODY%b {%d}\r\n%b BODY[9] NIL)\r\n" % (
        len(wire),
        name,
        len(expected),
        expected,
    )


async def test_a_long_message_that_ends_in_cr(server: Server, me: Client) -> None:
    message = b"Subject: long\r\n\r\n"
    message += b"x" * (5 * PIECE - len(message)) + b"\r"
    server.beside.deliver("INBOX", message)
    await me.opens("INBOX")
    await me.stream.send_all(b"a FETCH 1 BODY.PEEK[]\r\n")
    answer = await me.octets(b"a OK FETCH done\r\n")
    assert answer == b"* 1 FETCH (BODY[] {%d}\r\n%b)\r\n" % (len(message), message)


async def test_some_messages_of_many_are_known(server: Server, me: Client) -> None:
    server.deliver("one", "two")
    await me.opens("INBOX")
    await server.account.prepare()
    server.deliver("three")
    await me(r"""
        C: a NOOP
        S: * 3 EXISTS
        S: * 3 RECENT
        S: a OK NOOP done
    """)
    command = b"FETCH 1:3 (RFC822.SIZE BODYSTRUCTURE BODY.PEEK[HEADER.FIELDS (To Subject)])"
    told = []
    for tag in (b"a", b"b"):
        await me.stream.send_all(b"%b %b\r\n" % (tag, command))
        told.append(await me.octets(b"%b OK FETCH done\r\n" % tag))
        await server.account.prepare()
    assert told[0].replace(b"a OK", b"b OK") == told[1]
    for subject in (b"one", b"two", b"three"):
        assert b"\r\nSubject: %b\r\n\r\n)\r\n" % subject in told[0]


async def test_no_file_stays_open_for_a_few_octets_of_it(server: Server, me: Client) -> None:
    message = b"Subject: long\r\n\r\n" + b"x" * LONG_FROM
    for _ in range(20):
        server.beside.deliver("INBOX", message)
    await me.opens("INBOX")
    descriptors = len(os.listdir("/proc/self/fd"))
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors + 10, limits[1]))
    try:
        await me.stream.send_all(b"a FETCH 1:* BODY.PEEK[]<9.4>\r\n")
        answer = await me.octets(b"a OK FETCH done\r\n")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert answer.count(b" FETCH (BODY[]<9> {4}\r\nlong)\r\n") == 20


async def test_a_long_message_that_is_cut_while_it_is_sent(server: Server, me: Client) -> None:
    server.beside.deliver("INBOX", LONG * 9)
    await me.opens("INBOX")
    (file,) = server.beside.files("INBOX")
    await me.stream.send_all(b"a FETCH 1 BODY.PEEK[]\r\n")
    await me.line()
    os.truncate(file, len(LONG))
    heard = bytearray()
    while octets := await me.stream.receive_some():
        heard += octets
    assert len(heard) < 9 * len(LONG)
    assert b" OK " not in heard
    assert b" BYE " not in heard


async def test_a_large_mailbox_is_described_in_processes(server: Server, me: Client) -> None:
    """One file has another name by then."""
    count = WORTH_IT + 9
    for number in range(count):
        server.beside.deliver("INBOX", b"Subject: %d\n\nbody\n" % number)
    await me.opens("INBOX")
    server.beside.reflag(server.beside.files("INBOX")[2000], "F")
    await me.stream.send_all(b"a FETCH 1:* (UID BODYSTRUCTURE ENVELOPE)\r\n")
    told = await me.octets(b"a OK FETCH done\r\n")
    assert [line.split()[1] for line in told.split(b"\r\n") if b"BODYSTRUCTURE" in line] == [
        b"%d" % seq for seq in range(1, count + 1)
    ]
    assert all(b'ENVELOPE (NIL "%d" ' % number in told for number in range(count))


async def test_megabytes_of_facts_are_computed_once(server: Server, me: Client) -> None:
    subject = b"x" * 50_000
    count = 2 * LEARNT_TOGETHER // len(subject)
    for _ in range(count):
        server.beside.deliver("INBOX", b"Subject: %b\r\n\r\n" % subject)
    await me.opens("INBOX")
    await me.stream.send_all(b"a FETCH 1:* ENVELOPE\r\n")
    told = await me.octets(b"a OK FETCH done\r\n")
    assert told.count(b'(ENVELOPE (NIL "%b"' % subject) == count
    await server.account.prepare()
    for file in server.beside.files("INBOX"):
        spoil(file)
    await me.stream.send_all(b"b FETCH 1:* ENVELOPE\r\n")
    assert await me.octets(b"b OK FETCH done\r\n") == told.replace(b"a OK", b"b OK")


def spoil(file: Path) -> None:
    """Make a message unreadable, for root too."""
    file.unlink()
    os.mkfifo(file)
