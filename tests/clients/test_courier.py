"""A tree comes from Courier to maildird, with clients that must not notice.

Courier's own files stay as they are, so this is one way: what is given, moved and removed here, it
never hears of. It spells folder names in UTF-8 since its version 5.
"""

import shutil
from pathlib import Path

from tests.clients.household import Household, look
from tests.clients.in_turn import connection, courier, maildird
from tests.clients.lives import append, begin, expunge
from tests.clients.mbsync import Traffic
from tests.rfc7162.cache import Kind

PREFIX = ("--prefix", "INBOX.")


async def test_from_courier(household: Household, tmp_path: Path, unpacked_courier: Path) -> None:
    root = tmp_path / "Maildir"
    async with courier(tmp_path, unpacked_courier) as stay:
        await begin(stay, root, ".")
        assert household.sync(stay) == Traffic(fetched=33 + 12 + 9 + 8)
        await household.visit(stay, Kind.PLAIN)
        first = await look(stay)
        household.has(first)
        household.mbsync_notices_nothing(stay)
    assert (root / "courierimapuiddb").is_file()
    assert {"$Junk", "Custom", "MixedCase"} <= keywords(first.mailboxes["INBOX"].flags)
    household.begin_with_modseqs()
    async with maildird(tmp_path, *PREFIX) as stay:
        await household.notices_nothing(stay, first)
        there = await look(stay)
        first.assert_unchanged(there)
        assert there.mailboxes["INBOX"].uidnext == 38
        async with connection(stay) as client:
            await client.do("SELECT INBOX.Work")
            await client.do("STORE 1 +FLAGS (Fresh)")
            await append(client, "INBOX.Work", "appended", "$Junk")
            await expunge(client, "2,12")
            await client.do("UNSUBSCRIBE INBOX.Work")
        assert household.sync(stay) == Traffic(fetched=1)
        await household.visit(stay)
        second = await look(stay)
        household.has(second)
    first.assert_kept(second)
    assert second.subscribed == first.subscribed - {"INBOX.Work"}

    shutil.rmtree(tmp_path / "state")
    async with maildird(tmp_path, *PREFIX) as stay:
        await household.notices_nothing(stay, second)
        second.assert_unchanged(await look(stay))


def keywords(flags: dict[int, frozenset[str]]) -> set[str]:
    """All that messages have."""
    return {flag for each in flags.values() for flag in each if not flag.startswith("\\")}
