"""Every invariant that the tables keep among each other.

What is checked against the Maildir is not here: this page knows the index alone. A finding means a
mistake in the code or a damaged disk; as the index is disposable, the cure is to remove it.

A big index is read in a fraction of a second, which somebody waits for: whole columns are compared
first, and only where they differ the records one by one.
"""

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import lt, ne
from typing import Any, Final, TypeVar
from zlib import crc32

from maildird.index.rows import FactKind, MailboxRow
from maildird.index.schema import (
    BASE_END,
    FACT_KEY,
    FILE_HEAD,
    LAST_ID_KEY,
    NUMBER,
    SOUND,
    TOMBSTONE,
    base_of,
    folder_key,
)
from maildird.index.snapshots import Snapshot
from maildird.terms.flags import (
    LETTER_MASK,
    MAX_KEYWORDS,
    SEEN,
    SYSTEM_FLAGS,
    keyword_bit,
)

_BY_MAILBOX: Final = (
    "messages",
    "changes",
    "gone",
    "files",
    "bases",
    "sizes",
    "facts",
    "unseen",
)

_SUBDIRS: Final = (b"cur/", b"new/")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Finding:
    """An invariant that doesn't hold, in one sentence; `mailbox` is None where none is to blame."""

    mailbox: int | None
    what: str

    def __str__(self) -> str:
        return self.what if self.mailbox is None else f"mailbox {self.mailbox}: {self.what}"


def check(snapshot: Snapshot) -> list[Finding]:
    """Everything that is wrong in the index; reads all of it."""
    rows = snapshot.mailboxes()
    findings = [
        Finding(None, what) for part in (_folders, _strays, _facts) for what in part(snapshot, rows)
    ]
    for row in rows:
        findings += [
            Finding(row.id, what)
            for part in (_row, _messages, _changes, _files, _tombstones, _sizes)
            for what in part(snapshot, row)
        ]
    return findings


def _folders(snapshot: Snapshot, rows: list[MailboxRow]) -> Iterator[str]:
    """Each mailbox is found by its parts, and nothing else is."""
    if {NUMBER.pack(row.id) for row in rows} != set(snapshot.keys("mailboxes")):
        yield "a mailbox is kept under another id than its own"
    if {folder_key(row.parts) for row in rows} != set(snapshot.keys("folders")):
        yield "folders and mailboxes don't name the same parts"
    for row in rows:
        if snapshot.mailbox_named(row.parts) != row:
            yield f"{row.parts!r} doesn't lead to mailbox {row.id}"
    last_id = snapshot.meta(LAST_ID_KEY.decode("ascii"))
    if rows and (last_id is None or NUMBER.unpack(last_id)[0] < max(row.id for row in rows)):
        yield "a mailbox id that is in use would be allotted again"


def _strays(snapshot: Snapshot, rows: list[MailboxRow]) -> Iterator[str]:
    """A mailbox that was dropped has left nothing."""
    ids = {row.id for row in rows}
    for table in _BY_MAILBOX:
        for mailbox in sorted({NUMBER.unpack_from(key)[0] for key in snapshot.keys(table)} - ids):
            yield f"{table} has records of mailbox {mailbox}, which isn't there"


def _facts(snapshot: Snapshot, rows: list[MailboxRow]) -> Iterator[str]:
    """Facts of each kind and sizes are known of the same messages, and are what was written."""
    known: dict[tuple[int, int], array[int]] = defaultdict(lambda: array("Q"))
    for key, value in snapshot.raw_facts():
        mailbox, kind, uid = FACT_KEY.unpack(key)
        known[mailbox, kind].append(uid)
        if crc32(value, uid) != SOUND:
            yield f"what is known of UID {uid} in mailbox {mailbox} is not what was written"
    for row in rows:
        sized = snapshot.sizes(row.id).uids
        for uid, record in zip(sized, snapshot.records("sizes", row.id), strict=True):
            if crc32(record) != SOUND:
                yield f"the size of UID {uid} in mailbox {row.id} is not what was written"
        for kind in FactKind:
            uids = known.pop((row.id, kind), array("Q"))
            for uid in sorted(set(uids) ^ set(sized)) if uids != sized else ():
                yield f"only one of size and facts is known of UID {uid} in mailbox {row.id}"
    for mailbox, kind in known:
        yield f"facts of kind {kind} are known of mailbox {mailbox}"


def _row(_: Snapshot, row: MailboxRow) -> Iterator[str]:
    """The numbers of a mailbox are possible by themselves."""
    if not row.parts or not all(row.parts):
        yield f"{row.parts!r} is no mailbox's name"
    if not 0 < row.uidvalidity < 1 << 32:
        yield f"UIDVALIDITY {row.uidvalidity} is not a number from 1 to 2^32 - 1"
    if not 0 < row.uidnext <= 1 << 32:
        yield f"UIDNEXT {row.uidnext} is not a number from 1 to 2^32"
    if not 0 < row.highestmodseq < 1 << 63:
        yield f"HIGHESTMODSEQ {row.highestmodseq} is not a number from 1 to 2^63 - 1"
    if row.pruned_modseq > row.highestmodseq:
        yield f"tombstones are pruned up to {row.pruned_modseq}, above HIGHESTMODSEQ"
    if row.first_recent > row.uidnext:
        yield f"the first recent UID {row.first_recent} lies above UIDNEXT"
    if len(row.guid) != 16:
        yield f"a GUID has 16 octets, not {len(row.guid)}"
    if len(row.keywords) > MAX_KEYWORDS:
        yield f"{len(row.keywords)} keywords are more than {MAX_KEYWORDS}"
    yield from _repeated("keyword", sorted(name.lower() for name in row.keywords if name))


