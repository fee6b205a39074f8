"""Keywords beyond the letters of the file names: kept in the index, and in a file of the folder.

Theory of operation. The file (`maildir.letterless`) is what is left of these keywords when the
index is lost. A request that changes some has the folder say so, durably, before it changes the
index, and first of all where it can: what is said of messages that are not there yet, or not
changed yet, does no harm, while an answered OK must hold. What fails on the way is taken back.
Messages that other programs removed are said to have none, for their files may come back, and are
new messages then. Folders without such keywords have no file, and pay nothing.

While the index is sound it counts. It keeps, from the same commit, how the file was left (its
*position*). Where the file is found otherwise a turn didn't come to its commit, or somebody else
was there: the file is then written anew from the index, so that a later loss brings no flag that
nobody ever saw. So it is

- at the start, when the folder is first asked what it says (`heeding`);
- when the position isn't known, or isn't that of the file, at the next change;
- at the end of a turn, where what happened may not be what was said (`doubt`): others renamed the
  files of a STORE meanwhile, a keyword got a letter. Should that fail, no position is kept, and it
  is done at the next change or start.

When the index is new to the folder, or older than what clients were told, the file counts instead.
A keyword that has a letter by now goes into the file names then.
"""

import logging
import os
from collections.abc import Collection, Mapping
from contextlib import suppress
from functools import partial
from typing import Final

from maildird.index.rows import MailboxRow, MessageRow
from maildird.mailbox.disk import Disk
from maildird.mailbox.keywords import named_letters
from maildird.mailbox.reconcile import base_of
from maildird.mailbox.turn import Turn
from maildird.mailbox.witness import read_witness
from maildird.maildir.folders import change_flags, folder_identity
from maildird.maildir.letterless import (
    Keywords,
    Position,
    append_letterless,
    cut_letterless,
    has_letterless,
    is_as_left,
    read_letterless,
    remove_letterless,
    write_letterless,
)
from maildird.terms.flags import (
    LETTER_KEYWORDS,
    LETTER_MASK,
    LETTERLESS_MASK,
    MAX_KEYWORDS,
    flag_names,
    keyword_bit,
)

logger = logging.getLogger(__name__)

_POSITION: Final = "letterless-"
"""What the names of the index's values begin with that keep positions; a mailbox's id follows."""


def say_letterless(turn: Turn, row: MailboxRow, masks: Mapping[bytes, int]) -> None:
    """Have the folder say which letterless keywords messages have from now on, by base name.

    OSError, and then the request has to fail: nothing was said. When it fails later, what was said
    is taken back.
    """
    if not masks:
        return
    folder, state = turn.folder(row), turn.disk.of(row.id)
    before, after = state.letterless, None
    try:
        if before is not None:
            after = append_letterless(folder, before, _grouped(row, masks))
        if after is None:
            after = write_letterless(folder, lambda: _all_keywords(turn, row, masks))
    except OSError:
        turn.disk.doubted.add(row.id)
        raise
    state.letterless = after
    turn.disk.doubted.discard(row.id)
    turn.moved.add(row.id)
    turn.on_failure(partial(_unsay, turn.disk, row.id, folder, before, after))


def unsay_gone(turn: Turn, row: MailboxRow, uids: Collection[int]) -> None:
    """Messages are about to be taken for gone: should their files come back, they are new ones."""
    if not _has_any(row):
        return
    gone = [m.uid for m in turn.batch.messages(row.id, uids) if m.mask & LETTERLESS_MASK]
    names = [turn.batch.name(row.id, uid) for uid in gone]
    try:
        say_letterless(turn, row, {base_of(name): 0 for name in names if name is not None})
    except OSError:
        doubt(turn, row)


def doubt(turn: Turn, row: MailboxRow) -> None:
    """What the folder says may not be what the index knows: it is said anew before the commit."""
    turn.disk.of(row.id).letterless = None
    turn.disk.doubted.add(row.id)


