"""The users of a passwd-file that may change while the server runs.

Theory of operation. The file is looked at (stat) at each login and read again when it is another
one than before. Reading tens of thousands of lines takes some tenths of a second, so a thread does
it. A version that can't be read, or in which no line can be used though there are some, changes
nothing: the users of the last good one stay. What is wrong is logged once, until it is something
else.

Editors and scripts that write into the file itself leave it empty or half written for a moment. So
a file that was written in place less than `SETTLED` seconds ago, that does not end with the end of
a line, or in which suddenly nobody stands, is looked at again before it counts: it does once it was
seen unchanged for so long. One that was renamed into place, as maildird user does it, counts at
once.

Whoever is no longer in the file can't log in any more. Sessions that are open go on, and the
account stays open, until the settings are read again or the server ends. What was written just
before that has to `settle` first.
"""

import logging
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import trio

from maildird.server.file_users import users_in
from maildird.server.locations import AccountTemplate
from maildird.server.passwd_file import read_entries
from maildird.server.regular_file import open_regular
from maildird.server.roll import Roll, roll_of
from maildird.server.settings import User
from maildird.terms.errors import SettingsError

logger = logging.getLogger(__name__)

MOST_TOLD: Final = 20
"""What is logged of the lines that can't be used; maildird user list shows all."""

SETTLED: Final = 2.0
"""How long a file has to stay as it is where it may be half written (s)."""


@dataclass(frozen=True, slots=True)
class _Version:
    """What a change of the file shows in; ns since the epoch."""

    inode: int
    size: int
    mtime: int
    ctime: int


class UserFile:
    """Knows who stands in the file, beside `listed`, who are users from elsewhere.

    `roll` has all of them; `problems` are the lines that can't be used, each with its number and
    what is wrong.
    """

    def __init__(self, path: str, template: AccountTemplate, listed: Sequence[User]) -> None:
        self.roll: Roll = roll_of(listed)
        self.problems: Sequence[str] = ()
        self._path = path
        self._template = template
        self._listed = listed
        self._version: _Version | None = None
        self._content = b""
        self._unsettled: tuple[_Version, float] | None = None
        self._told: frozenset[str] = frozenset()
        self._reading = trio.Lock()

    def load(self, before: "UserFile | None" = None) -> None:
        """Read the file for the first time; SettingsError when it can't be read.

        What `before` had taken in of the same file goes on to count while it may be half written.
        """
        try:
            version, content = self._read()
        except OSError as error:
            raise SettingsError(
                f"{self._path}: {error.strerror}; name a passwd-file that can be read, or make one"
                " with maildird user add"
            ) from None
        if before is not None and before._is_unsettled_here(self._path, version, content):
            self._take(before._content)
        else:
            self._version = version
            self._take(content)

    async def refresh(self) -> None:
        """Read the file again if it changed."""
        if self._is_current():
            return
        async with self._reading:
            if not self._is_current():
                await trio.to_thread.run_sync(self._reread, trio.current_time())

    async def settle(self) -> None:
        """Read the file again if it changed, and once more where that might be half written."""
        await self.refresh()
        if self._unsettled is not None:
            await trio.sleep_until(self._unsettled[1] + SETTLED)
            await self.refresh()

    def _is_current(self) -> bool:
        try:
            version = _version(os.stat(self._path))
        except OSError:
            return False
        return version == self._version or self._is_too_early(version, trio.current_time())

    def _is_too_early(self, version: _Version, now: float) -> bool:
        """Whether it was looked at before, and that is not long ago."""
        if self._unsettled is None or version != self._unsettled[0]:
            return False
        return now < self._unsettled[1] + SETTLED

    def _reread(self, now: float) -> None:
        try:
            version, content = self._read()
        except OSError as error:
            self._version = None
            self._tell([f"{self._path}: {error.strerror}; the users that were there stay"])
            return
        if self._unsettled is None or version != self._unsettled[0]:
            reason = self._why_unsettled(version, content)
            if reason is not None:
                self._unsettled = version, now
                self._say_unsettled(reason)
                return
        elif self._is_too_early(version, now):
            return
        self._unsettled, self._version = None, version
        self._take(content)

    def _read(self) -> tuple[_Version, bytes]:
        with open(open_regular(self._path), "rb") as file:
            return _version(os.fstat(file.fileno())), file.read()

    def _why_unsettled(self, version: _Version, content: bytes) -> str | None:
        if not content.strip() and len(self.roll.users) > len(self._listed):
            return "it is empty now"
        if content and not content.endswith(b"\n"):
            return "its last line has no end"
        in_place = self._version is None or self._version.inode == version.inode
        if in_place and time.time() < version.ctime / 1e9 + SETTLED:
            return "it was written at this moment"
        return None

    def _is_unsettled_here(self, path: str, version: _Version, content: bytes) -> bool:
        is_other = path == self._path and version != self._version
        return is_other and self._why_unsettled(version, content) is not None

    def _say_unsettled(self, reason: str) -> None:
        logger.warning(
            "%s: %s; it is looked at again, and the users that were there stay until then",
            self._path,
            reason,
        )

    def _take(self, content: bytes) -> None:
        """Have what the file says count."""
        self._content = content
        entries, problems = read_entries(content)
        messages = [f"{self._path}: line {each.number}: {each.text}" for each in problems]
        self.problems = messages
        if entries or not problems:
            found = users_in(self._path, entries, self._template, self._listed)
            self.roll = roll_of([*self._listed, *found.users])
            self.problems = [*found.problems, *messages]
            messages = [*found.remarks, *self.problems]
        else:
            messages.insert(0, f"{self._path}: no line can be used; the users that were there stay")
        self._tell(messages)

    def _tell(self, messages: Sequence[str]) -> None:
        """Log what was not there the last time, up to `MOST_TOLD`."""
        new = [message for message in messages if message not in self._told]
        for message in new[:MOST_TOLD]:
            logger.warning("%s", message)
        if len(new) > MOST_TOLD:
            logger.warning("%s: %d more are like these", self._path, len(new) - MOST_TOLD)
        self._told = frozenset(messages)


def _version(found: os.stat_result) -> _Version:
    return _Version(found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
