"""Having an index inspected before this process maps it.

Theory of operation. LMDB has no checksums: it follows whatever its pages say, and a damaged one can
end the process that reads it, or keep it busy for ever. So what may be damaged is read by another
process first (`inspector`), which has as much time and memory as its size deserves. Whatever comes
of that, an answer, a crash or no end, is an answer. That somebody else ended the process is none:
the index stays as it is, and can't be used for now.

The time of a sound index is some 0.1 s and 11 s for each million messages; a slow disk may need
much longer. One that is not through by then is taken for damaged: it is made anew sooner.
"""

import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from typing import Final

from maildird.index.files import data_file
from maildird.index.inspector import READING
from maildird.terms.errors import IndexUnusable

TIME: Final = 30.0
OCTETS_PER_SECOND: Final = 4 << 20
"""The process has `TIME` (s), and a second more for so many octets of the file."""

MEMORY: Final = 512 << 20
"""Octets of memory that the process has, and twice the file's length."""

_PAUSE: Final = 0.2
"""How often to see whether somebody gave up (s)."""

_CRASHES: Final = frozenset(
    {
        signal.SIGABRT,
        signal.SIGBUS,
        signal.SIGFPE,
        signal.SIGILL,
        signal.SIGSEGV,
        signal.SIGSYS,
        signal.SIGTRAP,
        signal.SIGXCPU,
    }
)
"""What a process that reads a damaged file dies of; other signals come from others."""

_PROGRAM: Final = """
import json, sys
sys.path[:] = json.loads(sys.argv.pop(1))
from maildird.index.inspector import main
main()
"""
"""In an isolated interpreter, which finds what this one finds and obeys no environment."""


def find_damage(
    directory: bytes, *, beside: bool = False, given_up: threading.Event | None = None
) -> str | None:
    """What is wrong with the index in `directory`, in a few words; None when it is sound.

    `beside` when another process may have it open and write to it: that one has looked at its
    pages, and they are left out. Blocks, until `given_up` at most; raises IndexUnusable when it
    can't be inspected, OSError when it can't be looked at.
    """
    status = os.stat(data_file(directory))
    if not stat.S_ISREG(status.st_mode):
        return "it is no file"
    if not status.st_size:
        return "it is empty"
    stored = min(status.st_size, status.st_blocks * 512)
    limit = TIME + stored / OCTETS_PER_SECOND
    arguments = [
        *(sys.executable, "-I", "-c", _PROGRAM, json.dumps(sys.path), os.fsdecode(directory)),
        *(str(int(limit)), str(MEMORY + 2 * stored), "beside" if beside else "alone"),
    ]
    with open(data_file(directory), "rb"):  # as the process will do, but with a clear error
        ended = _run(arguments, limit, given_up or threading.Event())
    if ended is None:
        return f"to read it takes longer than {limit:.0f} s"
    return _verdict(os.fsdecode(directory), ended)


def _run(
    arguments: list[str], limit: float, given_up: threading.Event
) -> "subprocess.CompletedProcess[bytes] | None":
    """Run the process to its end, which is soon once `given_up`; None when `limit` (s) is over.

    It has a session of its own, so that it gets no signal that is meant for this process.
    """
    deadline = time.monotonic() + limit
    with subprocess.Popen(
        arguments,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        try:
            while True:
                try:
                    said, errors = process.communicate(timeout=_PAUSE)
                    return subprocess.CompletedProcess(arguments, process.returncode, said, errors)
                except subprocess.TimeoutExpired:
                    if time.monotonic() > deadline:
                        return None
                    if given_up.is_set():
                        process.kill()
        finally:
            process.kill()


def _verdict(path: str, ended: "subprocess.CompletedProcess[bytes]") -> str | None:
    begun, *said = ended.stdout.decode("utf-8", "replace").splitlines() or [""]
    errors = ended.stderr.decode("utf-8", "replace").splitlines()
    if begun != READING:
        why = errors[-1] if errors else f"exit status {ended.returncode}"
        raise IndexUnusable(f"index {path} can't be inspected ({why})")
    if ended.returncode < 0:
        ended_by = signal.Signals(-ended.returncode)
        if ended_by not in _CRASHES:
            raise IndexUnusable(
                f"index {path} could not be inspected to the end ({ended_by.name}); start again"
            )
        return f"to read it ends in {ended_by.name}"
    if ended.returncode:
        return errors[-1] if errors else f"to read it ends with status {ended.returncode}"
    if not said:
        return None
    return said[0] if len(said) == 1 else f"{said[0]}; and more"
