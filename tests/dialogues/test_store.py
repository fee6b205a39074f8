"""STORE and UID STORE (RFC 3501 section 6.4.6)."""

from maildird.mailbox.requests import Observe
from maildird.terms.flags import MAX_KEYWORDS
from tests.dialogues.dialogue import Client, Server


async def test_flags_are_set_added_and_removed(server: Server, me: Client) -> None:
    server.deliver("one", "two")
    await me.opens("INBOX")
    await me(r"""
        C: a STORE 1 FLAGS (\Seen \Draft)
        S: * 1 FETCH (FLAGS (\Seen \Draft \Recent))
        S: a OK STORE done
        C: b STORE 1:2 +FLAGS (\Flagged)
        S: * 1 FETCH (FLAGS (\Flagged \Seen \Draft \Recent))
        S: * 2 FETCH (FLAGS (\Flagged \Recent))
        S: b OK STORE done
        C: c UID STORE 1 -FLAGS \Draft
        S: * 1 FETCH (UID 1 FLAGS (\Flagged \Seen \Recent))
        S: c OK STORE done
        C: d STORE 2 FLAGS ()
        S: * 2 FETCH (FLAGS (\Recent))
        S: d OK STORE done
    """)
    assert [file.name.partition(":2,")[2] for file in server.beside.files("INBOX")] == ["FS", ""]


async def test_flags_are_told_also_where_nothing_changed(server: Server, me: Client) -> None:
    server.deliver("one")
    await me.opens("INBOX")
    await me(r"""
        C: a STORE 1 +FLAGS (\Seen)
        S: * 1 FETCH (FLAGS (\Seen \Recent))
        S: a OK STORE done
        C: b STORE 1 +FLAGS (\Seen)
        S: * 1 FETCH (FLAGS (\Seen \Recent))
        S: b OK STORE done
    """)


async def test_silence(server: Server, me: Client) -> None:
    server.deliver("one", "two")
    await me.opens("INBOX")
    await me(r"""
        C: a STORE 1:* +FLAGS.SILENT (\Seen $Work)
        S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft $Work)
        S: * OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft $Work \*)] …
        S: a OK STORE done
        C: b FETCH 1 FLAGS
        S: * 1 FETCH (FLAGS (\Seen $Work \Recent))
        S: b OK FETCH done
    """)


async def test_silence_does_not_hide_what_others_did(
    server: Server, me: Client, other: Client
) -> None:
    server.deliver("one", "two")
    await me.opens("INBOX")
    await other.opens("INBOX")
    await other(r"""
        C: a STORE 1 +FLAGS.SILENT (\Flagged)
        S: a OK STORE done
    """)
    await me(r"""
        C: a STORE 1:2 +FLAGS.SILENT (\Seen)
        S: * 1 FETCH (FLAGS (\Flagged \Seen \Recent))
        S: a OK STORE done
    """)


async def test_another_program_changed_the_same_message(server: Server, me: Client) -> None:
    server.deliver("one")
    await me.opens("INBOX")
    (file,) = server.beside.files("INBOX")
    server.beside.reflag(file, "F")
    await me(r"""
        C: a STORE 1 +FLAGS.SILENT (\Seen)
        S: * 1 FETCH (FLAGS (\Flagged \Seen \Recent))
        S: a OK STORE done
    """)
    (file,) = server.beside.files("INBOX")
    assert file.name.endswith(":2,FS")


async def test_keywords_survive_whatever_their_case(server: Server, me: Client) -> None:
    server.deliver("one")
    await me.opens("INBOX")
    await me(r"""
        C: a STORE 1 FLAGS ($Forwarded)
        S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft $Forwarded)
        S: * OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft $Forwarded \*)] …
        S: * 1 FETCH (FLAGS ($Forwarded \Recent))
        S: a OK STORE done
        C: b STORE 1 +FLAGS ($FORWARDED \seen)
        S: * 1 FETCH (FLAGS (\Seen $Forwarded \Recent))
        S: b OK STORE done
    """)