def compare_position(turn: Turn, row: MailboxRow) -> None:
    """Is the folder's file as a sound index left it? To be asked before anything is said."""
    folder, position = turn.folder(row), _kept_position(turn, row.id)
    if position is not None and is_as_left(folder, position):
        turn.disk.of(row.id).letterless = position
    elif position is not None or _has_any(row) or has_letterless(folder):
        doubt(turn, row)


def read_masks(
    turn: Turn, row: MailboxRow, bases: Collection[bytes]
) -> tuple[MailboxRow, dict[bytes, int], bool]:
    """Which keywords the folder says that messages have, as masks by base name.

    Those that have a letter by now are among them. Gives the row with all of them, and whether the
    messages that are not named have none: not so where the file is damaged, or lost. OSError.
    """
    folder = turn.folder(row)
    said = read_letterless(folder, bases) if has_letterless(folder) else None
    if said is not None or _has_any(row):
        doubt(turn, row)
    if said is None:
        return row, {}, False
    row, bits = _numbered(turn, row, set(said.keywords.values()))
    masks = {base: bits[names] for base, names in said.keywords.items()}
    return row, masks, not said.damaged


def give_letters(turn: Turn, row: MailboxRow, uid: int, letters: int) -> None:
    """Give a message keywords by letters in its name, if that can be; it keeps its MODSEQ."""
    message = turn.batch.message(row.id, uid) if letters else None
    name = None if message is None else turn.batch.name(row.id, uid)
    if message is None or name is None or not letters & ~message.mask:
        return
    mask = message.mask | letters
    with suppress(OSError):
        name = change_flags(turn.folder(row), name, mask, named_letters(row))
        turn.batch.set_name(row.id, uid, name)
        turn.batch.set_mask(row.id, uid, message.modseq, mask)


def take_over_letterless(turn: Turn, row: MailboxRow) -> None:
    """Have an older index know the letterless keywords that the folder says; MODSEQs stay. OSError.

    What the folder doesn't know stays, too.
    """
    if not (has_letterless(turn.folder(row)) or _has_any(row)):
        return
    uids = {base_of(name): uid for uid, name in turn.batch.names(row.id)}
    row, said, is_all = read_masks(turn, row, uids)
    columns = turn.batch.columns(row.id)
    known = {m.uid: m for m in map(MessageRow, columns.uids, columns.modseqs, columns.masks)}
    for base, uid in uids.items():
        if is_all or base in said:
            message, bits = known[uid], said.get(base, 0)
            mask = message.mask & ~LETTERLESS_MASK | bits & LETTERLESS_MASK
            if mask != message.mask:
                turn.batch.set_mask(row.id, uid, message.modseq, mask)
            give_letters(turn, row, uid, bits & LETTER_MASK)


def settle_letterless(turn: Turn) -> None:
    """At the end of a turn: what is in doubt is said anew, and positions go into the commit."""
    for mailbox in sorted(turn.disk.doubted):
        row = turn.batch.mailbox(mailbox)
        if row is not None:
            _say_anew(turn, row)
    turn.disk.doubted.clear()
    for mailbox in turn.moved:
        position = turn.disk.of(mailbox).letterless
        if turn.batch.mailbox(mailbox) is None or position is None:
            turn.batch.drop_meta(f"{_POSITION}{mailbox}")
        else:
            numbers = position.inode, position.size, position.anew
            turn.batch.put_meta(f"{_POSITION}{mailbox}", b"%d %d %d" % numbers)


def _kept_position(turn: Turn, mailbox: int) -> Position | None:
    """None also where it isn't what was kept: then the file is written anew."""
    kept = (turn.batch.meta(f"{_POSITION}{mailbox}") or b"").split()
    return Position(*map(int, kept)) if len(kept) == 3 and all(map(bytes.isdigit, kept)) else None


def _has_any(row: MailboxRow) -> bool:
    """Whether a mailbox has keywords without a letter."""
    return any(row.keywords[LETTER_KEYWORDS:])


