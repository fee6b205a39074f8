"""SELECT, EXAMINE, CLOSE, UNSELECT."""

import pytest

from tests.dialogues.dialogue import Client, Server


async def test_what_select_says(server: Server, me: Client) -> None:
    server.deliver("one", "two")
    await me(r"""
        C: a SELECT inbox
        S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft)
        S: * OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft \*)] …
        S: * 2 EXISTS
        S: * 2 RECENT
        S: * OK [UNSEEN 1] …
        S: * OK [UIDVALIDITY <v>] …
        S: * OK [UIDNEXT 3] …
        S: * OK [HIGHESTMODSEQ <m>] …
        S: a OK [READ-WRITE] SELECT done
    """)
    assert [file.parent.name for file in server.beside.files("INBOX")] == ["cur", "cur"]


async def test_what_examine_says(server: Server, me: Client) -> None:
    server.deliver("one")
    await me(r"""
        C: a EXAMINE INBOX
        S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft)
        S: * OK [PERMANENTFLAGS ()] …
        S: * 1 EXISTS
        S: * 1 RECENT
        S: * OK [UNSEEN 1] …
        S: * OK [UIDVALIDITY <v>] …
        S: * OK [UIDNEXT 2] …
        S: * OK [HIGHESTMODSEQ <m>] …
        S: a OK [READ-ONLY] EXAMINE done
    """)
    assert [file.parent.name for file in server.beside.files("INBOX")] == ["new"]


async def test_recent_is_told_to_one_session(server: Server, me: Client, other: Client) -> None:
    server.deliver("one")
    await other.opens("INBOX", "EXAMINE")
    await me.opens("INBOX")
    await me(r"""
        C: a FETCH 1 FLAGS
        S: * 1 FETCH (FLAGS (\Recent))
        S: a OK FETCH done
    """)
    await other.opens("INBOX")
    await other(r"""
        C: a FETCH 1 FLAGS
        S: * 1 FETCH (FLAGS ())
        S: a OK FETCH done
    """)


async def test_an_empty_mailbox(me: Client) -> None:
    await me(r"""
        C: a SELECT INBOX
        S: * FLAGS (…)
        S: * OK [PERMANENTFLAGS (…)] …
        S: * 0 EXISTS
        S: * 0 RECENT
        S: * OK [UIDVALIDITY <v>] …
        S: * OK [UIDNEXT 1] …
        S: * OK [HIGHESTMODSEQ <m>] …
        S: a OK [READ-WRITE] SELECT done
    """)
    assert me.noted["m"] > 0


@pytest.mark.parametrize("name", ["missing", "a.b.c", "x" * 300, "&AOk-t&AOk-"])
async def test_a_mailbox_that_is_missing_leaves_nothing_selected(me: Client, name: str) -> None:
    await me.opens("INBOX")
    await me(f"""
        C: a SELECT {name}
        S: * OK [CLOSED] …
        S: a NO [NONEXISTENT] …
        C: b FETCH 1 FLAGS
        S: b BAD …
    """)


async def test_another_mailbox_closes_the_first(me: Client) -> None:
    await me(r"""
        C: a CREATE other
        S: a OK CREATE done
    """)
    await me.opens("INBOX")
    await me(r"""
        C: b EXAMINE other
        S: * OK [CLOSED] …
        S: * FLAGS (…)
        S: * OK [PERMANENTFLAGS ()] …
        S: * 0 EXISTS
        S: * 0 RECENT
        S: * OK [UIDVALIDITY <v>] …
        S: * OK [UIDNEXT 1] …
        S: * OK [HIGHESTMODSEQ <m>] …
        S: b OK [READ-ONLY] EXAMINE done
    """)


async def test_a_select_that_makes_no_sense_changes_nothing(me: Client) -> None:
    await me.opens("INBOX")
    await me(r"""
        C: a SELECT INBOX (WHATEVER)
        S: a BAD …
        C: b CHECK
        S: b OK CHECK done
    """)


async def test_close_expunges_and_says_nothing(server: Server, me: Client, other: Client) -> None:
    server.deliver("one", "two")
    await me.opens("INBOX")
    await other.opens("INBOX")
    await me(r"""
        C: a STORE 1 +FLAGS.SILENT (\Deleted)
        C: b CLOSE
        C: c CLOSE
        S: a OK STORE done
        S: b OK CLOSE done
        S: c BAD …
    """)
    await other(r"""
        C: a NOOP
        S: * 1 EXPUNGE
        S: a OK NOOP done
    """)
    assert len(server.beside.files("INBOX")) == 1


async def test_close_after_examine_and_unselect_expunge_nothing(server: Server, me: Client) -> None:
    server.deliver("one")
    await me.opens("INBOX")
    await me(r"""
        C: a STORE 1 +FLAGS.SILENT (\Deleted)
        C: b UNSELECT
        S: a OK STORE done
        S: b OK UNSELECT done
    """)
    await me.opens("INBOX", "EXAMINE")
    await me(r"""
        C: c CLOSE
        S: c OK CLOSE done
    """)
    assert len(server.beside.files("INBOX")) == 1


async def test_keywords_of_a_mailbox_are_told(server: Server, me: Client) -> None:
    (server.beside.root / "dovecot-keywords").write_text("0 $Junk\n2 Work\n")
    server.deliver("one")
    (file,) = server.beside.files("INBOX")
    server.beside.reflag(file, "Sc")
    await me(r"""
        C: a SELECT INBOX
        S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft $Junk Work)
        S: * OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft $Junk Work \*)] …
        S: * 1 EXISTS
        S: * 1 RECENT
        S: * OK [UIDVALIDITY <v>] …
        S: * OK [UIDNEXT 2] …
        S: * OK [HIGHESTMODSEQ <m>] …
        S: a OK [READ-WRITE] SELECT done
        C: b FETCH 1 FLAGS
        S: * 1 FETCH (FLAGS (\Seen Work \Recent))
        S: b OK FETCH done
    """)


async def test_the_selected_mailbox_is_deleted(me: Client, other: Client) -> None:
    await me(r"""
        C: a CREATE gone
        S: a OK CREATE done
    """)
    await me.opens("gone")
    await other(r"""
        C: a DELETE gone
        S: a OK DELETE done
    """)
    await me(r"""
        C: b NOOP
        S: * BYE the selected mailbox was deleted
    """)
    await me.closed()


async def test_a_client_deletes_what_it_has_selected(me: Client) -> None:
    await me(r"""
        C: a CREATE gone
        S: a OK CREATE done
    """)
    await me.opens("gone")
    await me(r"""
        C: b DELETE gone
        S: * OK [CLOSED] …
        S: b OK DELETE done
        C: c CHECK
        S: c BAD …
    """)


async def test_the_selected_mailbox_is_renamed(server: Server, me: Client, other: Client) -> None:
    await me(r"""
        C: a CREATE before
        S: a OK CREATE done
    """)
    server.deliver("one", mailbox="before")
    await me.opens("before")
    await other(r"""
        C: a RENAME before after
        S: a OK RENAME done
    """)
    server.deliver("two", mailbox="after")
    await me(r"""
        C: b NOOP
        S: * 2 EXISTS
        S: * 2 RECENT
        S: b OK NOOP done
        C: c FETCH 2 BODY.PEEK[TEXT]
        S: * 2 FETCH (BODY[TEXT] {5}
        S: two
        S: )
        S: c OK FETCH done
    """)
