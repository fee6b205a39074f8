"""QRESYNC (RFC 7162 section 3.2)."""

from dataclasses import replace

import pytest
import trio

from maildird.index.batches import Batch
from maildird.terms.flags import LETTER_KEYWORDS, keyword_bit
from tests.dialogues.dialogue import Client, Server


@pytest.fixture
async def me(server: Server) -> Client:
    """A connection with QRESYNC enabled."""
    client = await server.connect()
    await client("""
        C: enable ENABLE QRESYNC
        S: * ENABLED QRESYNC
        S: enable OK ENABLE done
    """)
    return client


async def test_vanished_instead_of_expunge(server: Server, me: Client, other: Client) -> None:
    server.deliver("one", "two", "three", "four", "five")
    await me.opens("INBOX")
    await other.opens("INBOX")
    await me(r"""
        C: a STORE 1:2 FLAGS.SILENT (\Deleted)
        S: * 1 FETCH (UID 1 MODSEQ (<m>))
        S: * 2 FETCH (UID 2 MODSEQ (<m>))
        S: a OK STORE done
        C: b EXPUNGE
        S: * VANISHED 1:2
        S: b OK [HIGHESTMODSEQ <n>] EXPUNGE done
        C: c EXPUNGE
        S: c OK EXPUNGE done
        C: d UID STORE 4 FLAGS.SILENT (\Deleted)
        S: * 2 FETCH (UID 4 MODSEQ (<o>))
        S: d OK STORE done
        C: e UID EXPUNGE 1:*
        S: * VANISHED 4
        S: e OK [HIGHESTMODSEQ <p>] EXPUNGE done
        C: f UID MOVE 3 INBOX
        S: * OK [COPYUID <v> 3 6] moved
        S: * VANISHED 3
        S: * 2 EXISTS
        S: * 2 RECENT
        S: f OK [HIGHESTMODSEQ <q>] MOVE done
    """)
    numbers = [me.noted[name] for name in "mnopq"]
    assert numbers == sorted(set(numbers))
    await other(r"""
        C: a NOOP
        S: * 1 EXPUNGE
        S: * 1 EXPUNGE
        S: * 1 EXPUNGE
        S: * 1 EXPUNGE
        S: * 2 EXISTS
        S: * 0 RECENT
        S: a OK NOOP done
    """)


async def test_what_overlaps_is_told_before_its_modseq(
    server: Server, me: Client, other: Client
) -> None:
    server.deliver("one", "two")
    await me.opens("INBOX")
    await other.opens("INBOX (CONDSTORE)")
    await me(r"""
        C: a STORE 1 FLAGS.SILENT (\Deleted)
        S: * 1 FETCH (UID 1 MODSEQ (<m>))
        S: a OK STORE done
    """)
    await other(r"""
        C: a STORE 2 FLAGS.SILENT (\Flagged)
        S: * 1 FETCH (UID 1 FLAGS (\Deleted) MODSEQ (<m>))
        S: * 2 FETCH (UID 2 MODSEQ (<n>))
        S: a OK STORE done
    """)
    await me(r"""
        C: b EXPUNGE
        S: * VANISHED 1
        S: * 1 FETCH (UID 2 FLAGS (\Flagged \Recent) MODSEQ (<n>))
        S: b OK [HIGHESTMODSEQ <o>] EXPUNGE done
    """)
    assert me.noted["n"] == other.noted["n"] < me.noted["o"]


async def test_highestmodseq_stays_below_what_is_withheld(
    server: Server, me: Client, other: Client
) -> None:
    server.deliver("one", "two", "three")
    await me.opens("INBOX")
    await other.opens("INBOX (CONDSTORE)")
    await me(r"""
        C: a FETCH 1 MODSEQ
        S: * 1 FETCH (MODSEQ (<m>))
        S: a OK FETCH done
    """)
    await other(r"""
        C: a STORE 2 FLAGS.SILENT (\Deleted)
        S: * 2 FETCH (UID 2 MODSEQ (<n>))
        S: a OK STORE done
        C: b EXPUNGE
        S: * 2 EXPUNGE
        S: b OK EXPUNGE done
    """)
    await me(r"""
        C: b STORE 1 +FLAGS.SILENT (\Seen)
        S: * 1 FETCH (UID 1 MODSEQ (<o>))
        S: b OK [HIGHESTMODSEQ <low>] STORE done
        C: c FETCH 2:3 (UID)
        S: * 2 FETCH (UID 2)
        S: * 3 FETCH (UID 3)
        S: c OK FETCH done
        C: d NOOP
        S: * VANISHED 2
        S: d OK [HIGHESTMODSEQ <o>] NOOP done
    """)
    assert me.noted["m"] <= me.noted["low"] < me.noted["o"]


