"""`maildird serve`: serve one Maildir, or what a configuration file says, in the foreground."""

import argparse
import functools
import os
import secrets
from collections.abc import Callable, Sequence
from typing import Any, Final

from maildird.cli.arguments import (
    MAILDIR_OPTIONS,
    Parser,
    account_settings,
    add_mail_arguments,
    login_name,
    need_one_source,
    value_of,
)
from maildird.server import garbage, heap
from maildird.server.configuration import read_settings
from maildird.server.kinds import ACCOUNT_NAME, ADDRESS
from maildird.server.logs import start_logging
from maildird.server.passwords import plain_password
from maildird.server.settings import DEFAULT_LISTENER, Listener, Settings, User

_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"
"""Those that can't be taken for one another, so that a password can be typed on a telephone."""


def add_to(commands: Any, summary: str) -> None:
    """Add the subcommand to the parser."""
    parser: Parser = commands.add_parser(
        "serve",
        help=summary,
        description="Serve a Maildir over IMAP, in the foreground, until SIGTERM or Ctrl-C.",
        epilog="The password comes from $MAILDIRD_PASSWORD; without it one is made up and shown.",
        usage="maildird serve MAILDIR [options]\n       maildird serve --config FILE",
    )
    add_mail_arguments(parser)
    parser.add_argument(
        "--listen",
        metavar="ADDRESS:PORT",
        type=value_of(ADDRESS),
        action="append",
        help=f"where clients connect; may be repeated (default: {DEFAULT_LISTENER.address});"
        " port 0 takes one that is free",
    )
    parser.add_argument(
        "--user",
        metavar="NAME",
        type=value_of(ACCOUNT_NAME),
        help=f"the name to log in with (default: {login_name()})",
    )
    parser.set_defaults(run=lambda arguments: _run(parser, arguments))


def _run(parser: Parser, arguments: argparse.Namespace) -> int:
    need_one_source(parser, arguments, (*MAILDIR_OPTIONS, "listen", "user"))
    made_up: list[str] = []
    reread: Callable[[], Settings] | None = None
    if arguments.maildir is None:
        reread = functools.partial(read_settings, arguments.config)
        settings = reread()
    else:
        settings, made_up = _personal(arguments)

    def say_ready(urls: Sequence[str]) -> None:
        print(*made_up, f"maildird ready on {' '.join(urls)}", sep="\n", flush=True)
        garbage.collect_what_comes()

    start_logging(settings.log_level)
    heap.share_one_heap()
    garbage.collect_nothing_yet()
    import trio  # with the next line the whole server, which the help can do without

    from maildird.server.daemon import serve

    trio.run(serve, settings, say_ready, reread)
    return 0


def _personal(arguments: argparse.Namespace) -> tuple[Settings, list[str]]:
    """The settings for one account without a configuration file, and lines on what was made up."""
    made_up: list[str] = []
    name = arguments.user
    if name is None:
        name = login_name()
        made_up.append(f"user: {name}")
    password = os.environ.get("MAILDIRD_PASSWORD")
    if not password:
        password = _make_password()
        made_up.append(f"password: {password}")
    user = User(name, plain_password(password), account_settings(arguments, name))
    addresses = arguments.listen or [DEFAULT_LISTENER.address]
    return Settings((user,), tuple(Listener(address) for address in addresses)), made_up


def _make_password() -> str:
    """Four groups of four letters, 79 bits."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4))
