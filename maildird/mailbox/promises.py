"""Promising, in each folder, which UIDs and MODSEQs clients may be told (`maildir.told`).

Theory of operation. Before a turn tells of a UID or a MODSEQ above what the folder promises, it
promises some more, so that this costs a sync of the disk now and then, and not at each change. The
first change of each folder after a server began is always such a time, for the server before it
ended with an exact promise, or was killed. The row keeps the MODSEQ that was promised last: an
index whose folder says another one is not the one that told it (`heeding`).

Mail has to be readable also where nothing can be written, and deletable on a full disk. A promise
that can't be made is therefore only logged, and tried again at each change.
"""

import logging
import os
from typing import Final

from maildird.index.environment import Index
from maildird.index.rows import MailboxRow
from maildird.mailbox.disk import Disk
from maildird.maildir.folders import folder_identity
from maildird.maildir.layouts import Layout
from maildird.maildir.told import Told, write_told

logger = logging.getLogger(__name__)

UIDS: Final = 1 << 10
MODSEQS: Final = 1 << 16
"""How far a promise goes; what was not told of it is lost when the index is lost with a kill."""

HIGHEST_UID: Final = (1 << 32) - 1


def promise(disk: Disk, folder: bytes, row: MailboxRow) -> int | None:
    """Have `folder` promise what `row` tells; gives the MODSEQ promised, None when it can't be."""
    state = disk.of(row.id)
    uidnext, modseq = state.promised
    if row.uidnext <= uidnext and row.highestmodseq <= modseq:
        return modseq
    told = Told(
        row.uidvalidity,
        min(row.uidnext + UIDS, HIGHEST_UID),
        row.highestmodseq + MODSEQS,
        row.guid,
    )
    try:
        if folder_identity(folder) != row.identity:
            return None
        state.inexact = True
        write_told(folder, told)
    except OSError as error:
        if not state.unpromised:
            logger.warning("what clients are told can't be noted in their folder: %s", error)
        state.unpromised = True
        return None
    state.promised, state.unpromised = (told.next_uid, told.modseq), False
    return told.modseq


def make_exact(index: Index, layout: Layout, disk: Disk) -> None:
    """Have all folders say exactly what was told; the server ends."""
    with index.snapshot() as snapshot:
        rows = [row for row in snapshot.mailboxes() if disk.of(row.id).inexact]
    for row in rows:
        folder = layout.directory(row.parts)
        told = Told(row.uidvalidity, row.uidnext, row.highestmodseq, row.guid, exact=True)
        try:
            if folder_identity(folder) == row.identity:
                write_told(folder, told)
        except OSError as error:
            logger.warning("%s can't say that all is written: %s", os.fsdecode(folder), error)
