"""`maildird check`: is the index sound, and does it say what the Maildir says? Changes nothing."""

import os

from maildird.index.environment import Index
from maildird.index.opening import find_damage_beside_its_holder
from maildird.index.rows import MailboxRow
from maildird.index.snapshots import Snapshot
from maildird.mailbox.adopting import mask_in
from maildird.mailbox.opening import layout_of
from maildird.mailbox.reconcile import base_of, difference
from maildird.mailbox.settings import AccountSettings
from maildird.maildir.folders import list_folder
from maildird.maildir.layouts import Layout
from maildird.maildir.letterless import read_letterless
from maildird.maildir.uidlists import read_uidlist
from maildird.terms.errors import Refused
from maildird.terms.flags import LETTER_MASK, LETTERLESS_MASK, SYSTEM_MASK, flag_names


def verify(settings: AccountSettings) -> list[str]:
    """What is wrong, one line each; an empty list when index and Maildir agree.

    A server that runs may be in the middle of a change: what it has not taken over yet shows as a
    difference. A damaged index is not looked at, and its damage the only finding. Raises
    SettingsError without a Maildir, IndexUnusable without a usable index.
    """
    layout, _namespace = layout_of(settings)
    directory = os.path.join(settings.state_directory, b"index")
    damage = find_damage_beside_its_holder(directory)
    if damage is not None:
        return [
            f"index {os.fsdecode(directory)} is damaged: {damage};"
            " a server that starts makes it anew from the Maildir"
        ]
    index = Index.open(directory, read_only=True)
    try:
        with index.snapshot() as snapshot:
            folders = layout.folders()
            rows = snapshot.mailboxes()
            findings = []
            for row in rows:
                findings += _compare(snapshot, row, layout, present=row.parts in folders)
            for parts in sorted(folders.keys() - {row.parts for row in rows}):
                findings.append(f"{'/'.join(parts)}: not in the index yet")
        return findings
    finally:
        index.close()


def _compare(snapshot: Snapshot, row: MailboxRow, layout: Layout, *, present: bool) -> list[str]:
    """How the index of one mailbox differs from its folder."""
    shown = "/".join(row.parts)
    if not present:
        return [f"{shown}: in the index, but the folder is gone"]
    folder = layout.directory(row.parts)
    try:
        listing = list_folder(folder)
    except Refused as error:
        return [f"{shown}: {error}"]
    known = {name: uid for uid, name in snapshot.names(row.id)}
    found = difference(
        known.keys(),
        set(listing.names),
        known.__getitem__,
        lambda base: _name(snapshot, row.id, base),
    )
    findings = [f"{shown}: UID {uid} has no file" for uid in found.missing]
    findings += [f"{shown}: {_text(name)} is not in the index" for name in found.arrived]
    findings += [f"{shown}: UID {each.uid} is now {_text(each.name)}" for each in found.renamed]
    findings += [f"{shown}: {_text(each.extra)} doubles another file" for each in found.doubled]
    findings += _compare_flags(snapshot, row, shown)
    findings += _compare_letterless(snapshot, row, folder, shown)
    return findings + _compare_uidlist(row, known, folder, shown)


def _compare_flags(snapshot: Snapshot, row: MailboxRow, shown: str) -> list[str]:
    """Messages whose mask is not what the name in the index says."""
    columns = snapshot.columns(row.id)
    masks = dict(zip(columns.uids, columns.masks, strict=True))
    return [
        f"{shown}: UID {uid} has other flags than its file name says"
        for uid, name in snapshot.names(row.id)
        if mask_in(row, name) != masks.get(uid, 0) & (SYSTEM_MASK | LETTER_MASK)
    ]


def _compare_letterless(
    snapshot: Snapshot, row: MailboxRow, folder: bytes, shown: str
) -> list[str]:
    """Messages that have other keywords without a letter than their folder says."""
    uids = {base_of(name): uid for uid, name in snapshot.names(row.id)}
    said = read_letterless(folder, uids)
    columns = snapshot.columns(row.id)
    masks = dict(zip(columns.uids, columns.masks, strict=True))
    keywords = said.keywords if said is not None else {}
    return [
        f"{shown}: UID {uid} has other keywords than the folder says, beyond the letters"
        for base, uid in uids.items()
        if {name.lower() for name in keywords.get(base, ())}
        != {name.lower() for name in flag_names(masks[uid] & LETTERLESS_MASK, row.keywords)}
    ]


def _compare_uidlist(
    row: MailboxRow, known: dict[bytes, int], folder: bytes, shown: str
) -> list[str]:
    """What `dovecot-uidlist` says otherwise; that it lags behind is no fault."""
    uidlist = read_uidlist(folder)
    if uidlist is None:
        return []
    if uidlist.uidvalidity != row.uidvalidity:
        return [
            f"{shown}: UIDVALIDITY is {row.uidvalidity} in the index,"
            f" {uidlist.uidvalidity} in its uidlist"
        ]
    listed = {entry.base: entry.uid for entry in uidlist.entries}
    by_base = {base_of(name): uid for name, uid in known.items()}
    return [
        f"{shown}: {_text(base)} has UID {uid} in the index, {listed[base]} in its uidlist"
        for base, uid in by_base.items()
        if listed.get(base, uid) != uid
    ]


def _name(snapshot: Snapshot, mailbox: int, base: bytes) -> bytes | None:
    uid = snapshot.uid_of(mailbox, base)
    return None if uid is None else snapshot.name(mailbox, uid)


def _text(name: bytes) -> str:
    return os.fsdecode(name)
