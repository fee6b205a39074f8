"""Having an index inspected before this process maps it.

Theory of operation. LMDB has no checksums: it follows whatever its pages say, and a damaged one can
end the process that reads it, or keep it busy for ever. So what may be damaged is read by another
process first (`inspector`), which has as much time and memory as its size deserves. Whatever comes
of that, an answer, a signal or no end, is an answer.

The time of a sound index is some 0.1 s and 11 s for each million messages; a slow disk may need
much longer. One that is not through by then is taken for damaged: it is made anew sooner.
"""

import json
import os
import signal
import stat
import subprocess
import sys
from typing import Final

from maildird.index.files import data_file
from maildird.index.inspector import READING
from maildird.terms.errors import IndexUnusable

TIME: Final = 30.0
OCTETS_PER_SECOND: Final = 4 << 20
"""The process has `TIME` (s), and a second more for so many octets of the file."""

MEMORY: Final = 512 << 20
"""Octets of memory that the process has, and twice the file's length."""

_PROGRAM: Final = """
import json, sys
sys.path[:] = json.loads(sys.argv.pop(1))
from maildird.index.inspector import main
main()
"""
"""In an isolated interpreter, which finds what this one finds and obeys no environment."""


def find_damage(directory: bytes, *, beside: bool = False) -> str | None:
    """What is wrong with the index in `directory`, in a few words; None when it is sound.

    `beside` when another process may have it open and write to it: that one has looked at its
    pages, and they are left out. Blocks; raises IndexUnusable when it can't be inspected, OSError
    when it can't be looked at.
    """
    status = os.stat(data_file(directory))
    if not stat.S_ISREG(status.st_mode):
        return "it is no file"
    if not status.st_size:
        return "it is empty"
    limit = TIME + status.st_size / OCTETS_PER_SECOND
    arguments = [
        *(sys.executable, "-I", "-c", _PROGRAM, json.dumps(sys.path), os.fsdecode(directory)),
        *(str(int(limit)), str(MEMORY + 2 * status.st_size), "beside" if beside else "alone"),
    ]
    try:
        with open(data_file(directory), "rb"):  # as the process will do, but with a clear error
            ended = subprocess.run(
                arguments,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=limit,
                check=False,
            )
    except subprocess.TimeoutExpired:
        return f"to read it takes longer than {limit:.0f} s"
    return _verdict(os.fsdecode(directory), ended)


def _verdict(path: str, ended: "subprocess.CompletedProcess[bytes]") -> str | None:
    begun, *said = ended.stdout.decode("utf-8", "replace").splitlines() or [""]
    errors = ended.stderr.decode("utf-8", "replace").splitlines()
    if begun != READING:
        why = errors[-1] if errors else f"exit status {ended.returncode}"
        raise IndexUnusable(f"index {path} can't be inspected ({why})")
    if ended.returncode < 0:
        return f"to read it ends in {signal.Signals(-ended.returncode).name}"
    if ended.returncode:
        return errors[-1] if errors else f"to read it ends with status {ended.returncode}"
    if not said:
        return None
    return said[0] if len(said) == 1 else f"{said[0]}; and more"
