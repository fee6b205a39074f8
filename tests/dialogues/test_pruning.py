"""Tombstones that are too many are pruned, and no client can tell (RFC 7162 sections 3.2.6, 5.3).

The mailbox has UIDs 1 to 8 at first. Of those some are expunged; then a lot of others come and go,
which makes their tombstones the oldest of too many; and with one more EXPUNGE they are pruned.
"""

from dataclasses import replace

import pytest

from maildird.index.batches import Batch
from maildird.index.rows import MailboxRow, NewMessage
from maildird.index.snapshots import Snapshot
from maildird.mailbox.pruning import FEW
from tests.dialogues.dialogue import Client, Server

KEPT = FEW * 3 // 4
"""Tombstones that are left by a pruning."""


@pytest.fixture
async def me(server: Server) -> Client:
    """A connection with QRESYNC enabled, before the mailbox is opened."""
    server.deliver(*"abcdefgh")
    client = await server.connect()
    await client("""
        C: enable ENABLE QRESYNC
        S: * ENABLED QRESYNC
        S: enable OK ENABLE done
        C: status STATUS INBOX (UIDVALIDITY HIGHESTMODSEQ)
        S: * STATUS INBOX (UIDVALIDITY <v> HIGHESTMODSEQ <start>)
        S: status OK STATUS done
    """)
    return client


def inbox(snapshot: Snapshot) -> MailboxRow:
    """The row of INBOX."""
    row = snapshot.mailbox_named(("INBOX",))
    assert row is not None
    return row


def many_come_and_go(server: Server, *, at_once: bool = False) -> MailboxRow:
    """Messages arrive and are expunged, one by one or at once: one tombstone more is too many.

    Gives the row after that. No session is woken by this alone.
    """

    def work(batch: Batch) -> MailboxRow:
        row = inbox(batch)
        count = FEW - batch.tombstone_count(row.id)
        uids = range(row.uidnext, row.uidnext + count)
        first = row.highestmodseq + 1
        modseqs = [first] * count if at_once else range(first, first + count)
        bases = [b"1.M%d.elsewhere" % uid for uid in uids]
        batch.add_many(
            row.id,
            [
                NewMessage(uid, first, 0, b"cur/" + base, base)
                for uid, base in zip(uids, bases, strict=True)
            ],
        )
        for uid, modseq in zip(uids, modseqs, strict=True):
            batch.expunge(row.id, uid, modseq)
        return batch.put_mailbox(replace(row, uidnext=uids[-1] + 1, highestmodseq=modseqs[-1]))

    return server.account.index.write(work)


def pruned_modseq(server: Server) -> int:
    """The highest MODSEQ among the tombstones that were pruned."""
    with server.account.index.snapshot() as snapshot:
        row = inbox(snapshot)
        return row.pruned_modseq


async def expunge(client: Client, uids: str) -> None:
    """Expunge messages, whatever else there is to be told."""
    await client(rf"""
        C: store UID STORE {uids} FLAGS.SILENT (\Deleted)
        C: expunge UID EXPUNGE {uids}
    """)
    while not (line := await client.line()).startswith("expunge "):
        assert "BAD" not in line
    assert line.startswith("expunge OK "), line


async def opens(client: Client, known: str, vanished: str, messages: int) -> None:
    """Select INBOX knowing `known`; what is there is as known but for the UIDs in `vanished`."""
    await client(f"C: open SELECT INBOX (QRESYNC ({client.noted['v']} {known}))")
    said = []
    while not (line := await client.line()).startswith("open "):
        said.append(line)
    assert line.startswith("open OK "), line
    assert f"* {messages} EXISTS" in said
    told = [line for line in said if "VANISHED" in line or "FETCH" in line]
    assert told == [f"* VANISHED (EARLIER) {vanished}"]


async def test_who_comes_from_before_is_told_all_that_is_missing(
    server: Server, me: Client, other: Client
) -> None:
    start = me.noted["start"]
    await other.opens("INBOX")
    await expunge(other, "2:3,7")
    last = many_come_and_go(server).uidnext - 1
    await expunge(other, "5")
    pruned = pruned_modseq(server)
    assert start < pruned
    await opens(me, f"{start}", f"2:3,5,7,9:{last}", 4)
    await opens(me, f"{start} 1:8", "2:3,5,7", 4)
    await opens(me, f"{pruned - 1}", f"2:3,5,7,9:{last}", 4)
    await me(f"""
        C: a UID FETCH 1:6 FLAGS (CHANGEDSINCE {start} VANISHED)
        S: * VANISHED (EARLIER) 2:3,5
        S: a OK FETCH done
    """)


