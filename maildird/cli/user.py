"""`maildird user`: who stands in the passwd-file."""

import argparse
import getpass
import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, cast

from maildird.cli.arguments import Parser, value_of
from maildird.server.configuration import read_settings
from maildird.server.kinds import ACCOUNT_NAME, text_that
from maildird.server.login_names import login_name
from maildird.server.passwd_editing import editing, read_lines
from maildird.server.passwd_file import Entry, Problem, read_entries
from maildird.server.password_making import DEFAULT_SCHEME, MAKERS, make_password
from maildird.server.passwords import LONGEST
from maildird.server.regular_file import open_regular
from maildird.terms.errors import SettingsError, UsersUnchanged

DEFAULT_CONFIGURATION: Final = Path("/etc/maildird/maildird.toml")

UNUSABLE: Final = 1

Run = Callable[[argparse.Namespace, str], int]
"""Does what a command is for with the passwd-file of this path."""


def _is_name(text: str) -> bool:
    try:
        ACCOUNT_NAME.convert(text)
    except ValueError:
        return False
    return ":" not in text and not text.startswith("#")


USER_NAME: Final = text_that(
    f"{ACCOUNT_NAME.wanted}, without a colon and not beginning with #", _is_name
)


def add_to(commands: Any, summary: str) -> None:
    """Add the subcommand, which has subcommands of its own, to the parser."""
    parser: Parser = commands.add_parser(
        "user",
        help=summary,
        description="Change and show who can log in by the passwd-file.",
    )
    actions = parser.add_subparsers(metavar="COMMAND", required=True)
    add = _add_action(actions, "add", "add a user, with a password that is asked for", _add)
    passwd = _add_action(actions, "passwd", "give a user another password", _passwd)
    listing = _add_action(actions, "list", "show all users", _list)
    remove = _add_action(actions, "remove", "remove a user; mail and index stay", _remove)
    for each in (add, passwd):
        each.add_argument(
            "--stdin",
            action="store_true",
            help="take the password from the first line of standard input",
        )
        each.add_argument(
            "--scheme",
            choices=tuple(MAKERS),
            default=DEFAULT_SCHEME,
            help="how the password is stored (default: %(default)s)",
        )
    for each in (add, passwd, remove):
        each.add_argument("name", metavar="NAME", type=value_of(USER_NAME), help="who logs in")
    listing.add_argument(
        "--json", action="store_true", help="for programs: one line of JSON a user"
    )


def _add_action(actions: Any, name: str, text: str, run: Run) -> Parser:
    action: Parser = actions.add_parser(name, help=text, description=f"{text.capitalize()}.")
    source = action.add_mutually_exclusive_group()
    source.add_argument("--file", metavar="FILE", help="the passwd-file")
    source.add_argument(
        "--config",
        metavar="FILE",
        type=Path,
        help=f"the configuration that names it (default: {DEFAULT_CONFIGURATION})",
    )
    action.set_defaults(run=lambda arguments: run(arguments, _path(action, arguments)))
    return action


def _path(parser: Parser, arguments: argparse.Namespace) -> str:
    """Where the passwd-file is that is meant."""
    if arguments.file is not None:
        return str(arguments.file)
    configuration = _configuration(arguments)
    if configuration is None:
        parser.error("name the passwd-file with --file, or a configuration with --config FILE")
    sources = read_settings(configuration).sources
    if sources is None or sources.file is None:
        raise SettingsError(
            f"{configuration}: users.file is missing; set it to the path of a passwd-file"
        )
    return sources.file


def _configuration(arguments: argparse.Namespace) -> Path | None:
    """The configuration that is meant, where there is one."""
    if arguments.file is None and arguments.config is None and DEFAULT_CONFIGURATION.exists():
        return DEFAULT_CONFIGURATION
    return cast(Path | None, arguments.config)


def _add(arguments: argparse.Namespace, path: str) -> int:
    _need_no_account(arguments)
    read_lines(path).need_no(arguments.name)
    stored = _ask(arguments)
    with editing(path, create=True) as lines:
        lines.add(arguments.name, stored)
    return 0


def _need_no_account(arguments: argparse.Namespace) -> None:
    """UsersUnchanged when the configuration has the name itself, so that the line would be void."""
    configuration = _configuration(arguments)
    if configuration is None:
        return
    listed = {user.name for user in read_settings(configuration).users}
    if login_name(arguments.name) in listed:
        raise UsersUnchanged(f"{arguments.name} is in [[accounts]] of {configuration} already")


def _passwd(arguments: argparse.Namespace, path: str) -> int:
    read_lines(path).need(arguments.name)
    stored = _ask(arguments)
    with editing(path, create=False) as lines:
        lines.set_password(arguments.name, stored)
    return 0


def _remove(arguments: argparse.Namespace, path: str) -> int:
    read_lines(path).need(arguments.name)
    with editing(path, create=False) as lines:
        lines.remove(arguments.name)
    return 0


def _list(arguments: argparse.Namespace, path: str) -> int:
    with open(open_regular(path), "rb") as file:
        entries, problems = read_entries(file.read())
    if arguments.json:
        for entry in entries:
            print(json.dumps(_fields(entry)))
    elif entries:
        _show(entries)
    for problem in problems:
        print(f"maildird: {_described(path, problem)}", file=sys.stderr)
    return UNUSABLE if problems else 0


def _fields(entry: Entry) -> dict[str, str | int | None]:
    return {
        "name": entry.name,
        "scheme": entry.password.scheme if entry.password is not None else None,
        "uid": entry.uid,
        "gid": entry.gid,
        "home": entry.home,
        "location": entry.location,
    }


def _described(path: str, problem: Problem) -> str:
    return f"{path}: line {problem.number}: {problem.text}"


def _show(entries: list[Entry]) -> None:
    from maildird.cli.user_view import show  # loads rich, which no other command has to pay for

    show(entries)


def _ask(arguments: argparse.Namespace) -> str:
    """A new password, as it is to be stored."""
    password = _first_line() if arguments.stdin else _twice(arguments.name)
    if not password or len(password) > LONGEST or b"\0" in password:
        raise SettingsError(f"the password must have 1 to {LONGEST} octets, none of them NUL")
    return make_password(password, arguments.scheme)


def _first_line() -> bytes:
    return sys.stdin.buffer.readline().rstrip(b"\r\n")


def _twice(name: str) -> bytes:
    with warnings.catch_warnings():
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            first = getpass.getpass(f"New password of {name}: ")
            second = getpass.getpass("The same again: ")
        except (getpass.GetPassWarning, EOFError):
            raise SettingsError(
                "there is no terminal to ask for the password on; give it with --stdin"
            ) from None
    if first != second:
        raise UsersUnchanged("the two passwords differ; nothing was changed")
    return first.encode("utf-8", "surrogateescape")
