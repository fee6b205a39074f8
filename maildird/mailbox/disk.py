"""How far the index is in step with each mailbox's directories; in memory only.

Theory of operation. The modification times of new/ and cur/ tell cheaply whether there can be
anything new: while they equal those of the last settled observation, there isn't. Our own renames
change them too. A listing after each of our own changes would make every STORE cost O(mailbox), so
where events are trusted (inotify reports each change with its name), times that were in step before
our change are taken as in step after it: had another program changed something in between, the
event of that change is on its way and will be looked at by name. Without events, our own change
leaves the mailbox out of step, and it is listed again.

Turns alone write here; trio's thread reads `in_step` and sets `takers`, single assignments both.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from maildird.maildir.folders import folder_mtimes

Mtimes = tuple[int, int]


@dataclass(slots=True)
class FolderState:
    """One mailbox's folder.

    `in_step` holds the mtimes (ns) of new/ and cur/ at which index and disk were equal, None when
    they may differ. `takers` counts the sessions that have the mailbox selected read-write: while
    there are any, arrivals are moved to cur/. `uidlist` and `keywords` are the stamps of those
    files when they were last read or written here.
    """

    in_step: Mtimes | None = None
    takers: int = 0
    uidlist: tuple[int, ...] | None = None
    keywords: tuple[int, ...] | None = None


@dataclass(slots=True)
class Disk:
    """The state of every folder, by mailbox id; `events_trusted` says that inotify watches."""

    events_trusted: bool = False
    _folders: dict[int, FolderState] = field(default_factory=dict)

    def of(self, mailbox: int) -> FolderState:
        """The state of one mailbox's folder; at first nothing is known of it."""
        return self._folders.setdefault(mailbox, FolderState())

    def forget(self, mailbox: int) -> None:
        """The mailbox is no more."""
        self._folders.pop(mailbox, None)

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

    @contextmanager
    def own_changes(self, mailbox: int, folder: bytes) -> Iterator[None]:
        """Keep a mailbox in step over changes of our own, where that is safe."""
        state = self.of(mailbox)
        was_in_step = self.events_trusted and state.in_step == folder_mtimes(folder)
        state.in_step = None
        yield
        if was_in_step:
            state.in_step = folder_mtimes(folder)
