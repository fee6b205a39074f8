"""The server of the convergence test, and the truth about its mailbox at a quiet point."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import trio
from trio.testing import wait_all_tasks_blocked

from maildird.imap.limits import Limits
from maildird.mailbox.opening import open_account
from maildird.mailbox.requests import ObserveTree
from maildird.session.describe import describe
from maildird.session.session import serve_account_session
from tests.dialogues.dialogue import Server
from tests.mailbox.world import Beside, settings_for
from tests.rfc7162.cache import Flags
from tests.rfc7162.client import Client, flags_of
from tests.rfc7162.responses import Fetch, MailboxStatus

LETTERS = {"D": "\\Draft", "F": "\\Flagged", "R": "\\Answered", "S": "\\Seen", "T": "\\Deleted"}
PATIENCE = 20
"""Seconds in which the server must have seen what is on disk."""

_SUBJECT = "BODY[HEADER.FIELDS (SUBJECT)]"


@dataclass(frozen=True, slots=True)
class Truth:
    """The mailbox as it is; `flags` and `subjects` by UID."""

    uidvalidity: int
    highestmodseq: int
    flags: dict[int, Flags]
    subjects: dict[int, str]


@asynccontextmanager
async def served(directory: Path, beside: Beside) -> AsyncIterator[Server]:
    """The server over `directory`; it may end while the disk is ahead of the index."""
    opening = open_account(settings_for(directory), describe)
    async with opening as account, trio.open_nursery() as nursery:
        serve = partial(serve_account_session, leftover=b"", account=account, limits=Limits())
        yield Server(account, beside, serve, nursery)
        nursery.cancel_scope.cancel()


async def the_truth(server: Server) -> Truth:
    """What a fresh session sees once that is what the disk has and nothing is on its way."""
    await _done_with_all(server)
    client = Client((await server.connect()).stream)
    selected = await client.do("EXAMINE INBOX (CONDSTORE)")
    uidvalidity = int(selected.argument("UIDVALIDITY") or 0)
    with trio.fail_after(PATIENCE):
        found = None
        while found is None or _system_flags(found) != _on_disk(server.beside.files("INBOX")):
            found = await _seen(client)
    subjects = {
        fetch.uid or 0: str(fetch.items["BODY[HEADER.FIELDS (SUBJECT)]"]) for fetch in found
    }
    status = await client.do("STATUS INBOX (HIGHESTMODSEQ)")
    await client.close()
    highestmodseq = status.one(MailboxStatus).numbers["HIGHESTMODSEQ"]
    return Truth(uidvalidity, highestmodseq, flags_of(found), subjects)


async def _seen(client: Client) -> list[Fetch] | None:
    """What a session sees; None while messages are there that can't be read any more."""
    await client.do("NOOP")
    fetched = await client.say("UID FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
    return list(fetched.fetches.values()) if fetched.tagged.condition == "OK" else None


async def _done_with_all(server: Server) -> None:
    """Return when the server is through with the commands of clients that have gone, too."""
    for _ in range(2):
        await wait_all_tasks_blocked()
        await server.account.door.ask(ObserveTree())


def _system_flags(fetched: Sequence[Fetch]) -> list[list[str]]:
    told = (fetch.flags for fetch in fetched)
    return sorted(sorted(f for f in flags or () if f in LETTERS.values()) for flags in told)


def _on_disk(files: Sequence[Path]) -> list[list[str]]:
    letters = (file.name.partition(":2,")[2] for file in files)
    return sorted(sorted(LETTERS[x] for x in info if x in LETTERS) for info in letters)
