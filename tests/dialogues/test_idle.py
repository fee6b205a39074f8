"""IDLE: told as it happens."""

from functools import partial
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from maildird.imap.limits import Limits
from maildird.session.idle import PAUSE
from maildird.session.session import AUTOLOGOUT, serve_account_session
from tests.dialogues.conftest import serving
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


def gives_signs_of_life(server: Server, every: float) -> None:
    """From now on clients in IDLE hear that the server is there, every so many seconds."""
    server.serve = partial(
        serve_account_session,
        leftover=b"",
        account=server.account,
        limits=Limits(),
        idle_keepalive=every,
    )


@pytest.mark.parametrize("mailbox", ["INBOX", None])
async def test_a_client_that_waits_hears_that_the_server_is_there(
    tmp_path: Path, mock_clock: MockClock, mailbox: str | None
) -> None:
    async with serving(tmp_path) as server:
        gives_signs_of_life(server, every=120)
        me = await server.connect()
        if mailbox is not None:
            await me.opens(mailbox)
        await me(r"""
            C: a IDLE
            S: + idling
        """)
        for _ in range(14):
            await wait_all_tasks_blocked()
            mock_clock.jump(PAUSE)
            await wait_all_tasks_blocked()
            mock_clock.jump(120)
            await me("S: * OK Still here")
        await me(r"""
            C: DONE
            S: a OK IDLE done
        """)


async def test_signs_of_life_of_the_server_are_none_of_the_client(
    tmp_path: Path, mock_clock: MockClock
) -> None:
    async with serving(tmp_path) as server:
        gives_signs_of_life(server, every=AUTOLOGOUT - 60)
        me = await server.connect()
        await me(r"""
            C: a IDLE
            S: + idling
        """)
        await wait_all_tasks_blocked()
        mock_clock.jump(AUTOLOGOUT - 59)
        await me("S: * OK Still here")
        await wait_all_tasks_blocked()
        mock_clock.jump(60)
        await me("S: * BYE nothing was heard of you for too long")
        await me.closed()


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
