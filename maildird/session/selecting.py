"""SELECT, EXAMINE, CLOSE and UNSELECT (RFC 3501 section 6, RFC 3691, RFC 7162 section 3.2.5)."""

from itertools import takewhile

from maildird.imap.codes import HighestModSeq, UidNext, UidValidity, Unseen
from maildird.imap.commands.mailboxes import Qresync, Select
from maildird.imap.commands.messages import Close, Unselect
from maildird.imap.responses import Exists, Recent, untagged_ok
from maildird.mailbox.selected import Selected
from maildird.session.answers import Answer
from maildird.session.resynchronising import tell_changed, tell_vanished
from maildird.session.state import Session
from maildird.session.sync import tell_flag_names
from maildird.terms.codes import Code
from maildird.terms.errors import Malformed
from maildird.terms.sets import UidSet


async def select(session: Session, command: Select) -> Answer:
    """SELECT or EXAMINE; whatever was selected before is not any more, also when it fails."""
    if command.qresync is not None and not session.qresync:
        raise Malformed("QRESYNC has to be enabled first: ENABLE QRESYNC")
    await session.close_mailbox()
    if command.condstore or command.qresync is not None:
        session.enable_condstore()
    session.select(await session.account.open(command.mailbox, read_only=command.read_only))
    _tell_numbers(session, session.mailbox)
    text = "EXAMINE done" if command.read_only else "SELECT done"
    if command.qresync is not None and not await _resynchronise(session, command.qresync):
        text += ", but UIDVALIDITY is another one: forget what you know of this mailbox"
    return Answer(text, Code.READ_ONLY if command.read_only else Code.READ_WRITE)


async def close(session: Session, command: Close) -> Answer:
    """CLOSE: messages with \\Deleted go, and nobody tells of it (RFC 3501 section 6.4.2)."""
    if not session.mailbox.read_only:
        await session.mailbox.expunge()
    await session.leave_mailbox()
    return Answer("CLOSE done")


async def unselect(session: Session, command: Unselect) -> Answer:
    """UNSELECT: as CLOSE, but all messages stay."""
    await session.leave_mailbox()
    return Answer("UNSELECT done")


def _tell_numbers(session: Session, mailbox: Selected) -> None:
    view, write = mailbox.view, session.replies.write
    tell_flag_names(session)
    write(bytes(Exists(len(view))))
    write(bytes(Recent(view.recent)))
    if view.first_unseen is not None:
        write(untagged_ok("the first unseen message", Unseen(view.first_unseen)))
    write(untagged_ok("UIDs are valid", UidValidity(mailbox.uidvalidity)))
    write(untagged_ok("the next UID", UidNext(view.uidnext)))
    write(untagged_ok("highest mod-sequence", HighestModSeq(view.highestmodseq)))


async def _resynchronise(session: Session, known: Qresync) -> bool:
    """Tell what changed since the client was here; False when it was another mailbox."""
    mailbox = session.mailbox
    if known.uidvalidity != mailbox.uidvalidity:
        return False
    largest = mailbox.view.uidnext - 1
    uids = (known.known_uids or UidSet(((1, max(1, largest)),))).resolve(largest)
    await tell_vanished(session, uids, known.modseq, _known_up_to(mailbox, known))
    await tell_changed(session, uids, known.modseq)
    return True


def _known_up_to(mailbox: Selected, known: Qresync) -> int:
    """The highest UID of the match data that stands at the client's place for it.

    Up to there the client knows of all that is gone (RFC 7162 section 3.2.5.2).
    """
    if known.seq_match is None:
        return 0
    uids = mailbox.view.uids
    pairs = zip(known.seq_match.seqs, known.seq_match.uids, strict=False)
    there = takewhile(lambda pair: pair[0] <= len(uids), pairs)
    return max((uid for seq, uid in there if uids[seq - 1] == uid), default=0)
