"""Running turns: from requests to a committed batch and a report. All in one worker thread call."""

from collections.abc import Callable, Sequence
from typing import Any

from maildird.index.batches import Batch
from maildird.index.environment import Index
from maildird.mailbox import requests
from maildird.mailbox.adopting import adopt
from maildird.mailbox.arriving import deliver
from maildird.mailbox.copying import copy_to
from maildird.mailbox.disk import Disk
from maildird.mailbox.door import Outcome, TurnReport
from maildird.mailbox.expunging import expunge
from maildird.mailbox.foldering import create, delete, observe_tree, rename
from maildird.mailbox.heeding import heed_folders
from maildird.mailbox.letterless import settle_letterless
from maildird.mailbox.moving import observe_move
from maildird.mailbox.namespace import Parts
from maildird.mailbox.observing import observe, take_all_new
from maildird.mailbox.pruning import prune
from maildird.mailbox.requests import KeepRecent, Learn, Request
from maildird.mailbox.storing import store
from maildird.mailbox.turn import Turn
from maildird.maildir.layouts import Layout
from maildird.terms.errors import Refused


def learn(turn: Turn, request: Learn) -> None:
    """Keep facts of those messages that are still there."""
    turn.batch.put_many_facts(request.mailbox, request.facts)


def keep_recent(turn: Turn, request: KeepRecent) -> None:
    """Have the next server know which messages no session was told of as \\Recent."""
    row = turn.batch.mailbox(request.mailbox)
    if row is not None and row.first_recent < request.first_recent:
        turn.update(row.id, first_recent=request.first_recent)


_WORK: dict[type[Request[Any]], Callable[[Turn, Any], object]] = {
    requests.Observe: observe,
    requests.ObserveMove: observe_move,
    requests.ObserveTree: observe_tree,
    requests.Adopt: adopt,
    requests.TakeNew: take_all_new,
    requests.Store: store,
    requests.Expunge: expunge,
    requests.Deliver: deliver,
    requests.CopyTo: copy_to,
    requests.Create: create,
    requests.Delete: delete,
    requests.Rename: rename,
    requests.Learn: learn,
    requests.KeepRecent: keep_recent,
}


_OF_DISK = frozenset({requests.Observe, requests.ObserveMove, requests.ObserveTree, requests.Adopt})
"""Requests that take over what other programs did."""


class Turns:
    """Runs the turns of one account on its index and its tree."""

    def __init__(self, index: Index, layout: Layout, disk: Disk) -> None:
        self._index = index
        self._layout = layout
        self._disk = disk

    def run(self, asked: Sequence[Request[Any]]) -> TurnReport:
        """One turn; raises only what makes the whole of it fail, after taking it back."""
        turns: list[Turn] = []
        unheeded = set(self._disk.unheeded)

        def work(batch: Batch) -> tuple[list[Outcome], dict[Parts, bytes] | None]:
            turn = Turn(batch, self._layout, self._disk)
            turns.append(turn)
            heed_folders(turn)
            outcomes = [_outcome(turn, request) for request in asked]
            prune(turn)
            settle_letterless(turn)
            turn.sync()
            turn.settle_intents()
            return outcomes, self._layout.folders() if turn.tree_changed else None

        try:
            outcomes, folders = self._index.write(work)
        except BaseException:
            self._disk.all_out_of_step()
            self._disk.promises_are_lost()
            self._disk.unheeded |= unheeded
            for turn in turns:
                turn.take_back()
            self._disk.done()
            raise
        (turn,) = turns
        turn.finish()
        self._disk.done()
        return TurnReport(
            outcomes=outcomes,
            modseqs=turn.modseqs,
            unlisted=turn.unlisted,
            relist=frozenset(turn.relist),
            folders=folders,
            made=turn.made,
        )


def _outcome(turn: Turn, request: Request[Any]) -> Outcome:
    """Do one request. What is no refusal and no trouble with files fails the whole turn."""
    turn.cause = "disk" if type(request) in _OF_DISK else "session"
    try:
        with turn.undoing():
            return Outcome(_WORK[type(request)](turn, request))
    except (Refused, OSError) as error:
        return Outcome(error=error)
