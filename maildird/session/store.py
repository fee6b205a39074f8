"""STORE and UID STORE (RFC 3501 section 6.4.6, RFC 7162 section 3.1.3)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from maildird.imap.codes import Modified, ResponseCode
from maildird.imap.commands.messages import Store, StoreHow
from maildird.imap.responses import Condition
from maildird.mailbox.keywords import only_grown
from maildird.mailbox.results import FlagChangeHow, Stored
from maildird.mailbox.storing import changed_mask
from maildird.session.answers import Answer
from maildird.session.flag_bits import mask_of
from maildird.session.state import Session
from maildird.session.sync import Own, tell
from maildird.terms.codes import Code
from maildird.terms.sets import SeqSet, UidSet

_HOW: Final = {
    StoreHow.REPLACE: FlagChangeHow.REPLACE,
    StoreHow.ADD: FlagChangeHow.ADD,
    StoreHow.REMOVE: FlagChangeHow.REMOVE,
}


async def store(session: Session, command: Store) -> Answer:
    """Change flags, then tell them: those of all messages named, with .SILENT where need be."""
    if command.unchanged_since is not None:
        session.enable_condstore()
    mailbox = session.writable_mailbox
    uids = session.uids(command.messages)
    if not uids:
        return Answer("STORE done")
    before, keywords = _masks(session, uids), mailbox.keywords
    stored = await mailbox.store(uids, _HOW[command.how], command.flags, command.unchanged_since)
    changes = mailbox.pull(may_expunge=command.uid)
    if command.silent:
        own = _silent(session, command, stored, before)
        if not only_grown(keywords, mailbox.keywords):
            own = replace(own, expected={})  # masks from before don't compare with those of now
    else:
        own = _loud(command, stored, uids)
    await tell(session, changes, own)
    return _answer(session, command, stored)


def _masks(session: Session, uids: Iterable[int]) -> dict[int, int]:
    """The flags of messages as the client knows them, by UID."""
    view = session.mailbox.view
    return {uid: view.masks[seq - 1] for uid in uids if (seq := view.seq_of(uid)) is not None}


def _loud(command: Store, stored: Stored, uids: Iterable[int]) -> Own:
    gone = set(stored.gone)
    return Own(told=[uid for uid in uids if uid not in gone], uid=command.uid)


def _silent(session: Session, command: Store, stored: Stored, before: Mapping[int, int]) -> Own:
    """What may go untold: flags that came out as the client expects.

    The flags of messages that failed UNCHANGEDSINCE are told, which spares the client a FETCH; of
    those that passed it at least the MODSEQ (RFC 7162 section 3.1.3).
    """
    wanted = mask_of(command.flags, session.mailbox.keywords)
    expected = {uid: changed_mask(before[uid], _HOW[command.how], wanted) for uid in stored.changed}
    passed: set[int] = set()
    if command.unchanged_since is not None:
        passed = before.keys() - {*stored.failed, *stored.gone}
    return Own(stored.failed, expected, passed, command.uid)


def _answer(session: Session, command: Store, stored: Stored) -> Answer:
    """OK with what failed; NO where message numbers stood for messages that are gone."""
    code: ResponseCode | None = None
    text, condition = "STORE done", Condition.OK
    if stored.gone and not command.uid:
        code, condition = Code.EXPUNGEISSUED, Condition.NO
        text = "some of the messages are not there any more"
    if stored.failed:
        code = Modified(_named(session, stored.failed, command.uid))
        text = "some of the messages were changed by others meanwhile"
    return Answer(text, code, condition)


def _named(session: Session, uids: Sequence[int], as_uids: bool) -> SeqSet | UidSet:
    if as_uids:
        return UidSet.of_sorted(uids)
    seqs = map(session.mailbox.view.seq_of, uids)
    return SeqSet.of(seq for seq in seqs if seq is not None)
