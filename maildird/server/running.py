"""The settings in force, from the start on and after each SIGHUP.

Theory of operation. SIGHUP has the configuration file and the files that it names read again, in a
thread: they may be large, or on a slow disk. A file that can't be used changes nothing: everything
that could be refused is made before anything is put in the place of what was there. What is new
holds for those who connect from then on; sessions go on as they began, but for those of accounts
that are gone or lie elsewhere now, which end with a BYE.

Certificates are an exception while they are named as before. Then nobody got a setting wrong: the
pair is being replaced, or was replaced badly, and that must not keep anybody in who was removed in
the same minute. Those from before stay in use, the log says so, and all else comes into force.

A few things were made at the start and last until the end, such as listening sockets. They stay,
and the log says that the new ones take a restart.
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import trio

from maildird.server.accounts import Accounts
from maildird.server.admission import Admission
from maildird.server.auth_service import AuthService
from maildird.server.descriptors import provide_descriptors
from maildird.server.login import Doorkeeper
from maildird.server.logs import set_level
from maildird.server.reception import Reception, Service, StartTls
from maildird.server.settings import Settings, User
from maildird.server.state import directory_of_account
from maildird.server.tally import ServerReport, Tally
from maildird.server.throttle import Throttle
from maildird.server.users import Users
from maildird.terms.errors import MaildirdError, SettingsError

if TYPE_CHECKING:
    from maildird.server.tls import Certificates  # loads OpenSSL, which not everybody needs

logger = logging.getLogger(__name__)

Reread = Callable[[], Settings]
"""Reads the settings again; raises SettingsError."""

LASTING: Final = ("listeners", "sasl", "metrics")
"""Settings that are in force until the end."""


class Running:
    """Has clients served as the settings say; SettingsError when a file they name can't be used.

    Without `reread` there is no file that could have changed.
    """

    def __init__(self, settings: Settings, accounts: Accounts, reread: Reread | None) -> None:
        provide_descriptors(settings.limits.connections)
        self._settings = settings
        self._accounts = accounts
        self._reread = reread
        self._admission = Admission(settings.limits)
        self._throttle = Throttle()
        self._tally = Tally()
        self._users = Users(settings)
        self._certificates = _certificates(settings)
        self.auth_service = AuthService(self._users, self._throttle, self._tally)
        self.reception = Reception(self._admission, self._service())

    async def open_accounts(self) -> None:
        """Open the accounts of all users; raises MaildirdError or OSError when none can be."""
        await self._accounts.open_all(self._users.everyone())

    async def report(self) -> ServerReport:
        """The numbers of the whole server as they are now, without accounts that can't tell."""
        statuses = []
        for opened in self._accounts.opened:
            with suppress(MaildirdError):
                statuses.append(await opened.status())
        return ServerReport(
            connections=self._admission.connections,
            admitted=self._admission.admitted,
            refused=self._admission.refused.copy(),
            tally=deepcopy(self._tally),
            accounts=statuses,
        )

    async def reload(self) -> None:
        """Put in force what the configuration file says now, or log why that can't be.

        One call at a time.
        """
        if self._reread is None:
            logger.info("SIGHUP: there is no configuration file that could be read again")
            return
        try:
            changed = await trio.to_thread.run_sync(
                self._read_again, self._reread, abandon_on_cancel=True
            )
        except SettingsError as error:
            logger.error("SIGHUP: the settings from before stay in force: %s", error)
            return
        self._settings, self._users, self._certificates = changed
        self.auth_service.use(self._users)
        self.reception.service = self._service()
        self._admission.limits = self._settings.limits
        provide_descriptors(self._settings.limits.connections)
        set_level(self._settings.log_level)
        logger.info("SIGHUP: the settings were read again")
        await self._change_accounts()

    def _read_again(self, reread: Reread) -> tuple[Settings, Users, "Certificates | None"]:
        """What is to come into force; SettingsError for what can't. Runs in a thread."""
        before = self._settings
        settings = _keep_what_lasts(before, reread())
        users = Users(settings, before=self._users)
        if (settings.certificates, settings.tls) != (before.certificates, before.tls):
            return settings, users, _certificates(settings)
        if self._certificates is not None:
            self._certificates.renew()
        return settings, users, self._certificates

    def _service(self) -> Service:
        """How clients are served from now on."""
        doorkeeper = Doorkeeper(
            self._settings,
            self._users,
            self._accounts,
            self._admission,
            self._throttle,
            self._tally,
        )
        return Service(doorkeeper.serve, self._settings.timeouts, _way_to_tls(self._certificates))

    async def _change_accounts(self) -> None:
        """Close what is open and not so wanted any more, whoever it was opened for; open the rest.

        A passwd-file that was written a moment ago has to count first, or who was removed stayed
        in. The system is asked for its users in a thread.
        """
        users = self._users
        await users.settle()
        for opened in self._accounts.opened:
            user = await trio.to_thread.run_sync(users.find, opened.name)
            if user is None or user.mail != opened.settings:
                await self._accounts.close(opened.name)
        try:
            await self._accounts.open_all(users.everyone())
        except (MaildirdError, OSError) as error:
            logger.error("no account can be opened: %s", error)


def _certificates(settings: Settings) -> "Certificates | None":
    """The certificates that are named; SettingsError when they can't be used."""
    if not settings.certificates:
        return None
    from maildird.server.tls import Certificates

    return Certificates(settings.certificates, settings.tls)


def _way_to_tls(certificates: "Certificates | None") -> StartTls | None:
    if certificates is None:
        return None
    from maildird.server.tls_stream import start_tls

    return lambda plain: start_tls(plain, certificates.context(trio.current_time()))


def _keep_what_lasts(before: Settings, after: Settings) -> Settings:
    """The new settings, but for those that last; SettingsError when they don't go together."""
    for name in LASTING:
        if getattr(before, name) != getattr(after, name):
            _say_what_waits(name)
    kept = replace(after, **{name: getattr(before, name) for name in LASTING})
    if not kept.certificates and any(each.tls == "implicit" for each in kept.listeners):
        raise SettingsError("certificates is missing, but a listener that is open has implicit TLS")
    return _keep_state_directory(before, kept)


def _keep_state_directory(before: Settings, after: Settings) -> Settings:
    if before.sources is None or after.sources is None:
        return after
    kept = before.sources.template.state_directory
    if after.sources.template.state_directory == kept:
        return after
    _say_what_waits("state_directory")
    template = replace(after.sources.template, state_directory=kept)
    users = tuple(_user_below(kept, user) for user in after.users)
    return replace(after, users=users, sources=replace(after.sources, template=template))


def _user_below(state_directory: str, user: User) -> User:
    own = directory_of_account(state_directory, user.name)
    return replace(user, mail=replace(user.mail, state_directory=own))


def _say_what_waits(name: str) -> None:
    logger.warning("SIGHUP: %s: what is new there takes effect with a restart", name)
