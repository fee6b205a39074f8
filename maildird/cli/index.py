"""`maildird index`: take all folders in and make all messages ready, where no server does it."""

import argparse
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack
from typing import Any, Final

import trio

from maildird.cli.arguments import (
    MAILDIR_OPTIONS,
    Parser,
    account_settings,
    add_mail_arguments,
    need_one_source,
)
from maildird.cli.index_view import View, view_on
from maildird.mailbox.account import Account
from maildird.mailbox.opening import open_account
from maildird.mailbox.results import Prepared
from maildird.mailbox.settings import AccountSettings
from maildird.server.configuration import read_settings
from maildird.server.logs import start_logging
from maildird.server.new_tree import make_new_tree
from maildird.server.state import locked
from maildird.server.users import Users
from maildird.session.describe import describe
from maildird.terms.errors import IndexUnusable, SettingsError

_REFRESH: Final = 0.1
"""Seconds between two looks at how far it is."""


def add_to(commands: Any, summary: str) -> None:
    """Add the subcommand to the parser."""
    parser: Parser = commands.add_parser(
        "index",
        help=summary,
        description="Take all folders into the index and make all messages ready, so that the"
        " first client need not wait. A running server does the same in the background. Ctrl-C"
        " stops it; the next run goes on from there.",
        usage="maildird index MAILDIR [options]\n       maildird index --config FILE",
    )
    add_mail_arguments(parser)
    parser.set_defaults(run=lambda arguments: _run(parser, arguments))


def _run(parser: Parser, arguments: argparse.Namespace) -> int:
    need_one_source(parser, arguments, MAILDIR_OPTIONS)
    if arguments.maildir:
        accounts = [account_settings(arguments, arguments.maildir)]
    else:
        accounts = [user.mail for user in Users(read_settings(arguments.config)).everyone()]
    complete = [_try_to_index(account, len(accounts)) for account in accounts]
    return 0 if all(complete) else 1


def _try_to_index(settings: AccountSettings, count: int) -> bool:
    """Index one of so many accounts: one that has no tree takes no other with it."""
    try:
        return _index_account(settings)
    except (SettingsError, OSError) as error:
        if count == 1:
            raise
        print(f"{settings.name}: {error}", file=sys.stderr, flush=True)
        return False


def _index_account(settings: AccountSettings) -> bool:
    """Index one account and say so; whether all of it could be read."""
    began = time.monotonic()
    with ExitStack() as held:
        try:
            held.enter_context(locked(settings.state_directory))
        except IndexUnusable:
            raise IndexUnusable(
                f"a server has the index in {os.fsdecode(settings.state_directory)} and does this"
                " in the background; maildird status shows how far it is"
            ) from None
        make_new_tree(settings)
        view = held.enter_context(view_on(settings.name))
        start_logging("warning")
        prepared = trio.run(_index, settings, view)
    if prepared is None:
        raise KeyboardInterrupt
    print(f"{settings.name}: {_summary(prepared)}, {time.monotonic() - began:.1f} s", flush=True)
    return not prepared.unread


async def _index(settings: AccountSettings, view: View) -> Prepared | None:
    """Index until all is done; None when a signal came before."""
    prepared = None
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with open_account(settings, describe) as account, trio.open_nursery() as nursery:
            nursery.start_soon(_stop_on_signal, signals, nursery.cancel_scope)
            nursery.start_soon(_show, account, view)
            prepared = await account.prepare()
            nursery.cancel_scope.cancel()
    return prepared


async def _stop_on_signal(signals: AsyncIterator[int], scope: trio.CancelScope) -> None:
    async for _number in signals:
        scope.cancel()
        return


async def _show(account: Account, view: View) -> None:
    while True:
        view.show(*account.preparing)
        await trio.sleep(_REFRESH)


def _summary(prepared: Prepared) -> str:
    parts = [
        _counted(prepared.folders, "folder"),
        _counted(prepared.messages, "message"),
        f"{prepared.new} of them new",
    ]
    if prepared.unread:
        parts.append(f"{prepared.unread} of them can't be read")
    return ", ".join(parts)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