async def test_match_data_spares_what_the_client_knows(
    server: Server, me: Client, other: Client
) -> None:
    await other.opens("INBOX")
    await expunge(other, "2:3")
    await me("""
        C: a STATUS INBOX (HIGHESTMODSEQ)
        S: * STATUS INBOX (HIGHESTMODSEQ <since>)
        S: a OK STATUS done
    """)
    many_come_and_go(server)
    await expunge(other, "6")
    since = me.noted["since"]
    assert since < pruned_modseq(server)
    await opens(me, f"{since} 1,4:8", "6", 5)
    await opens(me, f"{since} 1:8", "2:3,6", 5)
    await opens(me, f"{since} 1:8 (1,3,5 1,5,7)", "6", 5)
    await opens(me, f"{since} 1:8 (1,5 1,7)", "2:3,6", 5)


async def test_who_has_heard_of_all_that_was_pruned_is_told_the_rest(
    server: Server, me: Client, other: Client
) -> None:
    await other.opens("INBOX")
    await expunge(other, "2:3,7")
    last = many_come_and_go(server).uidnext - 1
    await expunge(other, "5")
    pruned = pruned_modseq(server)
    first_kept = last - KEPT + 2  # the tombstone of UID 5 is one of those that are kept
    await opens(me, f"{pruned}", f"5,{first_kept}:{last}", 4)
    await opens(me, f"{pruned} 1:8", "5", 4)
    await opens(me, f"{pruned + 1}", f"5,{first_kept + 1}:{last}", 4)
    await me(f"""
        C: a UID FETCH 1:* FLAGS (CHANGEDSINCE {pruned} VANISHED)
        S: * VANISHED (EARLIER) 5,{first_kept}:{last}
        S: a OK FETCH done
    """)


async def test_more_than_is_kept_may_go_at_once(server: Server, me: Client, other: Client) -> None:
    await other.opens("INBOX")
    await expunge(other, "2:3")
    row = many_come_and_go(server, at_once=True)
    await expunge(other, "5")
    assert pruned_modseq(server) == row.highestmodseq
    await opens(me, f"{row.highestmodseq}", "5", 5)
    await opens(me, f"{row.highestmodseq - 1}", f"2:3,5,9:{row.uidnext - 1}", 5)


async def test_a_session_that_slept_is_told_what_went(
    server: Server, me: Client, other: Client
) -> None:
    await me.opens("INBOX")
    plain = await server.connect()
    await plain.opens("INBOX")
    await other.opens("INBOX")
    await expunge(other, "2:3")
    many_come_and_go(server)
    await expunge(other, "6")
    assert me.noted["start"] < pruned_modseq(server)
    server.deliver("new")
    await me("""
        C: a NOOP
        S: * VANISHED 2:3,6
        S: * 6 EXISTS
        S: * 6 RECENT
        S: a OK [HIGHESTMODSEQ <m>] NOOP done
        C: b UID SEARCH ALL
        S: * SEARCH 1 4 5 7 8 <new>
        S: b OK SEARCH done
        C: c NOOP
        S: c OK NOOP done
    """)
    await plain("""
        C: a NOOP
        S: * 2 EXPUNGE
        S: * 2 EXPUNGE
        S: * 4 EXPUNGE
        S: * 6 EXISTS
        S: * 0 RECENT
        S: a OK NOOP done
    """)


async def test_what_is_withheld_from_a_session_that_slept_keeps_highestmodseq_low(
    server: Server, me: Client, other: Client
) -> None:
    await me.opens("INBOX")
    await other.opens("INBOX")
    await expunge(other, "2:3")
    many_come_and_go(server)
    await expunge(other, "6")
    start = me.noted["start"]
    assert start < pruned_modseq(server)
    await me("""
        C: a FETCH 1 (UID MODSEQ)
        S: * 1 FETCH (UID 1 MODSEQ (<o>))
        S: a OK [HIGHESTMODSEQ <low>] FETCH done
        C: b FETCH 2:3,6:7 (UID)
        S: * 2 FETCH (UID 2)
        S: * 3 FETCH (UID 3)
        S: * 6 FETCH (UID 6)
        S: * 7 FETCH (UID 7)
        S: b OK FETCH done
        C: c NOOP
        S: * VANISHED 2:3,6
        S: c OK [HIGHESTMODSEQ <top>] NOOP done
    """)
    assert me.noted["low"] == start < pruned_modseq(server) < me.noted["top"]
    await opens(me, f"{me.noted['low']} 1:8", "2:3,6", 5)
