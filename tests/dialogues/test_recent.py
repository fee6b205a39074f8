"""\\Recent: a message is recent in one session only, the first that is told of it."""

from tests.dialogues.dialogue import Client, Server


async def test_one_session_has_what_is_recent(server: Server, me: Client, other: Client) -> None:
    server.deliver("one")
    await me.opens("INBOX")
    await other.opens("INBOX")
    server.deliver("two")
    await me(r"""
        C: a NOOP
        S: * 2 EXISTS
        S: * 2 RECENT
        S: a OK NOOP done
        C: b FETCH 1:2 FLAGS
        S: * 1 FETCH (FLAGS (\Recent))
        S: * 2 FETCH (FLAGS (\Recent))
        S: b OK FETCH done
    """)
    await other(r"""
        C: a NOOP
        S: * 2 EXISTS
        S: * 0 RECENT
        S: a OK NOOP done
        C: b FETCH 1:2 FLAGS
        S: * 1 FETCH (FLAGS ())
        S: * 2 FETCH (FLAGS ())
        S: b OK FETCH done
        C: c SEARCH NEW
        S: * SEARCH
        S: c OK SEARCH done
    """)


async def test_when_the_one_leaves_the_next_has_what_comes_then(
    server: Server, me: Client, other: Client
) -> None:
    server.deliver("one")
    await me.opens("INBOX")
    await other.opens("INBOX")
    await me(r"""
        C: a CLOSE
        S: a OK CLOSE done
    """)
    server.deliver("two")
    await other(r"""
        C: a NOOP
        S: * 2 EXISTS
        S: * 1 RECENT
        S: a OK NOOP done
        C: b FETCH 1:2 FLAGS
        S: * 1 FETCH (FLAGS ())
        S: * 2 FETCH (FLAGS (\Recent))
        S: b OK FETCH done
    """)


async def test_examine_leaves_messages_recent(server: Server, me: Client, other: Client) -> None:
    server.deliver("one")
    await me(r"""
        C: a EXAMINE INBOX
        S: * FLAGS …
        S: * OK [PERMANENTFLAGS …
        S: * 1 EXISTS
        S: * 1 RECENT
        S: * OK [UNSEEN …
        S: * OK [UIDVALIDITY …
        S: * OK [UIDNEXT …
        S: * OK [HIGHESTMODSEQ …
        S: a OK [READ-ONLY] EXAMINE done
    """)
    await other.opens("INBOX")
    await other(r"""
        C: a FETCH 1 FLAGS
        S: * 1 FETCH (FLAGS (\Recent))
        S: a OK FETCH done
    """)
