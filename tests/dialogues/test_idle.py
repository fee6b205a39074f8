"""IDLE: told as it happens."""

import trio

from tests.dialogues.dialogue import Client, Server


async def test_changes_by_another_session(server: Server, me: Client, other: Client) -> None:
    server.deliver("one")
    await me.opens("INBOX")
    await other.opens("INBOX")
    await me(r"""
        C: a IDLE
        S: + idling
    """)
    await other(r"""
        C: a STORE 1 FLAGS.SILENT (\Seen)
        S: a OK STORE done
    """)
    await me(r"""
        S: * 1 FETCH (FLAGS (\Seen \Recent))
    """)
    await other(r"""
        C: b APPEND INBOX {2+}
        C: hi
        S: * 2 EXISTS
        S: * 0 RECENT
        S: b OK …
    """)
    assert (await me.line()).endswith(" EXISTS")
    assert (await me.line()).endswith(" RECENT")
    await other(r"""
        C: c STORE 1 FLAGS.SILENT (\Deleted)
        C: d EXPUNGE
    """)
    lines = [await me.line()]
    while lines[-1] != "* 1 EXPUNGE":
        lines.append(await me.line())
    assert lines[:-1] in ([], [r"* 1 FETCH (FLAGS (\Deleted \Recent))"])
    await me(r"""
        C: DONE
        S: a OK IDLE done
    """)


async def test_changes_by_other_programs(server: Server, me: Client) -> None:
    await me.opens("INBOX")
    await me(r"""
        C: a IDLE
        S: + idling
    """)
    server.deliver("one")
    await me(r"""
        S: * 1 EXISTS
        S: * 1 RECENT
    """)
    (file,) = server.beside.files("INBOX")
    server.beside.reflag(file, "R")
    await me(r"""
        S: * 1 FETCH (FLAGS (\Answered \Recent))
    """)
    server.beside.files("INBOX")[0].unlink()
    await me(r"""
        S: * 1 EXPUNGE
        C: DONE
        S: a OK IDLE done
    """)


async def test_what_was_withheld_is_told_first(server: Server, me: Client, other: Client) -> None:
    server.deliver("one")
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
        C: a FETCH 1 UID
        S: * 1 FETCH (UID 1)
        S: a OK FETCH done
        C: b IDLE
        S: + idling
        S: * 1 EXPUNGE
        C: DONE
        S: b OK IDLE done
    """)


async def test_a_burst_is_told_in_few_lines(server: Server, me: Client) -> None:
    await me.opens("INBOX")
    await me(r"""
        C: a IDLE
        S: + idling
    """)
    server.deliver(*(f"number {n}" for n in range(500)))
    lines = [await me.line()]
    while lines[-1] != "* 500 RECENT":
        lines.append(await me.line())
    assert len(lines) < 100
    await me(r"""
        C: DONE
        S: a OK IDLE done
    """)


async def test_without_a_mailbox(me: Client) -> None:
    await me(r"""
        C: a IDLE
        S: + idling
        C: DONE
        S: a OK IDLE done
    """)


async def test_done_may_be_pipelined(me: Client) -> None:
    await me.opens("INBOX")
    await me(r"""
        C: a IDLE
        C: DONE
        C: b NOOP
        S: + idling
        S: a OK IDLE done
        S: b OK NOOP done
    """)


async def test_anything_but_done_is_a_mistake(me: Client) -> None:
    await me.opens("INBOX")
    await me(r"""
        C: a IDLE
        S: + idling
        C: b NOOP
        S: a BAD …
        C: c NOOP
        S: c OK NOOP done
    """)


async def test_the_mailbox_is_deleted(me: Client, other: Client) -> None:
    await me(r"""
        C: a CREATE x
        S: a OK CREATE done
    """)
    await me.opens("x")
    await me(r"""
        C: b IDLE
        S: + idling
    """)
    await other(r"""
        C: a DELETE x
        S: a OK DELETE done
    """)
    await me(r"""
        S: * BYE the selected mailbox was deleted
    """)
    await me.closed()


async def test_the_client_goes_while_idling(server: Server, me: Client) -> None:
    await me.opens("INBOX")
    await me(r"""
        C: a IDLE
        S: + idling
    """)
    await me.bye()
    await trio.testing.wait_all_tasks_blocked()


async def test_the_server_ends(server: Server, me: Client, other: Client) -> None:
    await me.opens("INBOX")
    await me(r"""
        C: a IDLE
        S: + idling
    """)
    await other.opens("INBOX")
    server.shut_down()
    for client in (me, other):
        await client(r"""
            S: * BYE the server is shutting down
        """)
        await client.closed()