async def test_uid_fetch_vanished(server: Server, me: Client) -> None:
    server.deliver("one", "two", "three", "four")
    await me(r"""
        C: a SELECT INBOX
        S: * FLAGS (…)
        S: * OK [PERMANENTFLAGS (…)] …
        S: * 4 EXISTS
        S: * 4 RECENT
        S: * OK [UNSEEN 1] …
        S: * OK [UIDVALIDITY <v>] …
        S: * OK [UIDNEXT 5] …
        S: * OK [HIGHESTMODSEQ <m>] …
        S: a OK [READ-WRITE] SELECT done
        C: b STORE 1,4 FLAGS.SILENT (\Deleted)
        S: * 1 FETCH (UID 1 MODSEQ (<n>))
        S: * 4 FETCH (UID 4 MODSEQ (<n>))
        S: b OK STORE done
        C: c EXPUNGE
        S: * VANISHED 1,4
        S: c OK [HIGHESTMODSEQ <o>] EXPUNGE done
        C: d STORE 1 FLAGS.SILENT (\Seen)
        S: * 1 FETCH (UID 2 MODSEQ (<p>))
        S: d OK STORE done
    """)
    since = me.noted["m"]
    await me(rf"""
        C: e UID FETCH 1:* FLAGS (CHANGEDSINCE {since} VANISHED)
        S: * VANISHED (EARLIER) 1,4
        S: * 1 FETCH (UID 2 FLAGS (\Seen \Recent) MODSEQ (<p>))
        S: e OK FETCH done
        C: f UID FETCH 2:3 FLAGS (CHANGEDSINCE {since} VANISHED)
        S: * 1 FETCH (UID 2 FLAGS (\Seen \Recent) MODSEQ (<p>))
        S: f OK FETCH done
        C: g UID FETCH 1:* FLAGS (CHANGEDSINCE {me.noted["p"]} VANISHED)
        S: g OK FETCH done
        C: h FETCH 1:* FLAGS (CHANGEDSINCE {since} VANISHED)
        S: h BAD …
        C: i UID FETCH 1:* FLAGS (VANISHED)
        S: i BAD …
        C: j UID FETCH 1:3 FLAGS (CHANGEDSINCE 1 VANISHED)
        S: * VANISHED (EARLIER) 1
        S: * 1 FETCH (UID 2 FLAGS (\Seen \Recent) MODSEQ (<p>))
        S: * 2 FETCH (UID 3 FLAGS (\Recent) MODSEQ (<q>))
        S: j OK FETCH done
    """)


async def test_select_qresync(server: Server, me: Client, other: Client) -> None:
    server.deliver(*"abcdefgh")
    await other(r"""
        C: a SELECT INBOX (CONDSTORE)
        S: * FLAGS (…)
        S: * OK [PERMANENTFLAGS (…)] …
        S: * 8 EXISTS
        S: * 8 RECENT
        S: * OK [UNSEEN 1] …
        S: * OK [UIDVALIDITY <v>] …
        S: * OK [UIDNEXT 9] …
        S: * OK [HIGHESTMODSEQ <m>] …
        S: a OK [READ-WRITE] SELECT done
        C: b STORE 2:3,7 FLAGS.SILENT (\Deleted)
        C: c EXPUNGE
        C: d STORE 5 FLAGS.SILENT (\Flagged)
    """)
    while not (line := await other.line()).startswith("d OK"):
        last = line
    highest = last.partition("MODSEQ (")[2].rstrip(")")
    validity, since = other.noted["v"], other.noted["m"]
    greeting = rf"""
        S: * FLAGS (…)
        S: * OK [PERMANENTFLAGS (…)] …
        S: * 5 EXISTS
        S: * 0 RECENT
        S: * OK [UNSEEN 1] …
        S: * OK [UIDVALIDITY {validity}] …
        S: * OK [UIDNEXT 9] …
        S: * OK [HIGHESTMODSEQ {highest}] …
    """
    await me(f"C: a SELECT INBOX (QRESYNC ({validity} {since}))")
    await me(greeting)
    await me(rf"""
        S: * VANISHED (EARLIER) 2:3,7
        S: * 5 FETCH (UID 8 FLAGS (\Flagged) MODSEQ ({highest}))
        S: a OK [READ-WRITE] SELECT done
    """)
    await me(f"C: b SELECT INBOX (QRESYNC ({validity} {since} 3:5,7))")
    await me("S: * OK [CLOSED] …")
    await me(greeting)
    await me(r"""
        S: * VANISHED (EARLIER) 3,7
        S: b OK [READ-WRITE] SELECT done
    """)
    await me(f"C: c SELECT INBOX (QRESYNC ({validity + 1} {since}))")
    await me("S: * OK [CLOSED] …")
    await me(greeting)
    await me("S: c OK [READ-WRITE] …")
    await me(f"C: d SELECT INBOX (QRESYNC ({validity} 1 1:8 (2:4,99 4,5:6,99)))")
    await me("S: * OK [CLOSED] …")
    await me(greeting)
    await me(r"""
        S: * VANISHED (EARLIER) 7
        S: * 1 FETCH (UID 1 FLAGS () MODSEQ (…))
        S: * 2 FETCH (UID 4 FLAGS () MODSEQ (…))
        S: * 3 FETCH (UID 5 FLAGS () MODSEQ (…))
        S: * 4 FETCH (UID 6 FLAGS () MODSEQ (…))
    """)
    await me(rf"""
        S: * 5 FETCH (UID 8 FLAGS (\Flagged) MODSEQ ({highest}))
        S: d OK [READ-WRITE] SELECT done
    """)


