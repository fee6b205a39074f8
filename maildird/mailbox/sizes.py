"""STATUS (SIZE), RFC 8438: the sum of all RFC822.SIZE, for which unknown messages are read."""

import os
from collections.abc import Callable, Mapping
from typing import Final

import trio

from maildird.index.environment import Index
from maildird.index.rows import Facts
from maildird.mailbox.door import Door
from maildird.mailbox.requests import Learn
from maildird.maildir.content import read_content

Describe = Callable[[bytes, int], Facts]
"""Computes the facts of a message from its wire form and internal date (Unix seconds)."""

PORTION: Final = 256
"""So many messages are read in one thread call."""


async def total_size(
    index: Index, door: Door, describe: Describe, mailbox: int, folder: bytes
) -> int:
    """The sum in octets; OSError when a message can't be read."""
    with index.snapshot() as snapshot:
        known = snapshot.sizes(mailbox)
        unknown = sorted(set(snapshot.columns(mailbox).uids) - set(known.uids))
        names = {uid: snapshot.name(mailbox, uid) for uid in unknown}
    total = sum(known.sizes)
    for start in range(0, len(unknown), PORTION):
        some = {uid: names[uid] for uid in unknown[start : start + PORTION]}
        size, learnt = await trio.to_thread.run_sync(_describe_all, describe, folder, some)
        total += size
        if learnt:
            door.post(Learn(mailbox, learnt))
    return total


def _describe_all(
    describe: Describe, folder: bytes, names: Mapping[int, bytes | None]
) -> tuple[int, dict[int, Facts]]:
    """The sum for some messages, and facts of those whose files are at rest."""
    total, learnt = 0, {}
    for uid, name in names.items():
        if name is not None:
            try:
                content = read_content(os.path.join(folder, name))
            except FileNotFoundError:
                continue
            facts = describe(content.data, content.internaldate)
            total += facts.size
            if content.at_rest:
                learnt[uid] = facts
    return total, learnt
