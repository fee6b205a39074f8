"""What one logged-in connection knows: its account, the selected mailbox, what was enabled."""

import math
from dataclasses import dataclass, field

from maildird.imap.codes import HighestModSeq
from maildird.imap.responses import untagged_ok
from maildird.mailbox.account import Account
from maildird.mailbox.selected import Selected
from maildird.session.incoming import Incoming
from maildird.session.numbers import Slice, check_numbers, slices_of
from maildird.session.presence import Presence
from maildird.session.replies import Replies
from maildird.session.tally import CommandTally
from maildird.terms.codes import Code
from maildird.terms.errors import Refused
from maildird.terms.sets import NumberSet, SavedResult, UidSet


@dataclass(slots=True)
class Session:
    """The state that the commands of a connection share.

    `idle_keepalive` is the time (s) between two signs of life that the client gets in IDLE.
    `presence` is what is shown to the people who run the server, `tally` counts for them.
    `saved` is what `$` stands for, as UIDs; those that are expunged meanwhile don't count any more.
    `ended` says that no more commands are read: LOGOUT was said.
    `tag`, `modseq_told` and `removal_told` are about the command in progress: its tag, whether a
    response with MODSEQ was sent, and whether removals were told.
    """

    account: Account
    incoming: Incoming
    replies: Replies
    idle_keepalive: float = math.inf
    presence: Presence = field(default_factory=Presence)
    tally: CommandTally = field(default_factory=CommandTally)
    selected: Selected | None = None
    condstore: bool = False
    qresync: bool = False
    saved: UidSet = UidSet.EMPTY
    ended: bool = False
    tag: bytes = b""
    modseq_told: bool = False
    removal_told: bool = False

    @property
    def mailbox(self) -> Selected:
        """The selected mailbox; the connection lets no command through that lacks one."""
        assert self.selected is not None
        return self.selected

    @property
    def writable_mailbox(self) -> Selected:
        """The selected mailbox; Refused (READ-ONLY) after EXAMINE."""
        if self.mailbox.read_only:
            raise Refused(
                Code.READ_ONLY, "the mailbox was opened with EXAMINE; SELECT it to change it"
            )
        return self.mailbox

    def slices(self, messages: NumberSet | SavedResult) -> list[Slice]:
        """The rows of the view that a set names; Malformed for a message number that isn't."""
        uids = self.mailbox.view.uids
        check_numbers(messages, len(uids))
        return list(slices_of(messages, uids, self.saved))

    def uids(self, messages: NumberSet | SavedResult) -> list[int]:
        """The UIDs of the messages that a set names; they rise. Malformed as for `slices`."""
        uids = self.mailbox.view.uids
        return [uid for start, stop in self.slices(messages) for uid in uids[start:stop]]

    def enable_condstore(self) -> None:
        """A CONDSTORE enabling command came in (RFC 7162 section 3.1)."""
        if self.condstore:
            return
        self.condstore = True
        if self.selected is not None:
            self.tell_highestmodseq(self.selected.view.highestmodseq)

    def tell_highestmodseq(self, value: int) -> None:
        """Untagged OK with HIGHESTMODSEQ."""
        self.replies.write(untagged_ok("highest mod-sequence", HighestModSeq(value)))

    def select(self, mailbox: Selected) -> None:
        """Work on `mailbox` from now on."""
        self.selected = mailbox
        self.presence.mailbox = mailbox.name

    async def close_mailbox(self) -> None:
        """Leave the selected mailbox, if any, and say where its responses end (RFC 7162 3.2.11)."""
        if self.selected is not None:
            await self.leave_mailbox()
            self.replies.write(untagged_ok("the previous mailbox is closed", Code.CLOSED))

    async def leave_mailbox(self) -> None:
        """Nothing is selected any more; messages stay as they are."""
        left, self.selected = self.selected, None
        self.presence.mailbox = None
        self.saved = UidSet.EMPTY
        if left is not None:
            await left.close()
