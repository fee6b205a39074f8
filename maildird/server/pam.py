"""Users of the system: PAM says whether the password is right, and whether they may come in now.

Theory of operation. PAM runs what the administrator has put into `/etc/pam.d/<service>`, which may
ask other machines, so it runs in a thread, a few at once, and is given up after `PATIENCE`. Such a
thread can't be ended: it keeps its place until PAM comes back. After the password the rules for the
account are heeded: expired, locked, not at this hour. They alone are asked for one who has shown a
certificate. Credentials are not set: they would be those of the server.

PAM's own delay after a wrong password is left out: it would hold a thread, and the throttle has its
own. Names come in small letters, as for all logins.

Neither the password nor what PAM says about it reaches the client, who hears of no reason.
"""

import ctypes
import logging
import os
import pwd
from collections.abc import Callable
from typing import Any, Final, TypeVar

import trio

from maildird.server.kinds import ACCOUNT_NAME
from maildird.server.locations import AccountTemplate
from maildird.server.passwords import LONGEST
from maildird.server.settings import User
from maildird.terms.codes import Code
from maildird.terms.errors import Refused, SettingsError

logger = logging.getLogger(__name__)

AT_ONCE: Final = 8
"""Conversations with PAM at the same time."""

MOST_WAITING: Final = 200
"""Logins that wait for their turn."""

PATIENCE: Final = 30.0
"""How long PAM has for one conversation (s)."""


_SUCCESS: Final = 0
_FAIL_DELAY: Final = 10
"""PAM_SUCCESS, and the item PAM_FAIL_DELAY: a function that waits after a failure."""

_NO_DELAY: Final = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_uint, ctypes.c_void_p)(
    lambda _status, _delay, _data: None
)

Found = TypeVar("Found")


class SystemUsers:
    """The users that the PAM service `service` lets in; their mail is where the template says."""

    def __init__(self, service: str, template: AccountTemplate) -> None:
        from pam import PamAuthenticator  # looks for libpam, which takes a while

        self._authenticator = PamAuthenticator
        self._service = service
        self._template = template
        self._asking = trio.CapacityLimiter(AT_ONCE)
        self._told: set[str] = set()

    async def verify(self, name: bytes, password: bytes) -> User | None:
        """The user with this name and password; Refused when PAM is busy or does not come back."""
        if len(password) > LONGEST or b"\0" in password or not _is_name(name):
            return None
        return await self._in_thread(self._ask, name.decode("utf-8"), password)

    async def admit(self, name: bytes) -> User | None:
        """The user of this name, without a password, if the rules for accounts let them in.

        Raises Refused as `verify` does.
        """
        if not _is_name(name):
            return None
        return await self._in_thread(self._ask, name.decode("utf-8"), None)

    async def exists(self, name: bytes) -> bool:
        """Whether the system knows the name; Refused as `verify`."""
        return _is_name(name) and await self._in_thread(_is_known, name.decode("utf-8"))

    def find(self, name: str) -> User | None:
        """The user of this name, whatever PAM says; None when the system knows none."""
        if not _is_name(name.encode("utf-8")):
            return None
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            return None
        try:
            mail = self._template.account(name, home=entry.pw_dir)
        except SettingsError as error:
            self._tell(f"{name}, a user of the system, {error}")
            return None
        if entry.pw_uid != os.geteuid():
            self._tell(
                f"{name} has uid {entry.pw_uid}, but this server runs with uid {os.geteuid()}"
                " and uses that"
            )
        return User(name, None, mail)

    def _ask(self, name: str, password: bytes | None) -> User | None:
        """Without a password it is the rules for accounts alone that are asked."""
        authenticator = self._authenticator()
        if password is None:
            authenticator.pam_authenticate = lambda _handle, _flags: _SUCCESS
        else:
            _leave_out_delay(authenticator)
        if not authenticator.authenticate(
            name, password or b"", service=self._service, resetcreds=False
        ):
            logger.info("PAM service %s: %a: %s", self._service, name, authenticator.reason)
            return None
        return self.find(name)

    async def _in_thread(self, ask: Callable[..., Found], *arguments: object) -> Found:
        if self._asking.statistics().tasks_waiting >= MOST_WAITING:
            raise Refused(Code.UNAVAILABLE, "too many are logging in now; try again later")
        with trio.move_on_after(PATIENCE):
            return await trio.to_thread.run_sync(
                ask, *arguments, abandon_on_cancel=True, limiter=self._asking
            )
        logger.error("PAM service %s: no answer within %g s", self._service, PATIENCE)
        raise Refused(Code.UNAVAILABLE, "passwords can't be checked now; try again later")

    def _tell(self, message: str) -> None:
        """Log it once."""
        if message not in self._told:
            self._told.add(message)
            logger.warning("%s", message)


def _is_name(name: bytes) -> bool:
    """Whether it can be the name of an account at all, so that PAM need not be asked."""
    try:
        ACCOUNT_NAME.convert(name.decode("utf-8"))
    except ValueError:
        return False
    return True


def _is_known(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _leave_out_delay(authenticator: Any) -> None:
    """Have PAM call what does not wait, from when it is started on."""
    authenticate = authenticator.pam_authenticate

    def authenticate_at_once(handle: Any, flags: int) -> int:
        authenticator.pam_set_item(handle, _FAIL_DELAY, ctypes.cast(_NO_DELAY, ctypes.c_void_p))
        return int(authenticate(handle, flags))

    authenticator.pam_authenticate = authenticate_at_once
