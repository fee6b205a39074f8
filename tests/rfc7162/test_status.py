"""Section 3.1.7: STATUS with HIGHESTMODSEQ."""

from tests.rfc7162.client import Client
from tests.rfc7162.hosts import Host
from tests.rfc7162.responses import MailboxStatus
from tests.rfc7162.scenes import deliver, known, modseqs
from tests.rfc7162.statements import proves


async def highestmodseq(client: Client, mailbox: str) -> int:
    """What STATUS says of a mailbox."""
    status = (await client.do(f"STATUS {mailbox} (HIGHESTMODSEQ)")).one(MailboxStatus)
    assert status.name in (mailbox, mailbox.encode())
    return status.numbers["HIGHESTMODSEQ"]


@proves("3.1.7#1", "7 status-att", "7 status-att-val")
async def test_it_is_never_zero(host: Host, me: Client) -> None:
    assert await highestmodseq(me, "INBOX") > 0
    await me.do("CREATE empty")
    assert await highestmodseq(me, "empty") > 0
    await me.append("empty")
    assert await highestmodseq(me, "empty") > 0
    await me.do("RENAME empty renamed")
    assert await highestmodseq(me, "renamed") > 0


@proves("3.1.7#1")
async def test_it_is_what_opening_says(host: Host, me: Client, other: Client) -> None:
    deliver(host, 3)
    await me.do("SELECT INBOX (CONDSTORE)")
    await me.do("STORE 2 +FLAGS.SILENT (\\Seen)")
    status = await highestmodseq(other, "INBOX")
    assert status >= max((await modseqs(me)).values())
    assert (await other.do("EXAMINE INBOX")).highestmodseq == status


@proves("3.1.7#1")
async def test_it_stands_beside_other_items(host: Host, me: Client) -> None:
    deliver(host, 2)
    status = (await me.do("STATUS INBOX (UIDNEXT MESSAGES HIGHESTMODSEQ)")).one(MailboxStatus)
    assert status.numbers.keys() == {"UIDNEXT", "MESSAGES", "HIGHESTMODSEQ"}
    assert status.numbers["MESSAGES"] == 2


@proves("3.1.7#1")
async def test_it_grows_with_every_change(host: Host, me: Client, other: Client) -> None:
    deliver(host, 2)
    told = [await highestmodseq(other, "INBOX")]
    await me.do("SELECT INBOX (CONDSTORE)")
    stored = await me.do("STORE 1 +FLAGS (\\Seen)")
    told.append(await highestmodseq(other, "INBOX"))
    assert told[-1] >= known(stored.fetches[1].modseq)
    await me.append("INBOX")
    told.append(await highestmodseq(other, "INBOX"))
    deliver(host, 1)
    told.append(await highestmodseq(other, "INBOX"))
    await me.do("STORE 2 +FLAGS (\\Deleted)")
    told.append(await highestmodseq(other, "INBOX"))
    await me.do("EXPUNGE")
    told.append(await highestmodseq(other, "INBOX"))
    assert told == sorted(set(told))


@proves("3.1.7#1")
async def test_it_stays_where_nothing_changes(host: Host, me: Client, other: Client) -> None:
    deliver(host, 2)
    before = await highestmodseq(other, "INBOX")
    await me.do("SELECT INBOX")
    await me.do("FETCH 1:* (FLAGS BODY.PEEK[])")
    await me.do("STORE 1 -FLAGS (\\Seen)")
    assert await highestmodseq(other, "INBOX") == before
