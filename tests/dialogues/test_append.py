"""APPEND."""

from tests.dialogues.dialogue import Client, Server


async def test_append(server: Server, me: Client) -> None:
    await me(r"""
        C: a APPEND INBOX (\Seen $Work) "17-Jul-1996 02:44:25 -0700" {10}
        S: + go on
        C: A: b
        C:
        C: cd
        S: a OK [APPENDUID <v> 1] APPEND done
    """)
    (file,) = server.beside.files("INBOX")
    assert file.read_bytes() == b"A: b\n\ncd"
    assert file.stat().st_mtime == 837596665
    await me.opens("INBOX")
    await me(r"""
        C: b FETCH 1 (FLAGS RFC822.SIZE BODY.PEEK[])
        S: * 1 FETCH (FLAGS (\Seen $Work \Recent) RFC822.SIZE 10 BODY[] {10}
        S: A: b
        S:
        S: cd)
        S: b OK FETCH done
    """)


async def test_into_the_selected_mailbox(me: Client, other: Client) -> None:
    await me.opens("INBOX")
    await other.opens("INBOX", "EXAMINE")
    await me(r"""
        C: a APPEND INBOX {2+}
        C: hi
        S: * 1 EXISTS
        S: * 1 RECENT
        S: a OK [APPENDUID <v> 1] APPEND done
        C: b FETCH 1 (UID FLAGS)
        S: * 1 FETCH (UID 1 FLAGS (\Recent))
        S: b OK FETCH done
    """)
    await other(r"""
        C: a NOOP
        S: * 1 EXISTS
        S: * 1 RECENT
        S: a OK NOOP done
    """)


async def test_several_at_once(me: Client) -> None:
    await me.opens("INBOX")
    await me(r"""
        C: a APPEND INBOX (\Flagged) {3+}
        C: one {3+}
        C: two
        S: * 2 EXISTS
        S: * 2 RECENT
        S: a OK [APPENDUID <v> 1:2] APPEND done
        C: b FETCH 1:2 (FLAGS BODY.PEEK[TEXT])
        S: * 1 FETCH (FLAGS (\Flagged \Recent) BODY[TEXT] {0}
        S: )
        S: * 2 FETCH (FLAGS (\Recent) BODY[TEXT] {0}
        S: )
        S: b OK FETCH done
    """)


async def test_all_or_none(server: Server, me: Client) -> None:
    await me(r"""
        C: a APPEND INBOX {3+}
        C: one {0+}
        C:
        S: a NO …
    """)
    assert server.beside.files("INBOX") == []


async def test_a_mailbox_that_is_missing(me: Client) -> None:
    await me(r"""
        C: a APPEND missing {2+}
        C: hi
        S: a NO [TRYCREATE] …
    """)


async def test_nul_is_refused(server: Server, me: Client) -> None:
    await me.stream.send_all(b"a APPEND INBOX {3+}\r\na\0b\r\n")
    await me(r"""
        S: a NO …
    """)
    assert server.beside.files("INBOX") == []


async def test_octets_come_back_as_they_went(me: Client) -> None:
    octets = b"Subject: \xff\xfe\r\n\r\n\x80 caf\xe9\tbare\rCR\r\n"
    await me.opens("INBOX")
    await me.stream.send_all(b"a APPEND INBOX {%d+}\r\n%s\r\n" % (len(octets), octets))
    await me(r"""
        S: * 1 EXISTS
        S: * 1 RECENT
        S: a OK …
    """)
    await me.stream.send_all(b"b FETCH 1 BODY.PEEK[]\r\n")
    assert await me.octets(b"b OK FETCH done\r\n") == (
        b"* 1 FETCH (BODY[] {%d}\r\n%s)\r\n" % (len(octets), octets)
    )


async def test_a_bare_line_feed_is_shown_as_crlf(me: Client) -> None:
    await me.stream.send_all(b"a APPEND INBOX {9+}\r\nA: b\n\nc\nd\r\n")
    await me(r"""
        S: a OK …
    """)
    await me.opens("INBOX")
    await me(r"""
        C: b FETCH 1 (RFC822.SIZE BODY.PEEK[])
        S: * 1 FETCH (RFC822.SIZE 12 BODY[] {12}
        S: A: b
        S:
        S: c
        S: d)
        S: b OK FETCH done
    """)


async def test_a_message_too_big_is_refused_before_it_comes(me: Client) -> None:
    await me(r"""
        C: a APPEND INBOX {9999999999}
        S: a NO [TOOBIG] …
        C: b NOOP
        S: b OK NOOP done
    """)


async def test_a_folder_that_can_not_be_written(server: Server, me: Client) -> None:
    (server.beside.root / "tmp").rmdir()
    (server.beside.root / "tmp").touch()
    await me(r"""
        C: a APPEND INBOX {2+}
        C: hi
        S: a NO [UNAVAILABLE] …
        C: b STATUS INBOX (MESSAGES)
        S: * STATUS INBOX (MESSAGES 0)
        S: b OK STATUS done
    """)
