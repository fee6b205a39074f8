"""The arguments that subcommands share: which mail is meant, and how it lies there."""

import argparse
import getpass
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from maildird.mailbox.settings import AccountSettings
from maildird.maildir.recognition import make_layout, recognise
from maildird.server.kinds import FOLDER, LAYOUT, PREFIX, SEPARATOR, Kind
from maildird.server.state import default_state_directory, directory_of_tree
from maildird.terms.errors import SettingsError


class Parser(argparse.ArgumentParser):
    """Says in one line what is wrong with the arguments, and takes no abbreviations."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(allow_abbrev=False, **arguments)

    def error(self, message: str) -> NoReturn:
        """Leave with exit status 2."""
        self.exit(2, f"{self.prog}: {message}; try {self.prog} --help\n")


def value_of(kind: Kind) -> Callable[[str], Any]:
    """What argparse calls to make a value out of an argument."""

    def convert(text: str) -> object:
        try:
            return kind.convert(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f'"{text}" must be {kind.wanted}') from None

    return convert


def add_account_arguments(parser: Parser) -> None:
    """MAILDIR or --config, and where the state lies: which accounts are meant."""
    parser.add_argument("maildir", metavar="MAILDIR", nargs="?", help="the Maildir that is meant")
    parser.add_argument(
        "--config", metavar="FILE", type=Path, help="take everything from this file (TOML) instead"
    )
    parser.add_argument(
        "--state-dir",
        metavar="DIR",
        help=f"the index lies below this directory (default: {default_state_directory()})",
    )


def add_mail_arguments(parser: Parser) -> None:
    """Which accounts are meant, and how the mail of MAILDIR lies there."""
    add_account_arguments(parser)
    tree = parser.add_argument_group("how the mail lies there (default: as found)")
    tree.add_argument(
        "--layout",
        metavar="maildir++|fs",
        type=value_of(LAYOUT),
        help="folders are .A.B beside cur, or A/B",
    )
    tree.add_argument(
        "--separator",
        metavar=".|/",
        type=value_of(SEPARATOR),
        help="what separates the levels of a mailbox name",
    )
    tree.add_argument(
        "--prefix",
        metavar="TEXT",
        type=value_of(PREFIX),
        help="what mailbox names other than INBOX begin with, such as INBOX.",
    )
    tree.add_argument(
        "--inbox",
        metavar="NAME",
        type=value_of(FOLDER),
        help="the folder that is INBOX, where the Maildir itself is not",
    )


MAILDIR_OPTIONS = ("state_dir", "layout", "separator", "prefix", "inbox")


def need_one_source(
    parser: Parser, arguments: argparse.Namespace, with_maildir: Sequence[str]
) -> None:
    """Either MAILDIR or --config is there, and no option that goes with the other one."""
    if arguments.config is None:
        if arguments.maildir is None:
            parser.error("name the MAILDIR, or a configuration with --config FILE")
        return
    if arguments.maildir is not None:
        parser.error("MAILDIR and --config can't go together; leave one out")
    for option in with_maildir:
        if getattr(arguments, option) is not None:
            spelled = f"--{option.replace('_', '-')}"
            parser.error(f"{spelled} goes with MAILDIR; set it in {arguments.config} instead")


def account_settings(arguments: argparse.Namespace, name: str) -> AccountSettings:
    """The account that MAILDIR and its options describe; SettingsError when there can't be one."""
    root = os.fsencode(os.path.abspath(arguments.maildir))
    _need_mail(arguments.maildir)
    prefix = arguments.prefix or ""
    separator = arguments.separator or prefix[-1:] or None
    if prefix and separator != prefix[-1]:
        raise SettingsError(f'--prefix "{prefix}" must end in the separator, "{separator}"')
    return AccountSettings(
        name=name,
        root=root,
        state_directory=state_directory(arguments),
        layout=arguments.layout,
        separator=separator,
        prefix=prefix,
        inbox=arguments.inbox,
    )


def state_directory(arguments: argparse.Namespace) -> bytes:
    """Where the state of MAILDIR lies, whether or not either of them is there now."""
    base = os.path.abspath(arguments.state_dir or default_state_directory())
    return directory_of_tree(base, os.fsencode(os.path.abspath(arguments.maildir)))


def _need_mail(maildir: str) -> None:
    """There has to be mail, or nothing at all: a Maildir that is to be filled."""
    root = os.fsencode(maildir)
    if not os.path.isdir(root):
        raise SettingsError(f"{maildir} is no directory; name a Maildir that exists")
    if os.listdir(root) and not make_layout(root, recognise(root)).folders():
        raise SettingsError(f"{maildir} is neither a Maildir nor empty; name the Maildir itself")


def login_name() -> str:
    """The name of whoever runs this."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "me"
