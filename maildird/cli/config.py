"""`maildird config`: is the configuration file right, and which settings follow from it?"""

import argparse
from pathlib import Path
from typing import Any, Final

from maildird.cli.arguments import Parser
from maildird.server.configuration import read_effective, read_settings
from maildird.server.tls import Certificates
from maildird.server.toml_writer import write_toml
from maildird.server.users import Users
from maildird.terms.errors import SettingsError

DEFAULT_FILE: Final = Path("/etc/maildird/maildird.toml")


def add_to(commands: Any, summary: str) -> None:
    """Add the subcommand to the parser."""
    parser: Parser = commands.add_parser(
        "config",
        help=summary,
        description="Check a configuration file, or show the settings that follow from it. The"
        " exit status is 2 when the file can't be used.",
    )
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    for name, run, text in (
        ("check", _check, "say what is wrong with the file and with those that it names"),
        ("show", _show, "print all settings as TOML, the defaults included; no secrets"),
    ):
        action: Parser = actions.add_parser(name, help=text, description=text.capitalize() + ".")
        action.add_argument(
            "--config",
            metavar="FILE",
            type=Path,
            default=DEFAULT_FILE,
            help=f"the configuration (default: {DEFAULT_FILE})",
        )
        action.set_defaults(run=run)


def _check(arguments: argparse.Namespace) -> int:
    settings = read_settings(arguments.config)
    problems = Users(settings).problems
    if settings.certificates:
        Certificates(settings.certificates, settings.tls)
    if problems:
        raise SettingsError(f"{arguments.config}: users.file has {_counted(len(problems))}")
    print(f"{arguments.config} is right")
    return 0


def _show(arguments: argparse.Namespace) -> int:
    read_settings(arguments.config)
    print(write_toml(read_effective(arguments.config)), end="")
    return 0


def _counted(lines: int) -> str:
    return "a line that can't be used" if lines == 1 else f"{lines} lines that can't be used"
