"""`maildird status`: how the running server is doing."""

import argparse
import dataclasses
import json
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from maildird.cli.arguments import (
    Parser,
    add_account_arguments,
    need_one_source,
    state_directory,
)
from maildird.server.configuration import read_settings
from maildird.server.status import Status, ask_status
from maildird.server.users import Users
from maildird.terms.errors import StatusUnknown

NOT_SERVED: Final = 1
MAIL_UNAVAILABLE: Final = 3

AT_ONCE: Final = 16
"""Accounts that are asked side by side."""


def add_to(commands: Any, summary: str) -> None:
    """Add the subcommand to the parser."""
    parser: Parser = commands.add_parser(
        "status",
        help=summary,
        description="Ask the running server how it is doing. The exit status is 1 when it doesn't"
        " run, and 3 when it runs but can't get at some of the mail.",
        usage="maildird status MAILDIR [options]\n"
        "       maildird status --config FILE [--sessions] [--json]",
    )
    add_account_arguments(parser)
    parser.add_argument(
        "--sessions", action="store_true", help="show all sessions, also when they are many"
    )
    parser.add_argument(
        "--json", action="store_true", help="for programs: one line of JSON an account"
    )
    parser.set_defaults(run=lambda arguments: _run(parser, arguments))


def _run(parser: Parser, arguments: argparse.Namespace) -> int:
    need_one_source(parser, arguments, ("state_dir",))
    accounts = _accounts(arguments)
    with ThreadPoolExecutor(AT_ONCE) as few:
        found = dict(zip(accounts, few.map(_ask, accounts.values()), strict=True))
    answers = [status for status in found.values() if isinstance(status, Status)]
    unknown = [error for error in found.values() if isinstance(error, StatusUnknown)]
    if arguments.json:
        for status in answers:
            print(json.dumps(dataclasses.asdict(status)))
    elif answers:
        _show(found, all_sessions=arguments.sessions)
    for reason in unknown:
        print(f"maildird: {reason}", file=sys.stderr)
    if unknown:
        return NOT_SERVED
    return MAIL_UNAVAILABLE if any(status.account.troubles for status in answers) else 0


def _accounts(arguments: argparse.Namespace) -> Mapping[str, bytes]:
    """The state directories of all accounts that are meant, by name."""
    if arguments.maildir is not None:
        return {arguments.maildir: state_directory(arguments)}
    users = Users(read_settings(arguments.config)).everyone()
    return {user.name: user.mail.state_directory for user in users}


def _ask(directory: bytes) -> Status | StatusUnknown:
    try:
        return ask_status(directory)
    except StatusUnknown as error:
        return error


def _show(found: Mapping[str, Status | StatusUnknown], *, all_sessions: bool) -> None:
    from maildird.cli.status_view import show  # loads rich, which no other command has to pay for

    show(
        {name: status if isinstance(status, Status) else None for name, status in found.items()},
        all_sessions=all_sessions,
    )
