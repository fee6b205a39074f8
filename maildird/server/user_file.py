"""The users of a passwd-file that may change while the server runs.

Theory of operation. The file is looked at (stat) at each login and read again when it is another
one than before. Reading tens of thousands of lines takes some tenths of a second, so a thread does
it. A version that can't be read, or in which no line can be used though there are some, changes
nothing: the users of the last good one stay. What is wrong is logged once, until it is something
else.

Whoever is no longer in the file can't log in any more. Sessions that are open go on, and the
account stays open, until the settings are read again or the server ends.
"""

import logging
import os
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Final

import trio

from maildird.server.locations import AccountTemplate
from maildird.server.passwd_file import Entry, read_entries
from maildird.server.settings import User
from maildird.terms.errors import SettingsError

logger = logging.getLogger(__name__)

MOST_TOLD: Final = 20
"""What is logged of the lines that can't be used; maildird user list shows all."""

Version = tuple[int, int, int, int]
"""Inode, size, mtime and ctime: a change of the file shows in one of them."""


class UserFile:
    """Knows who stands in the file.

    `taken` are users from elsewhere: neither their names nor their Maildirs may come up here.
    """

    def __init__(self, path: str, template: AccountTemplate, taken: Collection[User]) -> None:
        self.users: Mapping[str, User] = {}
        self._path = path
        self._template = template
        self._taken = taken
        self._version: Version | None = None
        self._told: frozenset[str] = frozenset()
        self._reading = trio.Lock()

    def load(self) -> None:
        """Read the file for the first time; SettingsError when it can't be read."""
        try:
            self._version = self._read()
        except OSError as error:
            raise SettingsError(
                f"{self._path}: {error.strerror}; name a passwd-file that can be read, or make one"
                " with maildird user add"
            ) from None

    async def refresh(self) -> bool:
        """Read the file again if it changed; whether it was read."""
        if self._is_current():
            return False
        async with self._reading:
            if self._is_current():
                return False
            await trio.to_thread.run_sync(self._reread)
            return True

    def _is_current(self) -> bool:
        try:
            return self._version == _version(os.stat(self._path))
        except OSError:
            return False

    def _reread(self) -> None:
        try:
            self._version = self._read()
        except OSError as error:
            self._version = None
            self._tell((f"{self._path}: {error.strerror}; the users that were there stay",))

    def _read(self) -> Version:
        """Take in what the file says; gives the version that was read."""
        with open(self._path, "rb") as file:
            found = os.fstat(file.fileno())
            entries, problems = read_entries(file.read())
        messages = [f"{self._path}: line {each.number}: {each.text}" for each in problems]
        if entries or not problems:
            self.users, notes = self._users(entries)
            messages = [*self._strangers(entries), *notes, *messages]
        else:
            messages.insert(0, f"{self._path}: no line can be used; the users that were there stay")
        self._tell(tuple(messages))
        return _version(found)

    def _users(self, entries: Iterable[Entry]) -> tuple[dict[str, User], list[str]]:
        """Users by name, and what is wrong with the others."""
        users: dict[str, User] = {}
        messages = []
        owners = {user.mail.root: user.name for user in self._taken}
        names = {user.name for user in self._taken}
        plain = 0
        for entry in entries:
            try:
                if entry.name in names:
                    raise SettingsError("is in [[accounts]] already")
                mail = self._template.account(
                    entry.name, location=entry.location, layout=entry.layout, home=entry.home
                )
                owner = owners.setdefault(mail.root, entry.name)
                if owner != entry.name:
                    raise SettingsError(f"has the Maildir of {owner}: {os.fsdecode(mail.root)}")
            except SettingsError as error:
                messages.append(f"{self._path}: line {entry.number}: {entry.name} {error}")
                continue
            users[entry.name] = User(entry.name, entry.password, mail)
            plain += entry.password is not None and entry.password.scheme == "PLAIN"
        if plain:
            messages.insert(
                0,
                f"{self._path}: {plain} of the passwords can be read by whoever reads the file;"
                " maildird user passwd stores a hash instead",
            )
        return users, messages

    def _strangers(self, entries: Iterable[Entry]) -> list[str]:
        """A message for each uid and gid that this process has not."""
        groups = {os.getegid(), *os.getgroups()}
        strangers = defaultdict(list)
        for entry in entries:
            foreign = entry.uid not in (None, os.geteuid())
            if foreign or not (entry.gid is None or entry.gid in groups):
                strangers[entry.uid, entry.gid].append(entry)
        return [
            f"{self._path}: line {each[0].number}: {_named(each)} with uid {_shown(uid)} and gid"
            f" {_shown(gid)}, but this server runs with uid {os.geteuid()} and gid {os.getegid()}"
            " and uses these"
            for (uid, gid), each in strangers.items()
        ]

    def _tell(self, messages: tuple[str, ...]) -> None:
        """Log what was not there the last time, up to `MOST_TOLD`."""
        new = [message for message in messages if message not in self._told]
        for message in new[:MOST_TOLD]:
            logger.warning("%s", message)
        if len(new) > MOST_TOLD:
            logger.warning("%s: %d more are like these", self._path, len(new) - MOST_TOLD)
        self._told = frozenset(messages)


def _version(found: os.stat_result) -> Version:
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _named(entries: list[Entry]) -> str:
    others = f" and {len(entries) - 1} more stand" if len(entries) > 1 else " stands"
    return f"{entries[0].name}{others}"


def _shown(number: int | None) -> str:
    return "unset" if number is None else str(number)
