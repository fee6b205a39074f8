"""How far the index is in step with each mailbox's directories; in memory only.

Theory of operation. The modification times of new/ and cur/ tell cheaply whether there can be
anything new: while they equal those that the index is in step with, there isn't. A listing that
proves this costs O(mailbox), and a delivery or a STORE must not. Where inotify reports each change
with its name (`events_trusted`), one listing is therefore enough, and the rule from then on is:

    While `in_step` is not None, whatever differs between index and disk came after those times,
    and each such change has been heard of and waits to be looked at, or its event is on its way.

So whatever makes a change be forgotten (a look that fails or does not settle, lost events, a commit
that fails) sets `in_step` to None, and a listing follows. Where just that listing is lacking, since
the last one was not stable or messages seem to be gone, the mailbox is `in_doubt`: all other
changes are heard of still, and the listing may wait until the folder rests. And the times go
forward without a listing:

- Over a change of our own, when they were in step just before it: had another program changed
  something in between, its event is on its way. If they were not, they stay what they were: what
  is to be heard will be heard, only our own changes will not (`maildir.echoes`).
- When all names that were heard of until the time T have been looked at, and the directories' times
  that were read *before* that look are older than T by more than the clock's tick. The kernel sets
  a directory's time, then queues the event, and holds the directory's lock meanwhile; the time has
  the tick's grain. What bears such a time was thus done and queued before T. A rename across
  directories stamps both and makes an event in each. Times that lie after T, for the clock was set
  back say, prove nothing; they wait, or a listing settles it.

When the times moved and nothing at all was heard of the folder since (`stirred`), an event was lost
and the folder is listed. A loss that this doesn't show is found by the listings that the watcher
makes in turn. Without events, each change leaves the mailbox out of step, and it is listed again.

Turns alone write here; trio's thread reads `in_step` and sets `takers`, single assignments both.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from maildird.maildir.echoes import Echoes
from maildird.maildir.folders import folder_mtimes
from maildird.maildir.holding import Hold
from maildird.maildir.letterless import Position
from maildird.maildir.told import Told

Mtimes = tuple[int, int]


@dataclass(slots=True)
class FolderState:
    """One mailbox's folder.

    `in_step` holds the mtimes (ns) of new/ and cur/ at which index and disk were equal, None when
    they may differ in ways that no event will tell; `in_doubt` that but a stable listing is lacking
    then, and `missing` that messages seem to be gone. `stirred` says that names were heard of
    since. `takers` counts the sessions that have the mailbox selected read-write: while there are
    any, arrivals are moved to cur/. `uidlist` and `keywords` are the stamps of those files when
    they were last read or written here. `promised` are the UIDNEXT and MODSEQ that this server
    promised last not to exceed, and `said` is what the folder said when it was last read or written
    for that; `inexact` says that this is not exactly what was told, `unpromised` that the log says
    why it can't promise, and `bound` is the UIDNEXT of a promise that can't be ended either.
    `letterless` is how the file of letterless keywords was left; None when it has to be written
    anew at the next change.
    """

    in_step: Mtimes | None = None
    in_doubt: bool = False
    missing: bool = False
    stirred: bool = False
    takers: int = 0
    uidlist: tuple[int, ...] | None = None
    keywords: tuple[int, ...] | None = None
    promised: tuple[int, int] = (0, 0)
    said: Told | None = None
    inexact: bool = False
    unpromised: bool = False
    bound: int | None = None
    letterless: Position | None = None


@dataclass(slots=True)
class OwnChanges:
    """Changes of our own to one folder, while they go on; names are `subdir/file`.

    `echoes` is None where no events come of them. `deaf` says that another program's event may have
    been taken for one of them.
    """

    folder: bytes
    echoes: Echoes | None
    deaf: bool = False

    def expect(self, come: Iterable[bytes] = (), go: Iterable[bytes] = ()) -> None:
        """These names are about to come and go."""
        if self.echoes is not None:
            self.echoes.expect(self._paths(come), self._paths(go))

    def forget(self, come: Iterable[bytes] = (), go: Iterable[bytes] = ()) -> None:
        """They did not."""
        if self.echoes is not None and not self.echoes.forget(self._paths(come), self._paths(go)):
            self.deaf = True

    def _paths(self, names: Iterable[bytes]) -> list[bytes]:
        above = self.folder + b"/"
        return [above + name for name in names]


@dataclass(slots=True)
class Disk:
    """The state of every folder, by mailbox id.

    `events_trusted` says that inotify watches, and passes over `echoes`; `root_is_lost` that the
    root was not the tree that the index knows when it was last looked at. `strange` are the paths
    of what is no message that the log named. `unheeded` are the mailboxes whose folders were not
    yet asked whether the index knows all that was told. `index_inode` is that of the index's file;
    `index_is_copy` says that it was another one when the index was last written. `unsettled` are
    the names of intents that were committed and lie there still, as what they tell of could not be
    finished. `hold` is that of the tree, while anything in it is half done. `doubted` are the
    mailboxes whose folders may say other letterless keywords than the index knows.
    """

    events_trusted: bool = False
    echoes: Echoes = field(default_factory=Echoes)
    root_is_lost: bool = False
    strange: set[bytes] = field(default_factory=set)
    unheeded: set[int] = field(default_factory=set)
    index_inode: int = 0
    index_is_copy: bool = False
    unsettled: set[bytes] = field(default_factory=set)
    hold: Hold = field(default_factory=Hold)
    doubted: set[int] = field(default_factory=set)
    _folders: dict[int, FolderState] = field(default_factory=dict)

    def of(self, mailbox: int) -> FolderState:
        """The state of one mailbox's folder; at first nothing is known of it."""
        return self._folders.setdefault(mailbox, FolderState())

    def settle(self, mailbox: int, mtimes: Mtimes | None) -> None:
        """Index and disk were equal at these times; or they may differ, None."""
        state = self.of(mailbox)
        state.in_step, state.in_doubt, state.missing = mtimes, False, False
        state.stirred = False

    def doubt(self, mailbox: int, *, missing: bool, listed: bool) -> None:
        """A listing is lacking, because messages seem to be gone or the one just made was unstable.

        What else differs was just `listed`, or is heard of as before.
        """
        state = self.of(mailbox)
        heard_of = listed or state.in_doubt or state.in_step is not None
        state.in_step, state.missing = None, missing
        state.in_doubt = self.events_trusted and heard_of

    def forget(self, mailbox: int) -> None:
        """The mailbox is no more."""
        self._folders.pop(mailbox, None)
        self.unheeded.discard(mailbox)
        self.doubted.discard(mailbox)

    def take(self, mailbox: int) -> None:
        """A session has the mailbox selected read-write."""
        self.of(mailbox).takers += 1

    def release(self, mailbox: int) -> None:
        """A session left a mailbox that it had selected read-write."""
        state = self.of(mailbox)
        state.takers = max(0, state.takers - 1)

    def all_out_of_step(self) -> None:
        """Events may have been lost, or a commit: nothing is known to be in step."""
        for state in list(self._folders.values()):
            state.in_step = state.uidlist = state.keywords = None
            state.in_doubt = False

    def done(self) -> None:
        """Nothing is half done any more, unless it could not be finished."""
        if not self.unsettled:
            self.hold.release()

    def promises_are_lost(self) -> None:
        """A commit failed, and with it the index's knowledge of what was promised."""
        for state in list(self._folders.values()):
            state.promised = (0, 0)

    @contextmanager
    def own_changes(self, mailbox: int, folder: bytes) -> Iterator[OwnChanges]:
        """Keep a mailbox in step over changes of our own, where that is safe."""
        state = self.of(mailbox)
        before = state.in_step if self.events_trusted else None
        nothing_came = before == folder_mtimes(folder)
        state.in_step = None
        own = OwnChanges(folder, self.echoes if self.events_trusted else None)
        with self.echoes.changing():
            yield own
        if own.deaf:
            self.settle(mailbox, None)
        elif nothing_came:
            state.in_step = folder_mtimes(folder)
        elif state.in_step is None:
            state.in_step = before
