"""`maildird status`: how the running server is doing."""

import argparse
import dataclasses
import json
import sys
from collections.abc import Mapping
from typing import Any, Final

from maildird.cli.arguments import (
    Parser,
    add_account_arguments,
    need_one_source,
    state_directory,
)
from maildird.server.configuration import read_settings
from maildird.server.status import Status, ask
from maildird.server.users import Users
from maildird.terms.errors import StatusUnknown

NOT_SERVED: Final = 1
MAIL_UNAVAILABLE: Final = 3


def add_to(commands: Any) -> None:
    """Add the subcommand to the parser."""
    parser: Parser = commands.add_parser(
        "status",
        help="ask the running server how it is doing",
        description="Ask the running server how it is doing. The exit status is 1 when it doesn't"
        " run, and 3 when it runs but can't get at some of the mail.",
        usage="maildird status MAILDIR [options]\n       maildird status --config FILE [--json]",
    )
    add_account_arguments(parser)
    parser.add_argument(
        "--json", action="store_true", help="for programs: one line of JSON an account"
    )
    parser.set_defaults(run=lambda arguments: _run(parser, arguments))


def _run(parser: Parser, arguments: argparse.Namespace) -> int:
    need_one_source(parser, arguments, ("state_dir",))
    found: dict[str, Status | None] = {}
    unknown: list[StatusUnknown] = []
    for name, directory in _accounts(arguments).items():
        try:
            found[name] = ask(directory)
        except StatusUnknown as error:
            found[name] = None
            unknown.append(error)
    answers = [status for status in found.values() if status is not None]
    if arguments.json:
        for status in answers:
            print(json.dumps(dataclasses.asdict(status)))
    elif answers:
        _show(found)
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


def _show(found: Mapping[str, Status | None]) -> None:
    from maildird.cli.status_view import show  # loads rich, which no other command has to pay for

    show(found)
