"""The settings in force, from the start on and after each SIGHUP.

Theory of operation. SIGHUP has the configuration file and the certificates read again. A file that
can't be used changes nothing: everything that could be refused is made before anything is put in
the place of what was there. What is new holds for those who connect from then on; sessions go on
as they began, but for those of accounts that are gone or lie elsewhere now, which end with a BYE.

A few things were made at the start and last until the end, such as listening sockets. They stay,
and the log says that the new ones take a restart.
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from dataclasses import replace
from typing import Final

import trio

from maildird.server.accounts import Accounts
from maildird.server.admission import Admission
from maildird.server.auth_service import AuthService
from maildird.server.descriptors import provide_descriptors
from maildird.server.login import Doorkeeper
from maildird.server.logs import set_level
from maildird.server.reception import Reception, Service
from maildird.server.settings import Settings
from maildird.server.state import directory_of_account
from maildird.server.tally import ServerReport, Tally
from maildird.server.throttle import Throttle
from maildird.server.tls import Certificates
from maildird.server.users import Users
from maildird.terms.errors import MaildirdError, SettingsError

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
        self._reloading = trio.Lock()
        self._admission = Admission(settings.limits)
        self._throttle = Throttle()
        self._tally = Tally()
        self._users = Users(settings)
        self.auth_service = AuthService(self._users, self._throttle, self._tally)
        self.reception = Reception(self._admission, self._service(settings, self._users))

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
        """Put in force what the configuration file says now, or log why that can't be."""
        async with self._reloading:
            if self._reread is None:
                logger.info("SIGHUP: there is no configuration file that could be read again")
                return
            try:
                settings = _keep_what_lasts(self._settings, self._reread())
                users = Users(settings)
                service = self._service(settings, users)
            except SettingsError as error:
                logger.error("SIGHUP: the settings from before stay in force: %s", error)
                return
            self._users = users
            self.auth_service.use(users)
            self._settings, self.reception.service = settings, service
            self._admission.limits = settings.limits
            provide_descriptors(settings.limits.connections)
            set_level(settings.log_level)
            logger.info("SIGHUP: the settings were read again")
            await self._change_accounts(users)

    def _service(self, settings: Settings, users: Users) -> Service:
        files = settings.certificates
        doorkeeper = Doorkeeper(
            settings, users, self._accounts, self._admission, self._throttle, self._tally
        )
        return Service(
            doorkeeper.serve,
            settings.timeouts,
            Certificates(files, settings.tls) if files else None,
        )

    async def _change_accounts(self, users: Users) -> None:
        """Close what is open and not so wanted any more, whoever it was opened for; open the rest.

        The system is asked for its users in a thread.
        """
        for opened in self._accounts.opened:
            user = await trio.to_thread.run_sync(users.find, opened.name)
            if user is None or user.mail != opened.settings:
                await self._accounts.close(opened.name)
        try:
            await self._accounts.open_all(users.everyone())
        except (MaildirdError, OSError) as error:
            logger.error("no account can be opened: %s", error)


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
    users = tuple(
        replace(
            user, mail=replace(user.mail, state_directory=directory_of_account(kept, user.name))
        )
        for user in after.users
    )
    template = replace(after.sources.template, state_directory=kept)
    return replace(after, users=users, sources=replace(after.sources, template=template))


def _say_what_waits(name: str) -> None:
    logger.warning("SIGHUP: %s: what is new there takes effect with a restart", name)
