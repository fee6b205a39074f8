"""A process that reads messages for a search, and says what it found (`search_processes`).

It gets a `Job` on its standard input, pickled. For each path in it comes, in this order, one octet
a key: YES or NO, or MAYBE for all of them where the message can't be read so.
"""

import pickle
import sys
from dataclasses import dataclass

from maildird.imap.commands.search import SearchKey
from maildird.maildir.content import Content, read_content
from maildird.session.inspection import Questions, Searched
from maildird.session.verdicts import MAYBE, NO, YES


@dataclass(frozen=True, slots=True)
class Job:
    """Ask each of the `keys` of each message file in `paths`; `now` is in Unix seconds."""

    keys: tuple[SearchKey, ...]
    now: int
    paths: tuple[bytes, ...]


def main() -> None:
    """Do the job."""
    job = pickle.load(sys.stdin.buffer)
    assert isinstance(job, Job)
    questions = Questions(job.keys, job.now)
    for path in job.paths:
        sys.stdout.buffer.write(_answers(job.keys, questions, path))
    sys.stdout.flush()


def _answers(asked: tuple[SearchKey, ...], questions: Questions, path: bytes) -> bytes:
    def read(_uid: int) -> Content:
        return read_content(path)

    message = Searched(0, None, read)
    try:
        return bytes([YES if questions.holds(key, message) else NO for key in asked])
    except OSError:
        return bytes([MAYBE]) * len(asked)
