"""The state directory goes away between a clean end and the next start; no client notices."""

import shutil
from pathlib import Path

from tests.clients.household import Household, look
from tests.clients.in_turn import connection, maildird
from tests.clients.lives import begin, deliver_three, expunge
from tests.clients.mbsync import Traffic

KEYWORDS = " ".join(f"keyword{number}" for number in range(45))
"""More than there are letters for."""

SLASH = ("--separator", "/")


async def test_without_the_state_directory(household: Household, tmp_path: Path) -> None:
    root = tmp_path / "Maildir"
    async with maildird(tmp_path, *SLASH) as stay:
        await begin(stay, root, "/")
        assert household.sync(stay) == Traffic(fetched=33 + 12 + 9 + 8)
        await household.visit(stay)
        async with connection(stay) as client:
            await client.do("SELECT INBOX")
            await client.do("STORE 1:3 +FLAGS (Fresh)")
            await client.do(f"STORE 4 +FLAGS ({KEYWORDS})")
            await client.do("STORE 5:8 +FLAGS (keyword40)")
            await client.do("STORE 6 -FLAGS (keyword40)")
            await expunge(client, "10,33")
        assert household.sync(stay) == Traffic()
        await household.visit(stay)
        account = await look(stay)
        household.has(account)
    inbox = account.mailboxes["INBOX"].flags.values()
    assert sum("keyword40" in flags for flags in inbox) == 4
    told = household.modseqs()

    shutil.rmtree(tmp_path / "state")
    async with maildird(tmp_path, *SLASH) as stay:
        await household.notices_nothing(stay, account)
        account.assert_unchanged(await look(stay))
    assert all(household.modseqs()[name] >= modseq for name, modseq in told.items())


async def test_without_the_state_directory_after_changes(
    household: Household, tmp_path: Path
) -> None:
    """While both are away, mail comes and goes and gets other flags: clients hear just of that."""
    root = tmp_path / "Maildir"
    async with maildird(tmp_path, *SLASH) as stay:
        await begin(stay, root, "/")
        household.sync(stay)
        await household.visit(stay)
        before = await look(stay)
    shutil.rmtree(tmp_path / "state")
    seen, unseen, *_ = sorted((root / "cur").iterdir())
    seen.unlink()
    unseen.rename(unseen.with_name(f"{unseen.name}F"))
    deliver_three(root / ".Trash", "while away")
    deliver_three(root / ".Work.Reports.2026", "while away")
    async with maildird(tmp_path, *SLASH) as stay:
        gone = await household.visit(stay)
        account = await look(stay)
        household.has(account)
        assert household.sync(stay) == Traffic(fetched=3)
        household.mbsync_notices_nothing(stay)
    before.assert_kept(account)
    (removed,) = before.mailboxes["INBOX"].messages.keys() & gone["INBOX"]
    assert removed not in account.mailboxes["INBOX"].messages
