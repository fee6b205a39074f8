"""What the value of a setting may be, for the configuration file and the command line alike."""

import ipaddress
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from maildird.server.addresses import Address, parse_address

ListenerTls = Literal["implicit", "starttls", "none"]
"""Whether a listener's connections begin with TLS, may change to it, or never have it."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of value: `wanted` completes "it must be …".

    `convert` makes the value out of what TOML gave (text, number, truth value, list) and raises
    ValueError for what won't do, with a reason where `wanted` can't say it. A `secret` is never
    shown.
    """

    wanted: str
    convert: Callable[[object], object]
    secret: bool = False


def text_that(wanted: str, fits: Callable[[str], object], *, secret: bool = False) -> Kind:
    """Text for which `fits` gives something true."""

    def convert(value: object) -> str:
        if not isinstance(value, str) or "\0" in value or not fits(value):
            raise ValueError
        return value

    return Kind(wanted, convert, secret)


def one_of(*choices: str) -> Kind:
    """Exactly one of some words."""
    quoted = [f'"{choice}"' for choice in choices]
    return text_that(f"{', '.join(quoted[:-1])} or {quoted[-1]}", choices.__contains__)


def whole(low: int, high: int, unit: str = "") -> Kind:
    """A whole number, both ends included."""

    def convert(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise ValueError
        return value

    return Kind(f"a whole number from {low} to {high}{unit and ' '}{unit}", convert)


def _address(value: object) -> Address:
    if not isinstance(value, str):
        raise ValueError
    return parse_address(value)


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError
    return value


def _mailbox_names(value: object) -> tuple[str, ...]:
    """One name, or a list of them."""
    names = value if isinstance(value, list) else [value]
    if not all(isinstance(name, str) and name and name.isprintable() for name in names):
        raise ValueError
    return tuple(names)


def _networks(value: object) -> tuple[Network, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ValueError
    return tuple(ipaddress.ip_network(each) for each in value)


def _is_account_name(text: str) -> bool:
    """No name may lead out of a directory when a location template takes it in."""
    leads_out = text.startswith(".") or "@." in text or set(text) & set("/\\")
    return 0 < len(text) <= 80 and text.isprintable() and not leads_out


TRUTH: Final = Kind("true or false", _truth)
ADDRESS: Final = Kind(
    "ADDRESS:PORT with a port from 0 to 65535, such as 127.0.0.1:1143 or [::1]:1143", _address
)
METRICS: Final = Kind("ADDRESS:PORT of this machine, such as 127.0.0.1:9143", _address)
NETWORKS: Final = Kind(
    'a list of IP addresses and networks, such as ["192.0.2.7", "2001:db8::/64"]', _networks
)
LISTENER_TLS: Final = one_of("implicit", "starttls", "none")
TLS_VERSION: Final = one_of("1.2", "1.3")
FILE: Final = text_that("an absolute path", os.path.isabs)
SOCKET: Final = text_that(
    "an absolute path of at most 99 octets",
    lambda text: os.path.isabs(text) and len(os.fsencode(text)) < 100,
)
MODE: Final = text_that(
    'permissions as octal digits in quotes, such as "0660"', re.compile("0?[0-7]{3}").fullmatch
)
GROUP: Final = text_that('the name of a group, such as "postfix"', bool)
DIRECTORY: Final = text_that("an absolute path", os.path.isabs)
LOCATION: Final = text_that(
    "an absolute path, in which {user}, {local} and {domain} may stand, or one below {home}",
    re.compile(r"(?:/|\{home\})(?:[^{}]|\{(?:user|local|domain|home)\})*").fullmatch,
)
PAM_SERVICE: Final = text_that(
    'the name of a PAM service, such as "maildird"', re.compile(r"[A-Za-z0-9_][\w.-]*").fullmatch
)
ACCOUNT_NAME: Final = text_that(
    "a name of 1 to 80 printable characters, without slashes and not beginning with a dot",
    _is_account_name,
)
PASSWORD: Final = text_that("a text that is not empty", bool, secret=True)
LAYOUT: Final = one_of("maildir++", "fs")
NAMES: Final = one_of("utf-7", "utf-8")
SEPARATOR: Final = one_of(".", "/")
PREFIX: Final = text_that(
    'empty, or a name that ends in the separator, such as "INBOX."',
    re.compile(r"|[^\x00-\x1f\x7f]*[./]").fullmatch,
)
FOLDER: Final = text_that(
    "the name of a folder, without slashes", re.compile(r"[^\x00-\x1f\x7f/]+").fullmatch
)
MAILBOX_NAMES: Final = Kind("the name of a mailbox, or a list of such names", _mailbox_names)
KEEPALIVE: Final = whole(0, 3600, "seconds")
LOG_LEVEL: Final = one_of("debug", "info", "warning", "error")
