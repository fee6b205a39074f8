"""Promising, in each folder, which UIDs and MODSEQs clients may be told (`maildir.told`).

Theory of operation. Before a turn tells of a UID or a MODSEQ above what the folder promises, it
promises some more, so that this costs a sync of the disk now and then, and not at each change. The
first change of each folder after a server began is always such a time, for the server before it
ended with an exact promise, or was killed. The row keeps the MODSEQ that was promised last: an
index whose folder says another one is not the one that told it (`heeding`).

Mail has to be readable also where nothing can be written, and deletable on a full disk. So all goes
on where no promise can be made, which is tried again at each change. But then what was promised
before holds no longer, and that is said first, which needs no room (`told`). Only where the file
can neither be written nor removed it holds for ever: there no client can have new messages made,
while flags may change and mail that others deliver is shown. Should the index be lost with a kill
then, and the uidlist not be written, and the file be writable again, nothing tells that UIDs of
such mail were told; one that is no more may be given again.

A server that ends in order says what was told exactly, unless another one wrote in the meantime.
"""

import logging
import os
from dataclasses import replace
from typing import Final

from maildird.index.environment import Index
from maildird.index.rows import MailboxRow
from maildird.mailbox.disk import Disk, FolderState
from maildird.maildir.folders import folder_identity
from maildird.maildir.layouts import Layout
from maildird.maildir.told import Told, break_told, read_told, write_told
from maildird.terms.numbers import HIGHEST_MODSEQ, HIGHEST_UID

logger = logging.getLogger(__name__)

UIDS: Final = 1 << 10
MODSEQS: Final = 1 << 16
"""How far a promise goes; what was not told of it is lost when the index is lost with a kill."""


def promise(disk: Disk, folder: bytes, row: MailboxRow) -> int | None:
    """Have `folder` promise what `row` tells, and give the MODSEQ promised.

    0 when it promises nothing any more, None when it says what it said.
    """
    state = disk.of(row.id)
    uidnext, modseq = state.promised
    if row.uidnext <= uidnext and row.highestmodseq <= modseq:
        return modseq
    if not _is_folder_of(row, folder):
        return None
    state.inexact = True
    try:
        told = _farther(row, read_told(folder))
        write_told(folder, told)
    except OSError as error:
        if not state.unpromised:
            logger.warning("what clients are told can't be noted in their folder: %s", error)
        state.unpromised = True
        return _break(folder, state)
    state.promised, state.unpromised, state.bound = (told.next_uid, told.modseq), False, None
    state.said = told
    return told.modseq


def _is_folder_of(row: MailboxRow, folder: bytes) -> bool:
    try:
        return folder_identity(folder) == row.identity
    except OSError:
        return False


def _farther(row: MailboxRow, standing: Told | None) -> Told:
    """A promise that goes farther than `row`, and not less far than the one that stands."""
    told = Told(
        row.uidvalidity,
        min(row.uidnext + UIDS, HIGHEST_UID),
        min(row.highestmodseq + MODSEQS, HIGHEST_MODSEQ),
        row.guid,
    )
    if standing is None or (standing.uidvalidity, standing.guid) != (told.uidvalidity, told.guid):
        return told
    return replace(
        told,
        next_uid=max(told.next_uid, standing.next_uid),
        modseq=max(told.modseq, standing.modseq),
    )


def _break(folder: bytes, state: FolderState) -> int | None:
    """Have what the folder promises hold no longer; None when that can't be, and it binds us."""
    try:
        break_told(folder)
        state.said, state.bound = read_told(folder), None
    except OSError as error:
        if state.bound is None:
            logger.error("clients can't add mail to this folder: %s", error)
        state.bound = state.said.next_uid if state.said is not None else 0
        return None
    state.promised = (0, 0)
    return 0


def make_exact(index: Index, layout: Layout, disk: Disk) -> None:
    """Have all folders say exactly what was told; the server ends."""
    with index.snapshot() as snapshot:
        rows = [row for row in snapshot.mailboxes() if disk.of(row.id).inexact]
    for row in rows:
        folder = layout.directory(row.parts)
        told = Told(row.uidvalidity, row.uidnext, row.highestmodseq, row.guid, exact=True)
        try:
            if _is_folder_of(row, folder) and read_told(folder) == disk.of(row.id).said:
                write_told(folder, told)
        except OSError as error:
            logger.warning("%s can't say that all is written: %s", os.fsdecode(folder), error)
