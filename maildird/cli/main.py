"""The `maildird` command."""

import os
import sys
from collections.abc import Sequence
from typing import Final

from maildird import __version__
from maildird.cli import check, config, index, log, serve, status, user
from maildird.cli.arguments import Parser
from maildird.terms.errors import MaildirdError, SettingsError

FAILED: Final = 1
WRONG_ARGUMENTS: Final = 2
INTERRUPTED: Final = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand; the exit status is 0 done, 1 failed or something found, 2 wrong arguments
    or settings, 3 mail that can't be got at."""
    chosen = _parser().parse_args(arguments)
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


def _parser() -> Parser:
    parser = Parser(
        prog="maildird",
        description="An IMAP server for Maildir trees that other programs keep changing.",
    )
    parser.add_argument("--version", action="version", version=f"maildird {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    serve.add_to(commands)
    check.add_to(commands)
    index.add_to(commands)
    status.add_to(commands)
    log.add_to(commands)
    user.add_to(commands)
    config.add_to(commands)
    return parser


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
