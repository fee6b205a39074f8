"""A tree goes from Dovecot to maildird, back to Dovecot, and to maildird again.

An mbsync and a client with QRESYNC go with it and notice nothing but what was changed: no message
is fetched twice, none is told to be gone that is there, and UIDVALIDITY, UIDs, flags, keywords,
subscriptions and the list of mailboxes are the same. The way there is gone with the index of the
next server as it was left, and without it.

What can't be shown is a client that resynchronises with Dovecot: the MODSEQs that maildird told
mean nothing there (`household`). The flags that such a client has are those that Dovecot tells.
"""

import shutil
from pathlib import Path

import pytest

from tests.clients.household import Account, Household, look
from tests.clients.in_turn import Stay, connection, dovecot, maildird
from tests.clients.lives import SUMMER, append, begin, content, deliver_three, expunge
from tests.clients.maildirs import deliver, messages
from tests.clients.mbsync import Traffic

SLASH = ("--separator", "/")


@pytest.mark.usefixtures("dovecot_2_3")
@pytest.mark.parametrize("index", ["kept", "lost"])
async def test_there_and_back_again(household: Household, tmp_path: Path, index: str) -> None:
    root = tmp_path / "Maildir"
    async with dovecot(tmp_path) as stay:
        await begin(stay, root, "/")
        await household.visit(stay)
        long_away = household.copy()
        first = await live_with_dovecot(household, stay, root)
    async with maildird(tmp_path, *SLASH) as stay:
        await household.notices_nothing(stay, first)
        first.assert_unchanged(await look(stay))
        await long_away.visit(stay)
        long_away.has(first)
        second = await live_with_maildird(household, stay, root)
    assert_changed(first, second)

    if index == "lost":
        for path in [*root.rglob("dovecot.index*"), *root.rglob("dovecot.list.index*")]:
            path.unlink()
    async with dovecot(tmp_path) as stay:
        household.mbsync_notices_nothing(stay)
        back = await look(stay)
        second.assert_unchanged(back)
        household.has(back)
        third = await live_with_dovecot_again(household, stay, root)
    expunged = back.mailboxes["INBOX"].messages.keys() - third.mailboxes["INBOX"].messages.keys()
    assert len(expunged) == 2

    if index == "lost":
        shutil.rmtree(tmp_path / "state")
    async with maildird(tmp_path, *SLASH) as stay:
        gone = await household.notices_nothing(stay, third)
        third.assert_unchanged(await look(stay))
    assert gone["INBOX"] >= expunged
    assert index == "lost" or gone["INBOX"] == expunged


async def live_with_dovecot(household: Household, stay: Stay, root: Path) -> Account:
    """Changes in a new tree, which both clients get to know."""
    async with connection(stay) as client:
        await client.do("CREATE INBOX/Inner")
        await client.do("SELECT INBOX")
        await client.do("COPY 1:2 INBOX/Inner")
        await client.do("STORE 5 +FLAGS (Elsewhere)")
        await expunge(client, "15")
    assert household.sync(stay) == Traffic(fetched=32 + 2 + 12 + 9 + 8)
    await household.visit(stay)
    account = await look(stay)
    household.has(account)
    household.mbsync_notices_nothing(stay)
    assert_mirrored(household, root)
    assert account.mailboxes["INBOX"].uidnext == 38
    return account


async def live_with_maildird(household: Household, stay: Stay, root: Path) -> Account:
    """Changes of all kinds, which both clients hear of."""
    async with connection(stay) as client:
        await client.do("SELECT INBOX")
        await client.do("STORE 1 +FLAGS (\\Flagged Fresh)")
        await client.do("STORE 2,8 FLAGS (\\Seen custom)")
        await client.do("STORE 9 -FLAGS ($Junk)")
        await append(client, "INBOX", "appended", "\\Answered $Label1")
        await client.do("COPY 7:9 Work")
        await expunge(client, "10,32")
        await client.do("CREATE Plans")
        await client.do("SUBSCRIBE Plans")
        await client.do("UNSUBSCRIBE Work")
        await client.do("RENAME Work/Reports/2026 Archive/2026")
    deliver(root / f".{SUMMER}", "1700001000.M1P1.post", content("delivered"))
    assert household.sync(stay).fetched == 1 + 3 + 9 + 1
    await household.visit(stay)
    account = await look(stay)
    household.has(account)
    household.mbsync_notices_nothing(stay)
    assert_mirrored(household, root)
    return account


def assert_changed(first: Account, second: Account) -> None:
    """What was done with maildird, and nothing else."""
    first.assert_kept(second)
    assert second.subscribed == first.subscribed - {"Work"} | {"Plans"}
    assert second.names.keys() >= {"Archive", "Archive/2026", "Plans"}
    assert "Work/Reports/2026" not in second.names
    before, now = first.mailboxes["INBOX"], second.mailboxes["INBOX"]
    assert len(before.messages.keys() - now.messages.keys()) == 2
    assert now.flags[now.uid("appended")] == {"\\Answered", "$Label1"}
    assert now.flags[1] == before.flags[1] | {"\\Flagged", "Fresh"}
    assert now.flags[2] == {"\\Seen", "Custom"}
    copied = [each for uid, each in second.mailboxes["Work"].messages.items() if uid > 13]
    assert copied == [now.messages[uid] for uid in sorted(now.messages)[6:9]]


async def live_with_dovecot_again(household: Household, stay: Stay, root: Path) -> Account:
    """Arrivals, removals and flags while maildird is away."""
    async with connection(stay) as client:
        await client.do("SELECT INBOX")
        await client.do("STORE 1 -FLAGS (Fresh)")
        await client.do("STORE 4 +FLAGS (\\Answered Fresh Elsewhere)")
        await append(client, "INBOX", "appended again", "Elsewhere")
        await client.do("COPY 5 Plans")
        await expunge(client, "2,20")
    deliver_three(root / ".Plans", "planned")
    assert household.sync(stay).fetched == 1 + 1 + 3
    household.mbsync_notices_nothing(stay)
    assert_mirrored(household, root)
    return await look(stay)


def assert_mirrored(household: Household, root: Path) -> None:
    """mbsync has what lies on disk."""
    near = household.mbsync.near
    assert messages(near / "INBOX") == messages(root)
    assert messages(near / "Work") == messages(root / ".Work")
