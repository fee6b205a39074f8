"""A passwd-file as Dovecot reads it: who may log in, and where their mail lies.

    user:{SCHEME}hash:uid:gid:gecos:home:shell:extra

Theory of operation. Fields may be empty, and missing from the end. Empty lines and those that begin
with `#` are skipped. The extra fields are words with blanks between them; of these `userdb_mail`
and `userdb_home` are heeded. Those that let fewer people in than the password does are not known
here, so whoever has one stays out: better that than a door that Dovecot kept shut. The rest
concerns Dovecot alone.

A line that can't be used is told with its number, and takes no other with it. Names are those of
logins, whose case makes no difference; of two lines with one name the first counts. A mark of UTF-8
at the start (BOM), which some editors leave there, is no part of a name.
"""

import codecs
import functools
import grp
import pwd
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from maildird.mailbox.settings import LayoutKind
from maildird.server.kinds import ACCOUNT_NAME
from maildird.server.login_names import login_name
from maildird.server.passwords import StoredPassword, read_password
from maildird.terms.errors import SettingsError

RESTRICTING: Final = frozenset({"allow_nets", "allow_real_nets", "deny", "nologin", "proxy"})
"""Extra fields with which Dovecot keeps a user out at times, or sends them elsewhere."""

_LOCKED: Final = re.compile(r"(?:\{[\w-]*CRYPT\})?[!*]")

_VARIABLES: Final = {
    "%u": "{user}",
    "%n": "{local}",
    "%d": "{domain}",
    "%h": "{home}",
    "%{user}": "{user}",
    "%{user|username}": "{local}",
    "%{user|domain}": "{domain}",
    "%{home}": "{home}",
    "%%": "%",
}
"""Dovecot's variables, and what stands for them in a location template."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A line. `password` is None for one who can't log in with a password.

    `location` is a template; without one the user's mail is where all mail is.
    """

    number: int
    name: str
    password: StoredPassword | None
    uid: int | None = None
    gid: int | None = None
    home: str | None = None
    location: str | None = None
    layout: LayoutKind | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """A line that can't be used, and why."""

    number: int
    text: str


def read_entries(content: bytes) -> tuple[list[Entry], list[Problem]]:
    """What the lines of a passwd-file say, and which can't be used."""
    entries: dict[str, Entry] = {}
    problems = []
    for number, line in enumerate(content.removeprefix(codecs.BOM_UTF8).split(b"\n"), 1):
        if line.startswith(b"#") or not line.strip():
            continue
        try:
            entry = _read_line(number, line)
            if entry.name in entries:
                first = entries[entry.name].number
                raise SettingsError(
                    f"{entry.name} stands in line {first} already; case makes no difference"
                )
        except SettingsError as error:
            problems.append(Problem(number, str(error)))
        else:
            entries[entry.name] = entry
    return list(entries.values()), problems


def _read_line(number: int, line: bytes) -> Entry:
    try:
        text = line.decode("utf-8").rstrip("\r")
    except UnicodeDecodeError:
        raise SettingsError("this is not UTF-8") from None
    fields = text.split(":", 7)
    name, password, uid, gid, _gecos, home, _shell, extra = fields + [""] * (8 - len(fields))
    try:
        ACCOUNT_NAME.convert(name)
    except ValueError:
        raise SettingsError(f"the name must be {ACCOUNT_NAME.wanted}") from None
    try:
        return _entry(number, login_name(name), password, uid, gid, home, _read_extra(extra))
    except SettingsError as error:
        raise SettingsError(f"{name}: {error}") from None


def _entry(
    number: int,
    name: str,
    password: str,
    uid: str,
    gid: str,
    home: str,
    extra: dict[str, str],
) -> Entry:
    location, layout = _read_mail(extra.get("userdb_mail", ""))
    return Entry(
        number,
        name,
        _read_password(password),
        _read_id(uid, _uid_of, "user") if uid else None,
        _read_id(gid, _gid_of, "group") if gid else None,
        extra.get("userdb_home") or home or None,
        location,
        layout,
    )


def _read_password(text: str) -> StoredPassword | None:
    if not text or _LOCKED.match(text):
        return None
    return read_password(text, "CRYPT")


def _read_id(text: str, look_up: Callable[[str], int], what: str) -> int:
    """A uid or gid, given as a number or by name."""
    if text.isascii() and text.isdigit():
        return int(text)
    try:
        return look_up(text)
    except KeyError:
        raise SettingsError(f'"{text}" is no {what} of this machine, and no number') from None


@functools.lru_cache(maxsize=64)
def _uid_of(name: str) -> int:
    return pwd.getpwnam(name).pw_uid


@functools.lru_cache(maxsize=64)
def _gid_of(name: str) -> int:
    return grp.getgrnam(name).gr_gid


def _read_extra(text: str) -> dict[str, str]:
    if not text:
        return {}
    extra = {key: value for key, _, value in (word.partition("=") for word in text.split())}
    restricting = RESTRICTING & extra.keys()
    if restricting:
        raise SettingsError(f"{min(restricting)} is not supported, so this user can't log in")
    return extra


def _read_mail(text: str) -> tuple[str | None, LayoutKind | None]:
    """The location template and layout in a `mail_location` of Dovecot."""
    if not text:
        return None, None
    path, *options = text.removeprefix("maildir:").split(":")
    layout: LayoutKind | None = None
    for option in options:
        match option.split("=", 1):
            case ["LAYOUT", "fs"]:
                layout = "fs"
            case ["LAYOUT", "maildir++" | "Maildir++"]:
                layout = "maildir++"
            case ["INDEX", _]:
                pass
            case _:
                raise SettingsError(f"{option} in userdb_mail is not supported")
    location = _translate(path)
    if not location.startswith(("/", "{home}")):
        raise SettingsError(f'userdb_mail is "{text}", but must be maildir: and an absolute path')
    return location, layout


def _translate(path: str) -> str:
    """Dovecot's spelling of a location in ours."""
    if path == "~" or path.startswith("~/"):
        path = f"%h{path[1:]}"

    def variable(match: re.Match[str]) -> str:
        if match[0] not in _VARIABLES:
            raise SettingsError(f"{match[0]} in userdb_mail is not supported")
        return _VARIABLES[match[0]]

    return re.sub(r"%(?:\{[^}]*\}|.?)", variable, path)
