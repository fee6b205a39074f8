"""`maildird config`: is the configuration file right, and which settings follow from it?"""

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from maildird.cli.arguments import Parser
from maildird.server.auth_socket import need_place
from maildird.server.configuration import read_effective, read_settings
from maildird.server.tls import Certificates
from maildird.server.toml_writer import write_toml
from maildird.server.users import Users
from maildird.terms.errors import SettingsError

DEFAULT_FILE: Final = Path("/etc/maildird/maildird.toml")

PAM_DIRECTORIES: Final = ("/etc/pam.d", "/usr/lib/pam.d", "/usr/share/pam.d", "/usr/etc/pam.d")
"""Where the administrator and, by distribution, packages say what a PAM service does."""


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
    with _naming(f"{arguments.config}: users.file"):
        problems = Users(settings).problems
    with _naming(str(arguments.config)):
        if settings.certificates:
            Certificates(settings.certificates, settings.tls)
        need_place(settings.sasl)
        if settings.sources is not None and settings.sources.pam is not None:
            _need_pam_service(settings.sources.pam)
    if problems:
        raise SettingsError(f"{arguments.config}: users.file has {_counted(len(problems))}")
    print(f"{arguments.config} is right")
    return 0


@contextmanager
def _naming(place: str) -> Iterator[None]:
    """Say where it is written that a file is used which is wrong."""
    try:
        yield
    except SettingsError as error:
        raise SettingsError(f"{place}: {error}") from None


def _need_pam_service(name: str) -> None:
    """Without a file of its own a service is what PAM calls "other", which lets nobody in."""
    if not any(os.path.exists(f"{directory}/{name}") for directory in PAM_DIRECTORIES):
        raise SettingsError(
            f"users.pam: there is no PAM service {name}; write {PAM_DIRECTORIES[0]}/{name}"
        )


def _show(arguments: argparse.Namespace) -> int:
    read_settings(arguments.config)
    print(write_toml(read_effective(arguments.config)), end="")
    return 0


def _counted(lines: int) -> str:
    return "a line that can't be used" if lines == 1 else f"{lines} lines that can't be used"