async def test_match_data_over_all_numbers_costs_nothing(server: Server, me: Client) -> None:
    server.deliver("one")
    await me(r"""
        C: a STATUS INBOX (UIDVALIDITY)
        S: * STATUS INBOX (UIDVALIDITY <v>)
        S: a OK STATUS done
    """)
    everything = "1:4294967295"
    known = f"{me.noted['v']} 1 {everything} ({everything} {everything})"
    await me.opens(f"INBOX (QRESYNC ({known}))")


async def test_qresync_has_to_be_enabled(other: Client) -> None:
    await other.opens("INBOX")
    await other(r"""
        C: a SELECT INBOX (QRESYNC (1 1))
        S: a BAD …
        C: b CHECK
        S: b OK CHECK done
    """)


async def test_idle_tells_how_far_it_came(server: Server, me: Client) -> None:
    server.deliver("one", "two")
    await me.opens("INBOX")
    await me(r"""
        C: a IDLE
        S: + idling
    """)
    server.beside.files("INBOX")[0].unlink()
    await me(r"""
        S: * VANISHED 1
        S: * OK [HIGHESTMODSEQ <m>] …
        C: DONE
        S: a OK IDLE done
    """)


async def test_close_says_no_modseq(server: Server, me: Client) -> None:
    server.deliver("one")
    await me.opens("INBOX")
    await me(r"""
        C: a STORE 1 FLAGS.SILENT (\Deleted)
        S: * 1 FETCH (UID 1 MODSEQ (<m>))
        S: a OK STORE done
        C: b CLOSE
        S: b OK CLOSE done
    """)


async def test_what_came_and_went_is_not_mentioned(
    server: Server, me: Client, other: Client
) -> None:
    await me.opens("INBOX")
    await other.opens("INBOX")
    await other(r"""
        C: a APPEND INBOX (\Deleted) {2+}
        C: hi
        S: * 1 EXISTS
        S: * 0 RECENT
        S: a OK …
        C: b EXPUNGE
        S: * 1 EXPUNGE
        S: b OK EXPUNGE done
    """)
    await me("""
        C: a NOOP
        S: a OK NOOP done
    """)


async def test_status_tells_what_it_counts_in(server: Server, me: Client) -> None:
    """The index can be ahead of what was announced; STATUS reads the index."""
    server.deliver("one")
    await me.opens("INBOX")
    index = server.account.index
    with index.snapshot() as snapshot:
        row = snapshot.mailbox_named(("INBOX",))
    assert row is not None
    ahead = replace(
        row, highestmodseq=row.highestmodseq + 1, keywords=("",) * LETTER_KEYWORDS + ("late",)
    )

    def change(batch: Batch) -> None:
        batch.put_mailbox(ahead)
        batch.set_mask(row.id, 1, ahead.highestmodseq, keyword_bit(LETTER_KEYWORDS))

    await trio.to_thread.run_sync(index.write, change)
    await me(f"""
        C: a STATUS INBOX (HIGHESTMODSEQ)
        S: * FLAGS (…)
        S: * OK [PERMANENTFLAGS (…)] …
        S: * 1 FETCH (UID 1 FLAGS (late \\Recent) MODSEQ ({ahead.highestmodseq}))
        S: * STATUS INBOX (HIGHESTMODSEQ {ahead.highestmodseq})
        S: a OK STATUS done
    """)
    after = replace(ahead, highestmodseq=ahead.highestmodseq + 1)

    def undo(batch: Batch) -> None:
        """The folder knows nothing of this keyword."""
        batch.put_mailbox(after)
        batch.set_mask(row.id, 1, after.highestmodseq, 0)

    await trio.to_thread.run_sync(index.write, undo)


async def test_a_code_does_not_stand_in_a_bad(server: Server, me: Client, other: Client) -> None:
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
        C: a MOVE 99 INBOX
        S: * VANISHED 1
        S: * OK [HIGHESTMODSEQ <m>] …
        S: a BAD …
    """)
