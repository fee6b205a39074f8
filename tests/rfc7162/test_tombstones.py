"""Section 5: what is remembered of expunged messages, and what becomes of it."""

from pathlib import Path

from tests.rfc7162.client import Client, flags_of
from tests.rfc7162.hosts import Host, maildird
from tests.rfc7162.responses import Fetch
from tests.rfc7162.statements import dovecot_differs, proves
from tests.rfc7162.synchronising import come_back, open_with, since


@proves("5.3#1")
async def test_a_mailbox_that_is_made_anew_knows_nothing_of_the_old_one(
    host: Host, me: Client, other: Client
) -> None:
    await me.do("CREATE Work")
    old = await open_with(me, 4, "Work")
    await me.do(r"STORE 2:3 +FLAGS.SILENT (\Deleted)")
    await me.do("EXPUNGE")
    await me.do("CLOSE")
    await other.do("DELETE Work")
    await other.do("CREATE Work")
    for _ in range(2):
        await other.append("Work")
    new = await me.do("SELECT Work")
    assert new.argument("UIDVALIDITY") != old.argument("UIDVALIDITY")
    by_the_old = await me.do(f"SELECT Work {since(old, 1)}")
    assert by_the_old.vanished_earlier == ()
    assert by_the_old.fetches == {}
    by_the_new = await me.do(f"SELECT Work {since(new, 1, '1:4')}")
    assert by_the_new.vanished_earlier == ()
    assert {fetch.uid for fetch in by_the_new.all(Fetch)} <= {1, 2}


async def test_a_renamed_mailbox_keeps_them(host: Host, me: Client, other: Client) -> None:
    await me.do("CREATE Work")
    opened = await open_with(me, 4, "Work")
    await me.do(r"STORE 2 +FLAGS.SILENT (\Deleted)")
    await me.do("EXPUNGE")
    await me.do("CLOSE")
    await other.do("RENAME Work Play")
    back = await come_back(host, opened, mailbox="Play")
    assert back.argument("UIDVALIDITY") == opened.argument("UIDVALIDITY")
    assert back.vanished_earlier == (2,)
    assert back.exists == 3
    in_step = await come_back(host, opened, back.highestmodseq, mailbox="Play")
    assert in_step.vanished_earlier == ()
    assert in_step.fetches == {}


@dovecot_differs("does not rename INBOX, if it is a Maildir")
async def test_inbox_that_is_renamed_leaves_them_behind(
    host: Host, me: Client, other: Client
) -> None:
    opened = await open_with(me, 3)
    await other.do("RENAME INBOX Old")
    await other.append("INBOX")
    back = await come_back(host, opened)
    assert back.argument("UIDVALIDITY") == opened.argument("UIDVALIDITY")
    assert back.vanished_earlier == (1, 2, 3)
    assert flags_of(back.all(Fetch)) == {4: frozenset()}
    moved = await me.do("SELECT Old")
    assert moved.exists == 3


async def test_they_outlast_connections_and_other_changes(
    host: Host, me: Client, other: Client
) -> None:
    opened = await open_with(me, 5)
    await me.do(r"STORE 1 +FLAGS.SILENT (\Deleted)")
    await me.do("EXPUNGE")
    await me.close()
    await other.do("SELECT INBOX")
    for flag in (r"\Seen", r"\Flagged", "$Work"):
        await other.do(f"STORE 1:* +FLAGS.SILENT ({flag})")
        await other.append("INBOX")
    await other.close()
    back = await come_back(host, opened)
    assert back.vanished_earlier == (1,)
    assert back.exists == 7
    assert set(flags_of(back.all(Fetch))) == {2, 3, 4, 5, 6, 7, 8}


async def test_they_outlast_the_server(tmp_path: Path) -> None:
    async with maildird(tmp_path) as host:
        me = await host.connect()
        opened = await open_with(me, 5)
        await me.do(r"STORE 1,4 +FLAGS.SILENT (\Deleted)")
        await me.do("EXPUNGE")
        await me.close()
    async with maildird(tmp_path) as host:
        back = await come_back(host, opened)
        assert back.vanished_earlier == (1, 4)
        assert back.fetches == {}
        in_step = await come_back(host, opened, back.highestmodseq)
        assert in_step.vanished_earlier == ()