def _say_anew(turn: Turn, row: MailboxRow) -> None:
    """Have the folder say what the index knows; if it can't be no position is kept."""
    folder, state = turn.folder(row), turn.disk.of(row.id)
    position = None
    try:
        if state.letterless is not None and is_as_left(folder, state.letterless):
            return
        if not _is_folder_of(row, folder):
            logger.debug("the keywords in %s have to wait", os.fsdecode(folder))
        elif max(turn.batch.columns(row.id).masks, default=0) & LETTERLESS_MASK:  # the highest bits
            position = write_letterless(folder, lambda: _all_keywords(turn, row, {}))
        else:
            remove_letterless(folder)
    except OSError as error:
        logger.warning("keywords without a letter can't be noted in their folder: %s", error)
    state.letterless = position
    turn.moved.add(row.id)
    turn.on_failure(partial(_unsay, turn.disk, row.id, folder, None, position))


def _is_folder_of(row: MailboxRow, folder: bytes) -> bool:
    return folder_identity(folder) == row.identity or read_witness(folder).is_of(row.guid) is True


def _unsay(
    disk: Disk, mailbox: int, folder: bytes, before: Position | None, after: Position | None
) -> None:
    """Take back what was said since `before`; what can't be is said anew in the next turn."""
    state = disk.of(mailbox)
    is_last = state.letterless == after
    if before and after and is_last and cut_letterless(folder, after, before):
        state.letterless = before
    else:
        state.letterless = None
        disk.doubted.add(mailbox)


def _all_keywords(
    turn: Turn, row: MailboxRow, changed: Mapping[bytes, int]
) -> dict[Keywords, list[bytes]]:
    """Which messages have letterless keywords, some of them by `changed` and not by the index."""
    columns = turn.batch.columns(row.id)
    pairs = zip(columns.uids, columns.masks, strict=True)
    held = {uid: mask for uid, mask in pairs if mask & LETTERLESS_MASK}
    names = ((turn.batch.name(row.id, uid), mask) for uid, mask in held.items())
    known = {base_of(name): mask for name, mask in names if name is not None}
    grouped = _grouped(row, known | dict(changed))
    grouped.pop((), None)
    return grouped


def _grouped(row: MailboxRow, masks: Mapping[bytes, int]) -> dict[Keywords, list[bytes]]:
    """The messages by the letterless keywords that they have by their masks."""
    by_mask: dict[int, list[bytes]] = {}
    for base, mask in masks.items():
        by_mask.setdefault(mask & LETTERLESS_MASK, []).append(base)
    grouped: dict[Keywords, list[bytes]] = {}
    for mask, bases in by_mask.items():
        grouped.setdefault(flag_names(mask, row.keywords), []).extend(bases)
    return grouped


def _numbered(
    turn: Turn, row: MailboxRow, said: Collection[Keywords]
) -> tuple[MailboxRow, dict[Keywords, int]]:
    """The row with all keywords that were said, as far as there is room, and masks of each set."""
    keywords = list(row.keywords)
    keywords.extend([""] * (LETTER_KEYWORDS - len(keywords)))
    numbers = {name.lower(): number for number, name in enumerate(keywords) if name}
    for name in sorted({name for names in said for name in names}):
        if name.lower() in numbers:
            continue
        holes = (n for n, taken in enumerate(keywords) if n >= LETTER_KEYWORDS and not taken)
        number = next(holes, len(keywords))
        if number >= MAX_KEYWORDS:
            logger.warning("mailbox %s has no room for keyword %s", "/".join(row.parts), name)
            continue
        keywords[number:] = [name, *keywords[number + 1 :]]
        numbers[name.lower()] = number
    if len(numbers) > sum(map(bool, row.keywords)):
        row = turn.update(row.id, keywords=tuple(keywords))
    bits = {name: keyword_bit(number) for name, number in numbers.items()}
    return row, {
        names: sum({bits[name.lower()] for name in names if name.lower() in bits})
        for names in {(), *said}
    }
