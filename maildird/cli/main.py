"""The `maildird` command.

Loading the server takes a good part of a second, so each subcommand is loaded when it is the one
that was chosen. Of the others the parser knows the name and what they are for.
"""

import os
import sys
from collections.abc import Sequence
from typing import Any, Final

from maildird import __version__
from maildird.cli.arguments import Parser
from maildird.terms.errors import MaildirdError, SettingsError

FAILED: Final = 1
WRONG_ARGUMENTS: Final = 2
INTERRUPTED: Final = 130

SUMMARIES: Final = {
    "serve": "serve mail over IMAP, in the foreground, until SIGTERM or Ctrl-C",
    "check": "compare the index with the Maildir and say what differs",
    "index": "index all folders and messages ahead of the server",
    "status": "ask the running server how it is doing",
    "log": "show what changed lately in a mailbox",
    "user": "add, list and remove users in the passwd-file",
    "config": "check a configuration file, or show the settings that follow from it",
}
"""The subcommands and what each is for, in the order in which the help lists them."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand; the exit status is 0 done, 1 failed or something found, 2 wrong arguments
    or settings, 3 mail that can't be got at."""
    given = sys.argv[1:] if arguments is None else arguments
    command = next((each for each in given if not each.startswith("-")), None)
    chosen = _parser(command).parse_args(given)
    exit_status: int = FAILED
    try:
        exit_status = chosen.run(chosen)
    except* SettingsError as errors:
        exit_status = WRONG_ARGUMENTS
        _complain(errors)
    except* (MaildirdError, OSError) as errors:
        _complain(errors)
    except* KeyboardInterrupt:
        exit_status = INTERRUPTED
    return exit_status


def _parser(chosen: str | None) -> Parser:
    parser = Parser(
        prog="maildird",
        description="An IMAP server for Maildir trees that other programs keep changing.",
    )
    parser.add_argument("--version", action="version", version=f"maildird {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, summary in SUMMARIES.items():
        if name == chosen:
            _add(name, summary, commands)
        else:
            commands.add_parser(name, help=summary)
    return parser


def _add(name: str, summary: str, commands: Any) -> None:
    """Load a subcommand and add it, with all its arguments, to the parser."""
    match name:
        case "serve":
            from maildird.cli.serve import add_to
        case "check":
            from maildird.cli.check import add_to
        case "index":
            from maildird.cli.index import add_to
        case "status":
            from maildird.cli.status import add_to
        case "log":
            from maildird.cli.log import add_to
        case "user":
            from maildird.cli.user import add_to
        case "config":
            from maildird.cli.config import add_to
    add_to(commands, summary)


def _complain(error: BaseException) -> None:
    """Say what is wrong in one line each."""
    match error:
        case BaseExceptionGroup():
            for member in error.exceptions:
                _complain(member)
        case OSError(filename=str() | bytes() as path, strerror=str() as text):
            print(f"maildird: {os.fsdecode(path)}: {text}", file=sys.stderr)
        case _:
            print(f"maildird: {error}", file=sys.stderr)
