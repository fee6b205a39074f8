"""`maildird check`: does the index say what the Maildir says?"""

import argparse
import os
from collections.abc import Sequence
from typing import Any

from maildird.cli.arguments import (
    MAILDIR_OPTIONS,
    Parser,
    account_settings,
    add_mail_arguments,
    need_one_source,
)
from maildird.mailbox.settings import AccountSettings
from maildird.mailbox.verify import verify
from maildird.server.configuration import read_settings
from maildird.server.users import Users
from maildird.terms.errors import SettingsError


def add_to(commands: Any, summary: str) -> None:
    """Add the subcommand to the parser."""
    parser: Parser = commands.add_parser(
        "check",
        help=summary,
        description="Compare the index with the Maildir and say what differs; changes nothing."
        " The exit status is 0 when both agree and 1 when they don't.",
        usage="maildird check MAILDIR [options]\n       maildird check --config FILE",
    )
    add_mail_arguments(parser)
    parser.set_defaults(run=lambda arguments: _run(parser, arguments))


def _run(parser: Parser, arguments: argparse.Namespace) -> int:
    need_one_source(parser, arguments, MAILDIR_OPTIONS)
    if arguments.maildir:
        findings = _verify(account_settings(arguments, "the account"))
    else:
        accounts = [user.mail for user in Users(read_settings(arguments.config)).everyone()]
        findings = [
            finding for account in _served(accounts) for finding in _verify_account(account)
        ]
    for finding in findings:
        print(finding)
    print(_verdict(len(findings)))
    return 1 if findings else 0


def _served(accounts: Sequence[AccountSettings]) -> Sequence[AccountSettings]:
    """Without users who never logged in, unless all of them are such."""
    served = [account for account in accounts if os.path.isdir(account.state_directory)]
    return served or accounts


def _verify_account(account: AccountSettings) -> list[str]:
    return [f"{account.name}: {finding}" for finding in _verify(account)]


def _verify(account: AccountSettings) -> list[str]:
    if not os.path.isdir(account.state_directory):
        raise SettingsError(
            f"there is no index in {os.fsdecode(account.state_directory)};"
            " name the state directory that the server uses, or serve the Maildir first"
        )
    return verify(account)


def _verdict(count: int) -> str:
    if not count:
        return "the index agrees with the Maildir"
    return f"{count} {'difference' if count == 1 else 'differences'} found"
