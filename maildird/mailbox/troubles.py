"""What can't be looked at now, and why: said once in the log, and shown while it lasts."""

import logging
import os
import time
from collections.abc import Callable, Sequence

from maildird.mailbox.report import Trouble
from maildird.terms.errors import MaildirdError

logger = logging.getLogger(__name__)


class Troubles:
    """By mailbox id; None stands for the tree.

    What several mailboxes have in common is logged when the first has it and when the last is over
    it.
    """

    def __init__(self) -> None:
        self._known: dict[int | None, Trouble] = {}

    def __contains__(self, mailbox: int | None) -> bool:
        return mailbox in self._known

    def note(self, mailbox: int | None, error: MaildirdError | OSError) -> None:
        """Keep why a mailbox or the tree can't be looked at."""
        what = _said(error)
        known = self._known.get(mailbox)
        if known is None or known.what != what:
            self._tell(logger.warning, "%s", what)
            self._known[mailbox] = Trouble(what, known.since if known else time.time())

    def forget(self, mailbox: int) -> None:
        """The mailbox is no more."""
        self._known.pop(mailbox, None)

    def end(self, mailbox: int | None) -> None:
        """It was looked at."""
        ended = self._known.pop(mailbox, None)
        if ended is not None:
            self._tell(logger.info, "this is over: %s", ended.what)

    def of(self, mailboxes: Sequence[int]) -> Sequence[Trouble]:
        """The troubles of mailboxes; trouble with the tree stands for all of it."""
        if None in self._known:
            return (self._known[None],)
        return [self._known[mailbox] for mailbox in mailboxes if mailbox in self._known]

    def _tell(self, log: Callable[[str, str], None], form: str, what: str) -> None:
        if all(each.what != what for each in self._known.values()):
            log(form, what)


def _said(error: MaildirdError | OSError) -> str:
    if isinstance(error, OSError) and isinstance(error.filename, str | bytes):
        return f"{os.fsdecode(error.filename)}: {error.strerror}"
    return str(error)
