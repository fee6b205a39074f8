"""The users that the lines of a passwd-file make, and what the log says about them."""

import os
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from maildird.server.locations import AccountTemplate
from maildird.server.login_names import login_name
from maildird.server.passwd_file import Entry
from maildird.server.settings import User
from maildird.server.trees import Trees
from maildird.terms.errors import SettingsError


@dataclass(frozen=True, slots=True)
class FileUsers:
    """Those who can log in; why others can't; and what else is worth knowing, a line each."""

    users: Sequence[User]
    problems: Sequence[str]
    remarks: Sequence[str]


def users_in(
    path: str, entries: Sequence[Entry], template: AccountTemplate, taken: Collection[User]
) -> FileUsers:
    """The users of the file `path`; neither names nor Maildirs of those in `taken` may come up."""
    users, problems = [], []
    trees = Trees()
    for user in taken:
        with suppress(SettingsError):  # they were apart when the configuration was read
            trees.take(user.name, user.mail.root)
    names = {login_name(user.name) for user in taken}
    for entry in entries:
        try:
            if entry.name in names:
                raise SettingsError("is in [[accounts]] already")
            mail = template.account(
                entry.name, location=entry.location, layout=entry.layout, home=entry.home
            )
            trees.take(entry.name, mail.root)
        except SettingsError as error:
            problems.append(f"{path}: line {entry.number}: {entry.name} {error}")
        else:
            users.append(User(entry.name, entry.password, mail))
    return FileUsers(users, problems, [*_readable(path, users), *_strangers(path, entries)])


def _readable(path: str, users: Iterable[User]) -> list[str]:
    """A remark where passwords are stored as they are."""
    plain = sum(user.password is not None and user.password.plain is not None for user in users)
    if not plain:
        return []
    return [
        f"{path}: {plain} of the passwords can be read by whoever reads the file;"
        " maildird user passwd stores a hash instead"
    ]


def _strangers(path: str, entries: Iterable[Entry]) -> list[str]:
    """A remark for each uid and gid that this process has not."""
    groups = {os.getegid(), *os.getgroups()}
    strangers = defaultdict(list)
    for entry in entries:
        foreign = entry.uid not in (None, os.geteuid())
        if foreign or not (entry.gid is None or entry.gid in groups):
            strangers[entry.uid, entry.gid].append(entry)
    return [
        f"{path}: line {each[0].number}: {_named(each)} with uid {_shown(uid)} and gid"
        f" {_shown(gid)}, but this server runs with uid {os.geteuid()} and gid {os.getegid()}"
        " and uses these"
        for (uid, gid), each in strangers.items()
    ]


def _named(entries: list[Entry]) -> str:
    others = f" and {len(entries) - 1} more stand" if len(entries) > 1 else " stands"
    return f"{entries[0].name}{others}"


def _shown(number: int | None) -> str:
    return "unset" if number is None else str(number)
