"""`maildird.toml`: its schema, and the settings that follow from it.

Every key is a field below, with its default.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated

from maildird.mailbox.settings import LayoutKind, NamesEncoding
from maildird.server.addresses import Address
from maildird.server.kinds import (
    ACCOUNT_NAME,
    DIRECTORY,
    FILE,
    FOLDER,
    KEEPALIVE,
    LAYOUT,
    LOCATION,
    LOG_LEVEL,
    MAILBOX_NAMES,
    METRICS,
    NAMES,
    PAM_SERVICE,
    PASSWORD,
    PREFIX,
    SEPARATOR,
)
from maildird.server.locations import AccountTemplate
from maildird.server.login_names import login_name
from maildird.server.passwords import read_password
from maildird.server.settings import (
    DEFAULT_LISTENER,
    CertificateFiles,
    Limits,
    Listener,
    Sasl,
    Settings,
    Timeouts,
    Tls,
    User,
    UserSources,
)
from maildird.server.state import default_state_directory
from maildird.server.toml_reader import Place, read_toml
from maildird.server.trees import Trees
from maildird.terms.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Mail:
    """`[mail]`: where mail is and how it lies there; the tree tells what is not set."""

    location: Annotated[str | None, LOCATION] = None
    layout: Annotated[LayoutKind | None, LAYOUT] = None
    names: Annotated[NamesEncoding | None, NAMES] = None
    separator: Annotated[str | None, SEPARATOR] = None
    prefix: Annotated[str, PREFIX] = ""
    inbox: Annotated[str | None, FOLDER] = None


@dataclass(frozen=True, slots=True)
class SpecialUse:
    """`[special_use]`: which mailboxes serve as what (RFC 6154), named as clients see them."""

    all: Annotated[tuple[str, ...], MAILBOX_NAMES] = ()
    archive: Annotated[tuple[str, ...], MAILBOX_NAMES] = ()
    drafts: Annotated[tuple[str, ...], MAILBOX_NAMES] = ()
    flagged: Annotated[tuple[str, ...], MAILBOX_NAMES] = ()
    junk: Annotated[tuple[str, ...], MAILBOX_NAMES] = ()
    sent: Annotated[tuple[str, ...], MAILBOX_NAMES] = ()
    trash: Annotated[tuple[str, ...], MAILBOX_NAMES] = ()

    def attributes(self) -> Mapping[str, str]:
        """Mailbox names to attributes."""
        return {
            name: f"\\{use.name.capitalize()}"
            for use in fields(self)
            for name in getattr(self, use.name)
        }


@dataclass(frozen=True, slots=True)
class Account:
    """`[[accounts]]`: who can log in; `location` stands in for the one of `[mail]`."""

    name: Annotated[str, ACCOUNT_NAME]
    password: Annotated[str, PASSWORD] = field(repr=False)
    location: Annotated[str | None, LOCATION] = None


@dataclass(frozen=True, slots=True)
class UserTable:
    """`[users]`: who else can log in."""

    file: Annotated[str | None, FILE] = None
    pam: Annotated[str | None, PAM_SERVICE] = None


@dataclass(frozen=True, slots=True)
class Configuration:
    """The whole file."""

    accounts: tuple[Account, ...] = ()
    users: UserTable = field(default_factory=UserTable)
    listeners: tuple[Listener, ...] = (DEFAULT_LISTENER,)
    certificates: tuple[CertificateFiles, ...] = ()
    tls: Tls = field(default_factory=Tls)
    sasl: Sasl = field(default_factory=Sasl)
    mail: Mail = field(default_factory=Mail)
    special_use: SpecialUse = field(default_factory=SpecialUse)
    limits: Limits = field(default_factory=Limits)
    timeouts: Timeouts = field(default_factory=Timeouts)
    idle_keepalive: Annotated[int, KEEPALIVE] = 0
    state_directory: Annotated[str | None, DIRECTORY] = None
    log_level: Annotated[str, LOG_LEVEL] = "info"
    metrics: Annotated[Address | None, METRICS] = None


def read_settings(file: Path) -> Settings:
    """The settings in a configuration file; SettingsError says what is wrong, and where."""
    configuration = read_toml(file, Configuration)
    place = Place(str(file))
    _need_users(configuration, place)
    _need_listeners(configuration, place)
    _need_certificates(configuration, place)
    _need_one_use(configuration.special_use, place.key("special_use"))
    _need_separator(configuration.mail, place.key("mail"))
    template = _template(configuration)
    users = tuple(
        _user(template, account, place.key("accounts").member(number))
        for number, account in enumerate(configuration.accounts, 1)
    )
    _need_trees_apart(users, place)
    return Settings(
        users=users,
        listeners=configuration.listeners,
        limits=configuration.limits,
        timeouts=configuration.timeouts,
        idle_keepalive=configuration.idle_keepalive,
        log_level=configuration.log_level,
        certificates=configuration.certificates,
        tls=configuration.tls,
        sasl=configuration.sasl,
        metrics=configuration.metrics,
        sources=UserSources(template, configuration.users.file, configuration.users.pam),
    )


def read_effective(file: Path) -> Configuration:
    """What a configuration file says, with the defaults that depend on the environment."""
    configuration = read_toml(file, Configuration)
    state = configuration.state_directory or default_state_directory()
    return replace(configuration, state_directory=state)


def _template(configuration: Configuration) -> AccountTemplate:
    mail = configuration.mail
    return AccountTemplate(
        location=mail.location,
        state_directory=configuration.state_directory or default_state_directory(),
        layout=mail.layout,
        names=mail.names,
        separator=mail.separator or mail.prefix[-1:] or None,
        prefix=mail.prefix,
        inbox=mail.inbox,
        special_use=configuration.special_use.attributes(),
        append_limit=configuration.limits.message_size,
    )


def _user(template: AccountTemplate, account: Account, place: Place) -> User:
    name = login_name(account.name)
    try:
        mail = template.account(name, location=account.location)
    except SettingsError as error:
        raise place.error(str(error)) from None
    try:
        password = read_password(account.password, "PLAIN")
    except SettingsError as error:
        raise place.key("password").error(f"can't be used: {error}") from None
    return User(name, password, mail)


def _need_users(configuration: Configuration, place: Place) -> None:
    accounts, users = configuration.accounts, configuration.users
    if not accounts and users.file is None and users.pam is None:
        raise place.key("accounts").error(
            "is missing, so nobody could log in; write [[accounts]] with a name and a password,"
            " or name a passwd-file in [users]"
        )
    if users.pam is not None and configuration.mail.location is None:
        raise (
            place.key("mail")
            .key("location")
            .error('is missing; users of the system need it, such as "{home}/Maildir"')
        )
    for name, count in Counter(login_name(account.name) for account in accounts).most_common(1):
        if count > 1:
            raise place.key("accounts").error(
                f'names "{name}" {count} times; each needs its own name, whatever the case'
            )


def _need_listeners(configuration: Configuration, place: Place) -> None:
    if not configuration.listeners:
        raise place.key("listeners").error("is empty; leave it out, or name an address")
    taken: dict[Address, str] = {}
    for number, listener in enumerate(configuration.listeners, 1):
        here = place.key("listeners").member(number).key("address")
        _need_free(listener.address, taken, here)
    if configuration.metrics is not None:
        _need_free(configuration.metrics, taken, place.key("metrics"))


def _need_free(address: Address, taken: dict[Address, str], place: Place) -> None:
    if address in taken:
        raise place.error(f"is {address}, as {taken[address]} is; name another one")
    if address.port != 0:
        taken[address] = place.path


def _need_certificates(configuration: Configuration, place: Place) -> None:
    if configuration.certificates:
        return
    for number, listener in enumerate(configuration.listeners, 1):
        if listener.tls == "implicit":
            raise (
                place.key("listeners")
                .member(number)
                .key("tls")
                .error('is "implicit", but there is no certificate; name one in [[certificates]]')
            )
    if configuration.tls.client_ca is not None:
        raise (
            place.key("tls")
            .key("client_ca")
            .error("is set, but there is no certificate; name one in [[certificates]]")
        )


def _need_one_use(special_use: SpecialUse, place: Place) -> None:
    """Of a mailbox with two uses clients would hear but one."""
    taken: dict[str, str] = {}
    for use in fields(special_use):
        for name in getattr(special_use, use.name):
            if taken.setdefault(name, use.name) != use.name:
                raise place.key(use.name).error(
                    f'names "{name}", as {place.key(taken[name]).path} does; a mailbox has one use'
                )


def _need_separator(mail: Mail, place: Place) -> None:
    if mail.prefix and mail.separator and not mail.prefix.endswith(mail.separator):
        raise place.key("prefix").error(
            f'is "{mail.prefix}", but must end in the separator "{mail.separator}"'
        )


def _need_trees_apart(users: tuple[User, ...], place: Place) -> None:
    trees = Trees()
    for number, user in enumerate(users, 1):
        try:
            trees.take(user.name, user.mail.root)
        except SettingsError as error:
            raise (
                place.key("accounts")
                .member(number)
                .error(
                    f"{error}; give each user a place apart, such as by {{user}} in the location"
                )
            ) from None
