"""`maildird log`: what changed lately in a mailbox."""

import argparse
import json
import os
from collections.abc import Sequence
from typing import Any, Final

from maildird.cli.arguments import (
    MAILDIR_OPTIONS,
    Parser,
    account_settings,
    add_mail_arguments,
    need_one_source,
)
from maildird.index.environment import Index
from maildird.index.rows import MailboxRow
from maildird.mailbox.changelog import Entry, entries, latest_changes
from maildird.mailbox.history import Made
from maildird.mailbox.namespace import name_of, parts_of
from maildird.mailbox.opening import layout_of
from maildird.mailbox.settings import AccountSettings
from maildird.mime.common_header import written_out
from maildird.mime.search import header_values
from maildird.server.configuration import read_settings
from maildird.server.status import ask_history
from maildird.server.users import Users
from maildird.terms.codes import Code
from maildird.terms.errors import Refused, SettingsError, StatusUnknown

_MOST: Final = 20
"""Changes that are shown when neither a number nor a MODSEQ was asked for."""


def add_to(commands: Any, summary: str) -> None:
    """Add the subcommand to the parser."""
    parser: Parser = commands.add_parser(
        "log",
        help=summary,
        description="Show the latest changes in a mailbox by MODSEQ, the newest last: messages that"
        " arrived, whose flags changed, that were removed. Who made them and when is known of those"
        " since the server started, while it runs.",
        usage="maildird log MAILBOX MAILDIR [options]\n"
        "       maildird log MAILBOX --config FILE [--user NAME] [-n COUNT] [--since MODSEQ]"
        " [--json]",
    )
    parser.add_argument("mailbox", metavar="MAILBOX", help="the mailbox, as clients name it")
    add_mail_arguments(parser)
    parser.add_argument("--user", metavar="NAME", help="whose mailbox, with --config")
    parser.add_argument(
        "-n",
        dest="count",
        metavar="COUNT",
        type=_whole,
        help=f"show so many changes at most (default: {_MOST}; all of them with --since)",
    )
    parser.add_argument(
        "--since", metavar="MODSEQ", type=_whole, help="show changes after this MODSEQ"
    )
    parser.add_argument(
        "--json", action="store_true", help="for programs: one line of JSON a change"
    )
    parser.set_defaults(run=lambda arguments: _run(parser, arguments))


def _run(parser: Parser, arguments: argparse.Namespace) -> int:
    need_one_source(parser, arguments, MAILDIR_OPTIONS)
    if arguments.maildir is not None and arguments.user is not None:
        parser.error("--user goes with --config; a MAILDIR has one user")
    most = _MOST if arguments.count is arguments.since is None else arguments.count
    found = _entries(_account(arguments), arguments.mailbox, arguments.since or 0, most)
    if arguments.json:
        for entry in found:
            print(json.dumps(_plain(entry)))
    elif found:
        _show(found)
    else:
        print("no changes are known")
    return 0


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) >= 1 << 63:
        raise argparse.ArgumentTypeError(f'"{text}" must be a whole number')
    return int(text)


def _account(arguments: argparse.Namespace) -> AccountSettings:
    if arguments.maildir is not None:
        return account_settings(arguments, "the account")
    users = Users(read_settings(arguments.config))
    everyone = users.everyone()
    if arguments.user is None and len(everyone) == 1:
        return everyone[0].mail
    if arguments.user is None:
        raise SettingsError(f"{arguments.config} has several users; name one with --user NAME")
    user = users.find(arguments.user)
    if user is None:
        raise SettingsError(f'{arguments.config} has no user "{arguments.user}"')
    return user.mail


def _entries(
    account: AccountSettings, mailbox: str, since: int, most: int | None
) -> Sequence[Entry]:
    """The latest changes of a mailbox, the newest last; Refused when there is no such mailbox."""
    _layout, namespace = layout_of(account)
    directory = os.path.join(account.state_directory, b"index")
    if not os.path.isdir(directory):
        raise SettingsError(
            f"there is no index in {os.fsdecode(account.state_directory)};"
            " name the state directory that the server uses, or serve the Maildir first"
        )
    index = Index.open(directory, read_only=True)
    try:
        with index.snapshot() as snapshot:
            row = snapshot.mailbox_named(parts_of(namespace, mailbox))
            if row is None:
                names = sorted(name_of(namespace, each.parts) for each in snapshot.mailboxes())
                raise Refused(
                    Code.NONEXISTENT, f'there is no mailbox "{mailbox}"; there are {_few(names)}'
                )
            changes = latest_changes(snapshot, row, since, most)
            return entries(snapshot, row, changes, _history(account, row))
    finally:
        index.close()


def _history(account: AccountSettings, row: MailboxRow) -> Sequence[Made]:
    """What the server knows of the latest changes; nothing where none runs."""
    try:
        return ask_history(account.state_directory, row.id)
    except StatusUnknown:
        return ()


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:10]) + (", …" if len(names) > 10 else "")


def subject_of(entry: Entry) -> str | None:
    """The decoded Subject; None where it isn't known."""
    return next(iter(header_values(written_out(entry.header), "Subject")), None)


def _plain(entry: Entry) -> dict[str, object]:
    """What is printed as JSON."""
    made = entry.made
    return {
        **{name: getattr(entry, name) for name in ("modseq", "uid", "kind", "flags")},
        "cause": None if made is None else made.cause,
        "at": None if made is None else made.at,
        "file": os.fsdecode(entry.name) if entry.name else None,
        "subject": subject_of(entry),
    }


def _show(found: Sequence[Entry]) -> None:
    from maildird.cli.log_view import show  # loads rich, which no other command has to pay for

    show([(entry, subject_of(entry)) for entry in found])
