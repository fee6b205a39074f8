"""CAPABILITY, NOOP, CHECK, ID, ENABLE, LOGOUT, and what is no command."""

from tests.dialogues.dialogue import Client, Server


async def test_capability(me: Client) -> None:
    await me("""
        C: a CAPABILITY
        S: * CAPABILITY IMAP4rev1 …
        S: a OK CAPABILITY done
    """)


async def test_id(me: Client) -> None:
    await me("""
        C: a ID NIL
        S: * ID ("name" "maildird" "version" "…")
        S: a OK ID done
        C: b ID ("name" "dialogue")
        S: * ID …
        S: b OK ID done
    """)


async def test_noop_tells_what_is_new(server: Server, me: Client) -> None:
    await me.opens("INBOX")
    server.deliver("one")
    await me("""
        C: a NOOP
        S: * 1 EXISTS
        S: * 1 RECENT
        S: a OK NOOP done
        C: b CHECK
        S: b OK CHECK done
    """)


async def test_logout(server: Server, me: Client) -> None:
    server.deliver("one")
    await me.opens("INBOX")
    await me(r"""
        C: a STORE 1 FLAGS.SILENT (\Deleted)
        C: b LOGOUT
        C: c NOOP
        S: a OK STORE done
        S: * BYE goodbye
        S: b OK LOGOUT done
    """)
    await me.closed()
    assert len(server.beside.files("INBOX")) == 1


async def test_enable(me: Client) -> None:
    await me("""
        C: a ENABLE X-UNKNOWN
        S: * ENABLED
        S: a OK ENABLE done
        C: b ENABLE condstore X-UNKNOWN
        S: * ENABLED CONDSTORE
        S: b OK ENABLE done
        C: c ENABLE QRESYNC
        S: * ENABLED QRESYNC
        S: c OK ENABLE done
    """)


async def test_what_is_no_command(me: Client) -> None:
    await me("""
        C: a WHATEVER
        S: a BAD …
        C: b FETCH 1 FLAGS
        S: b BAD …
        C: c LOGIN me secret
        S: c BAD …
        C: *
        S: * BAD …
        C: d SELECT {5}
        S: + go on
        C: INBOX (
        S: d BAD …
        C: e NOOP
        S: e OK NOOP done
    """)


async def test_too_much_nonsense_ends_the_session(me: Client) -> None:
    for number in range(19):
        await me(f"""
            C: a{number} NONSENSE
            S: a{number} BAD …
        """)
    await me("""
        C: b NONSENSE
        S: * BYE …
    """)
    await me.closed()


async def test_the_client_just_goes(me: Client, other: Client) -> None:
    await me.opens("INBOX")
    await me.bye()
    await other("""
        C: a NOOP
        S: a OK NOOP done
    """)