def _messages(snapshot: Snapshot, row: MailboxRow) -> Iterator[str]:
    """Messages have numbers below those told, and flags that have a name or a letter."""
    known = LETTER_MASK
    for bit in SYSTEM_FLAGS.values():
        known |= bit
    for number, name in enumerate(row.keywords):
        known |= keyword_bit(number) if name else 0
    messages = snapshot.columns(row.id)
    uids, modseqs, masks = messages.uids, messages.modseqs, messages.masks
    yield from _repeated("UID", uids)
    yield from _numbers(row, uids, modseqs)
    flags = Counter(masks)
    strange = {mask for mask in flags if mask & ~known}
    for uid, mask in zip(uids, masks, strict=True) if strange else ():
        if mask in strange:
            yield f"UID {uid} has flags without a name: {mask & ~known:#x}"
    unseen = sum(count for mask, count in flags.items() if not mask & SEEN)
    if unseen != snapshot.unseen_count(row.id):
        yield f"{unseen} messages are unseen, not {snapshot.unseen_count(row.id)}"
    if len(uids) != snapshot.message_count(row.id):
        yield f"{len(uids)} messages are there, not {snapshot.message_count(row.id)}"


def _changes(snapshot: Snapshot, row: MailboxRow) -> Iterator[str]:
    """Changes are the messages, in another order."""
    columns = snapshot.columns(row.id)
    messages = list(zip(columns.modseqs, columns.uids, columns.masks, strict=True))
    messages.sort()
    changes = list(zip(*snapshot.changes(row.id), strict=True))
    for modseq, uid, _ in sorted(set(messages) ^ set(changes)) if messages != changes else ():
        yield f"UID {uid} with MODSEQ {modseq} is not the same in messages and changes"


def _files(snapshot: Snapshot, row: MailboxRow) -> Iterator[str]:
    """Each message has one name and one base name, which is part of the name; nothing else has."""
    uids = snapshot.columns(row.id).uids.tolist()
    named, of_files = [], []
    for file in snapshot.records("files", row.id):
        uid, length = FILE_HEAD.unpack_from(file)
        base = base_of(file)
        named.append(uid)
        of_files.append(base + BASE_END + file[: NUMBER.size])
        if not length or len(base) != length or file[FILE_HEAD.size :][:4] not in _SUBDIRS:
            name = file[FILE_HEAD.size :]
            yield f"UID {uid} has {name!r} for a name and {base!r} for a base name"
    yield from _differences("UID", "messages", uids, "files", named)
    bases = list(snapshot.records("bases", row.id))
    of_files.sort()
    yield from _differences("base name", "files", of_files, "bases", bases)
    tail = len(BASE_END) + NUMBER.size
    yield from _repeated("base name", [record[:-tail] for record in bases])


def _tombstones(snapshot: Snapshot, row: MailboxRow) -> Iterator[str]:
    """A UID is expunged once, for ever, and at a MODSEQ that was not pruned."""
    tombstones = [TOMBSTONE.unpack(record) for record in snapshot.records("gone", row.id)]
    uids, modseqs = [uid for _, uid in tombstones], [modseq for modseq, _ in tombstones]
    yield from _repeated("tombstone of UID", sorted(uids))
    yield from _numbers(row, uids, modseqs)
    alive = set(snapshot.columns(row.id).uids) if tombstones else set()
    for modseq, uid in tombstones:
        if uid in alive:
            yield f"UID {uid} is both there and expunged"
        if modseq <= row.pruned_modseq:
            yield f"the tombstone of UID {uid} at {modseq} should have been pruned"


def _sizes(snapshot: Snapshot, row: MailboxRow) -> Iterator[str]:
    """Sizes are known once, and only of messages that are there."""
    sized, uids = snapshot.sizes(row.id).uids, snapshot.columns(row.id).uids
    yield from _repeated("size of UID", sized)
    for uid in sorted(set(sized) - set(uids)) if sized != uids else ():
        yield f"the size of UID {uid} is known, which isn't there"


def _numbers(row: MailboxRow, uids: Sequence[int], modseqs: Sequence[int]) -> Iterator[str]:
    for uid in _outside(uids, row.uidnext - 1):
        yield f"UID {uid} is not from 1 to below UIDNEXT {row.uidnext}"
    for modseq in _outside(modseqs, row.highestmodseq):
        uid = uids[modseqs.index(modseq)]
        yield f"MODSEQ {modseq} of UID {uid} is not from 1 to {row.highestmodseq}"


def _outside(numbers: Sequence[int], most: int) -> Iterator[int]:
    """Those that are not from 1 to `most`."""
    if numbers and (min(numbers) < 1 or max(numbers) > most):
        yield from (number for number in numbers if not 0 < number <= most)


def _repeated(what: str, values: Sequence[Any]) -> Iterator[str]:
    """What stands more than once in a sorted sequence."""
    if all(map(lt, values, values[1:])):
        return
    for value, count in Counter(values).items():
        if count > 1:
            yield f"{what} {value!r} is there {count} times"


def _differences(
    what: str, one: str, values: list[T], other: str, other_values: list[T]
) -> Iterator[str]:
    """Where two sorted lists don't hold the same, each value once."""
    if values == other_values and all(map(ne, values, values[1:])):
        return
    counts, other_counts = Counter(values), Counter(other_values)
    for value in counts.keys() | other_counts.keys():
        if (counts[value], other_counts[value]) != (1, 1):
            yield f"{what} {value!r}: {counts[value]} in {one}, {other_counts[value]} in {other}"
