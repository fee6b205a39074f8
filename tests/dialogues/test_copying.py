"""COPY, MOVE and their UID forms."""

from tests.dialogues.dialogue import Client, Server


async def test_copy(server: Server, me: Client) -> None:
    server.deliver("one", "two", "three")
    await me.opens("INBOX")
    await me(r"""
        C: a CREATE there
        S: a OK CREATE done
        C: b STORE 1 FLAGS.SILENT (\Seen $Work)
        S: * FLAGS (…)
        S: * OK [PERMANENTFLAGS (…)] …
        S: b OK STORE done
        C: c COPY 3,1 there
        S: c OK [COPYUID <v> 1,3 1:2] COPY done
        C: d UID COPY 2:3 there
        S: d OK [COPYUID <v> 2:3 3:4] COPY done
        C: e UID COPY 99 there
        S: e OK COPY done, there was nothing to copy
    """)
    await me.opens("there")
    await me(r"""
        C: f FETCH 1:* (FLAGS BODY.PEEK[TEXT])
        S: * 1 FETCH (FLAGS (\Seen $Work \Recent) BODY[TEXT] {5}
        S: one
        S: )
        S: * 2 FETCH (FLAGS (\Recent) BODY[TEXT] {7}
        S: three
        S: )
        S: * 3 FETCH (FLAGS (\Recent) BODY[TEXT] {5}
        S: two
        S: )
        S: * 4 FETCH (FLAGS (\Recent) BODY[TEXT] {7}
        S: three
        S: )
        S: f OK FETCH done
    """)


async def test_copy_keeps_the_internal_date(server: Server, me: Client) -> None:
    await me(r"""
        C: a CREATE there
        S: a OK CREATE done
        C: b APPEND INBOX "17-Jul-1996 02:44:25 -0700" {2+}
        C: hi
        S: b OK …
    """)
    await me.opens("INBOX")
    await me(r"""
        C: c COPY 1 there
        S: c OK …
    """)
    (file,) = server.beside.files("there")
    assert file.stat().st_mtime == 837596665


async def test_copy_into_the_selected_mailbox(server: Server, me: Client) -> None:
    server.deliver("one")
    await me.opens("INBOX")
    await me(r"""
        C: a COPY 1 INBOX
        S: * 2 EXISTS
        S: * 2 RECENT
        S: a OK [COPYUID <v> 1 2] COPY done
    """)


async def test_a_target_that_is_missing(server: Server, me: Client) -> None:
    server.deliver("one")
    await me.opens("INBOX")
    await me(r"""
        C: a COPY 1 missing
        S: a NO [TRYCREATE] …
        C: b UID MOVE 1 missing
        S: b NO [TRYCREATE] …
        C: c COPY 2 INBOX
        S: c BAD …
    """)


async def test_move(server: Server, me: Client, other: Client) -> None:
    server.deliver("one", "two", "three")
    await me.opens("INBOX")
    await other.opens("INBOX", "EXAMINE")
    await me(r"""
        C: a CREATE there
        S: a OK CREATE done
        C: b MOVE 1,3 there
        S: * OK [COPYUID <v> 1,3 1:2] moved
        S: * 1 EXPUNGE
        S: * 2 EXPUNGE
        S: b OK MOVE done
        C: c UID MOVE 2 there
        S: * OK [COPYUID <v> 2 3] moved
        S: * 1 EXPUNGE
        S: c OK MOVE done
    """)
    await other(r"""
        C: a NOOP
        S: * 1 EXPUNGE
        S: * 1 EXPUNGE
        S: * 1 EXPUNGE
        S: a OK NOOP done
    """)
    assert len(server.beside.files("there")) == 3
    assert server.beside.files("INBOX") == []


async def test_move_after_examine_is_refused(server: Server, me: Client) -> None:
    server.deliver("one")
    await me(r"""
        C: a CREATE there
        S: a OK CREATE done
    """)
    await me.opens("INBOX", "EXAMINE")
    await me(r"""
        C: b MOVE 1 there
        S: b NO [READ-ONLY] …
        C: c COPY 1 there
        S: c OK [COPYUID <v> 1 1] COPY done
    """)


async def test_what_others_expunged_is_left_out(server: Server, me: Client, other: Client) -> None:
    server.deliver("one", "two")
    await me(r"""
        C: a CREATE there
        S: a OK CREATE done
    """)
    await me.opens("INBOX")
    await other.opens("INBOX")
    await other(r"""
        C: a STORE 1 FLAGS.SILENT (\Deleted)
        C: b EXPUNGE
        S: a OK STORE done
        S: * 1 EXPUNGE
        S: b OK EXPUNGE done
    """)
    await me(r"""
        C: a COPY 1 there
        S: a NO [EXPUNGEISSUED] …
        C: b COPY 1:2 there
        S: b OK [COPYUID <v> 2 1] COPY done
    """)