async def test_a_keyword_too_many_breaks_nothing(server: Server, me: Client) -> None:
    server.deliver("one")
    await me.opens("INBOX")
    keywords = " ".join(f"k{number}" for number in range(56))
    await me(rf"""
        C: a STORE 1 FLAGS ({keywords})
        S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft {keywords})
        S: * OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft {keywords})] …
        S: * 1 FETCH (FLAGS ({keywords} \Recent))
        S: a OK STORE done
        C: b STORE 1 +FLAGS (\Seen one-too-many)
        S: b NO [LIMIT] …
        C: c FETCH 1 FLAGS
        S: * 1 FETCH (FLAGS ({keywords} \Recent))
        S: c OK FETCH done
    """)


async def test_nothing_is_changed_after_examine(server: Server, me: Client) -> None:
    server.deliver("one")
    await me.opens("INBOX", "EXAMINE")
    await me(r"""
        C: a STORE 1 +FLAGS (\Seen)
        S: a NO [READ-ONLY] …
        C: b FETCH 1 FLAGS
        S: * 1 FETCH (FLAGS (\Recent))
        S: b OK FETCH done
    """)


async def test_numbers_that_are_not_there(server: Server, me: Client) -> None:
    await me.opens("INBOX")
    await me(r"""
        C: a STORE * +FLAGS (\Seen)
        S: a BAD there is no message *: the mailbox has 0 messages
        C: b UID STORE * +FLAGS (\Seen)
        S: b OK STORE done
        C: c STORE 1:2 +FLAGS (\Seen)
        S: c BAD there is no message 2: the mailbox has 0 messages
    """)


async def test_messages_that_others_expunged(server: Server, me: Client, other: Client) -> None:
    server.deliver("one", "two")
    await me.opens("INBOX")
    await other.opens("INBOX")
    await other(r"""
        C: a STORE 1 +FLAGS.SILENT (\Deleted)
        S: a OK STORE done
        C: b EXPUNGE
        S: * 1 EXPUNGE
        S: b OK EXPUNGE done
    """)
    await me(r"""
        C: a STORE 1:2 +FLAGS (\Seen)
        S: * 2 FETCH (FLAGS (\Seen \Recent))
        S: a NO [EXPUNGEISSUED] …
        C: b UID STORE 1:2 +FLAGS (\Flagged)
        S: * 1 EXPUNGE
        S: * 1 FETCH (UID 2 FLAGS (\Flagged \Seen \Recent))
        S: b OK STORE done
    """)


async def test_a_keyword_for_no_message_is_not_kept(server: Server, me: Client) -> None:
    server.deliver("one")
    await me.opens("INBOX")
    for number in range(MAX_KEYWORDS + 1):
        await me(f"""
            C: a UID STORE 999 +FLAGS (k{number})
            S: a OK …
        """)
    await me(r"""
        C: b STORE 1 +FLAGS (wanted)
        S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft wanted)
        S: * OK [PERMANENTFLAGS (…)] …
        S: * 1 FETCH (FLAGS (wanted \Recent))
        S: b OK STORE done
    """)


async def test_silence_does_not_hide_that_keywords_changed_their_names(
    server: Server, me: Client
) -> None:
    await me(r"""
        C: a APPEND INBOX ($Old) {2+}
        C: hi
        S: a OK …
    """)
    await me.opens("INBOX")
    (server.beside.root / "dovecot-keywords").write_text("0 $New\n1 $Old\n")
    with server.account.index.snapshot() as snapshot:
        inbox = snapshot.mailbox_named(("INBOX",))
    assert inbox is not None
    await server.account.door.ask(Observe(inbox.id))
    await me(r"""
        C: b STORE 1 +FLAGS.SILENT (\Flagged)
        S: * FLAGS (…)
        S: * OK [PERMANENTFLAGS (…)] …
        S: * 1 FETCH (FLAGS (\Flagged $New \Recent))
        S: b OK STORE done
    """)
