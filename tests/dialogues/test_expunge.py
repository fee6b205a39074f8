"""EXPUNGE and UID EXPUNGE, and when expunges are told."""

from tests.dialogues.dialogue import Client, Server


async def test_expunge(server: Server, me: Client) -> None:
    server.deliver("one", "two", "three", "four")
    await me.opens("INBOX")
    await me(r"""
        C: a STORE 1,2,4 +FLAGS.SILENT (\Deleted)
        C: b EXPUNGE
        S: a OK STORE done
        S: * 1 EXPUNGE
        S: * 1 EXPUNGE
        S: * 2 EXPUNGE
        S: b OK EXPUNGE done
        C: c EXPUNGE
        S: c OK EXPUNGE done
    """)
    assert len(server.beside.files("INBOX")) == 1


async def test_uid_expunge_spares_the_others(server: Server, me: Client) -> None:
    server.deliver("one", "two", "three")
    await me.opens("INBOX")
    await me(r"""
        C: a STORE 1:2 +FLAGS.SILENT (\Deleted)
        C: b UID EXPUNGE 2:99
        S: a OK STORE done
        S: * 2 EXPUNGE
        S: b OK EXPUNGE done
        C: c FETCH 1:* (UID FLAGS)
        S: * 1 FETCH (UID 1 FLAGS (\Deleted \Recent))
        S: * 2 FETCH (UID 3 FLAGS (\Recent))
        S: c OK FETCH done
    """)


async def test_expunge_after_examine_is_refused(server: Server, me: Client) -> None:
    server.deliver("one")
    await me.opens("INBOX", "EXAMINE")
    await me(r"""
        C: a EXPUNGE
        S: a NO [READ-ONLY] …
        C: b UID EXPUNGE 1
        S: b NO [READ-ONLY] …
    """)


async def test_numbers_hold_while_commands_use_them(
    server: Server, me: Client, other: Client
) -> None:
    server.deliver("one", "two", "three")
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
        C: a FETCH 2 UID
        S: * 2 FETCH (UID 2)
        S: a OK FETCH done
        C: b SEARCH ALL
        S: * SEARCH 1 2 3
        S: b OK SEARCH done
        C: c UID SEARCH 2:3
        S: * SEARCH 2 3
        S: c OK SEARCH done
        C: d STORE 3 FLAGS.SILENT (\Seen)
        S: d OK STORE done
        C: e UID SEARCH UID 1:*
        S: * SEARCH 1 2 3
        S: * 1 EXPUNGE
        S: e OK SEARCH done
        C: f FETCH 2 (UID FLAGS)
        S: * 2 FETCH (UID 3 FLAGS (\Seen \Recent))
        S: f OK FETCH done
    """)


async def test_a_removal_by_another_program(server: Server, me: Client) -> None:
    server.deliver("one", "two")
    await me.opens("INBOX")
    server.beside.files("INBOX")[0].unlink()
    await me(r"""
        C: a NOOP
        S: * 1 EXPUNGE
        S: a OK NOOP done
    """)
