"""Logging: to standard error, one line a message, its level first. The journal adds the time.

Theory of operation. What others wrote, such as names of files and what clients say, gets into
messages. So whatever a message holds, it is one line: what is not printable is escaped, and what is
very long is cut. Whoever logs what a client may have made up puts it in quotes besides (`%a`), so
that nobody takes it for our words. Only a traceback has lines of its own, which are indented.

Under systemd each line begins with its priority as <N> (sd-daemon(3)), which the journal takes off
and keeps apart: there standard error is the stream that JOURNAL_STREAM names (systemd.exec(5)).
"""

import logging
import os
import sys
from collections.abc import Mapping
from typing import Final

LONGEST: Final = 2000
"""Characters of a message at most."""

_PRIORITIES: Final = {
    logging.DEBUG: 7,
    logging.INFO: 6,
    logging.WARNING: 4,
    logging.ERROR: 3,
    logging.CRITICAL: 2,
}
"""Those of syslog(3)."""


class LineFormatter(logging.Formatter):
    """Makes one line of each record, and more where there is a traceback.

    With `priorities` each begins with <N>.
    """

    def __init__(self, *, priorities: bool) -> None:
        super().__init__()
        self._priorities = priorities

    def format(self, record: logging.LogRecord) -> str:
        """The line, or lines, without the last line end."""
        lines = [f"{record.levelname} {_one_line(record.getMessage())}"]
        if record.exc_info:
            lines += (f"  {_escaped(line)}" for line in self._traceback(record))
        prefix = f"<{_PRIORITIES.get(record.levelno, 6)}>" if self._priorities else ""
        return "\n".join(prefix + line for line in lines)

    def _traceback(self, record: logging.LogRecord) -> list[str]:
        assert record.exc_info
        return self.formatException(record.exc_info).splitlines()


def start_logging(level: str) -> None:
    """Log what is of `level` (debug, info, warning, error) and above."""
    handler = logging.StreamHandler(sys.stderr)
    priorities = is_journal(sys.stderr.fileno(), os.environ)
    handler.setFormatter(LineFormatter(priorities=priorities))
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    logging.getLogger("watchdog").setLevel(logging.WARNING)


def set_level(level: str) -> None:
    """From now on log what is of `level` and above."""
    logging.getLogger().setLevel(level.upper())


def is_journal(descriptor: int, environment: Mapping[str, str]) -> bool:
    """Whether what is written there goes to the journal."""
    stream = os.fstat(descriptor)
    return environment.get("JOURNAL_STREAM") == f"{stream.st_dev}:{stream.st_ino}"


def _one_line(message: str) -> str:
    escaped = _escaped(message)
    return escaped if len(escaped) <= LONGEST else f"{escaped[:LONGEST]}…"


def _escaped(text: str) -> str:
    """`text` with what is not printable escaped as Python does it."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)
