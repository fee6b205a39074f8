"""What happens at one operation of the server: it is killed, it loses its power, or it is refused.

A plan is one line, `kill 5` say: what happens, and at the how manieth operation from now on. Only
operations count that match the regular expression which may follow, `kill 5 ^link`. Where another
one follows after ` after `, `kill 1 ^commit after ^create`, they count once one has matched that.

- `kill` sends SIGKILL to the whole process group in place of the operation.
- `cut` takes everything from the disk that was not synced, and then kills; `fade` does so, too, but
  leaves the names, of files that are empty then, perhaps.
- The name of an error, `ENOSPC`, makes the operation fail with it, once, or from then on if `+`
  follows the number; only such operations count as can fail in that way.
- `record` begins to follow what is synced, which these two need.
- `watch` only writes the trace, and `rest` ends whatever was planned.

Each operation that counts is written to the trace, one a line.
"""

import errno
import os
import re
import signal
import threading
import traceback
from collections.abc import Sequence
from typing import Final

from tests.durability import operations as ops
from tests.durability.operations import Operation
from tests.durability.pages import IndexFile
from tests.durability.shadow import Shadow

_FULL: Final = frozenset({ops.COMMIT, ops.CREATE, ops.FSYNC, ops.LINK, ops.MKDIR, ops.RENAME})
_BY_NAME: Final = frozenset(
    {ops.CREATE, ops.LINK, ops.LIST, ops.MKDIR, ops.OPEN}
    | {ops.READ, ops.RENAME, ops.RMDIR, ops.UNLINK}
)

FAILS: Final = {
    "ENOSPC": _FULL | {ops.WRITE},
    "EDQUOT": _FULL | {ops.WRITE},
    "EIO": (ops.CHANGES - ops.COMMITS) | {ops.OPEN, ops.READ, ops.LIST},
    "EACCES": _BY_NAME,
    "EMFILE": frozenset({ops.CREATE, ops.OPEN, ops.READ, ops.LIST}),
}
"""Which operations fail with which error."""

BEGUN: Final = r"^create \S+/\.\.maildird-intent-"
"""What a command does first that takes several steps; its commit is the first one after that."""

FAILED: Final = 99
"""Exit status of a process whose disk could not be made what a power cut leaves."""


class Faults:
    """Counts operations and strikes at one of them."""

    def __init__(self, directories: Sequence[bytes], trace: int) -> None:
        self._trace = trace
        self._what = "rest"
        self._left = 0
        self._lasts = False
        self._pattern = re.compile("")
        self._awaited: re.Pattern[str] | None = None
        self._shadows: list[Shadow] = []
        self._index = IndexFile()
        self._directories = directories
        self._write, self._kill = os.write, os.kill  # before they are watched

    def plan(self, line: str) -> None:
        """Follow a new plan from now on."""
        what, number, pattern, *_ = *line.split(" ", 2), "", ""
        if what == "record":
            self._shadows = [Shadow(each) for each in self._directories]
            return
        counted, _, awaited = pattern.partition(" after ")
        self._pattern = re.compile(counted)
        self._awaited = re.compile(awaited) if awaited else None
        self._left, self._lasts = int(number.rstrip("+") or 0), number.endswith("+")
        self._what = what

    def before(self, operation: Operation) -> None:
        """See Observer."""
        if self._shadows:
            self._index.begin(operation)
        if self._what == "rest" or not self._counts(operation):
            return
        self._write(self._trace, f"{operation}\n".encode(errors="surrogateescape"))
        self._left -= 1
        if self._left == 0 or (self._left < 0 and self._lasts):
            self._strike(operation)

    def _counts(self, operation: Operation) -> bool:
        if self._awaited is not None:
            if self._awaited.search(str(operation)):
                self._awaited = None
            return False
        fails = operation.kind in FAILS.get(self._what, ops.CHANGES)
        return fails and self._pattern.search(str(operation)) is not None

    def after(self, operation: Operation) -> None:
        """See Observer."""
        for shadow in self._shadows:
            shadow.follow(operation)
        if self._shadows:
            self._index.follow(operation)

    def _strike(self, operation: Operation) -> None:
        match self._what:
            case "watch":
                pass
            case "kill":
                self._kill(0, signal.SIGKILL)
            case "cut" | "fade" as how:
                shadows, self._shadows, self._what = self._shadows, [], "rest"
                try:
                    assert shadows
                    if operation.kind in ops.COMMITS:
                        self._index.tear()
                    for shadow in shadows:
                        shadow.restore(names_last=how == "fade")
                    self._index.restore()
                except BaseException:  # the server must not take it for its own
                    traceback.print_exc()
                    os._exit(FAILED)
                self._kill(0, signal.SIGKILL)
            case name:
                number = getattr(errno, name)
                raise OSError(number, os.strerror(number), os.fsdecode(operation.path))


def obey(faults: Faults, control: int) -> None:
    """Take plans from a descriptor, in a thread of its own; each is acknowledged by a newline."""
    threading.Thread(target=_obey, args=(faults, control), daemon=True).start()


def _obey(faults: Faults, control: int) -> None:
    with os.fdopen(control, "r+b", buffering=0) as plans:
        while line := plans.readline():
            faults.plan(line.decode().strip())
            plans.write(b"\n")
