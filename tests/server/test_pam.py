"""Users of the system, with the PAM that is installed, in a mount namespace of their own.

There `/etc/passwd`, `/etc/shadow` and `/etc/pam.d` are those of the test.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from maildird.server.password_making import make_password

SHIPPED = Path(__file__).parents[2] / "packaging" / "pam" / "maildird"

LOG_IN = """
import json, logging, sys, trio
from maildird.server import pam
from maildird.server.locations import AccountTemplate
from maildird.server.settings import Settings, UserSources
from maildird.server.users import Users
from maildird.terms.errors import Refused

state, location, patience, *attempts = sys.argv[1:]
pam.PATIENCE = float(patience)
logging.basicConfig(format="%(message)s", level="INFO")

async def log_in():
    sources = UserSources(AccountTemplate(location, state), pam="maildird")
    users = Users(Settings((), sources=sources))
    for attempt in attempts:
        name, colon, password = attempt.partition(":")
        try:
            if colon:
                user = await users.verify(name.encode(), password.encode())
            else:
                user = await users.named(name.encode())
            print(json.dumps(None if user is None else user.mail.root.decode()))
        except Refused as refusal:
            print(json.dumps(str(refusal)))

trio.run(log_in)
"""
"""Prints what becomes of each attempt NAME:PASSWORD, or NAME for one who has shown a certificate.

The log goes to standard error.
"""

NAMESPACE = ["unshare", "--map-root-user", "--mount", "sh", "-euc"]


@pytest.fixture(scope="module", autouse=True)
def _namespaces() -> None:
    """Skip where no namespace can be made; in CI that is a failure."""
    tried = subprocess.run([*NAMESPACE, "mount --bind /etc /etc"], capture_output=True, text=True)
    if tried.returncode != 0 and os.environ.get("CI"):
        pytest.fail(f"no mount namespace can be made here: {tried.stderr}")
    if tried.returncode != 0:
        pytest.skip(f"no mount namespace can be made here: {tried.stderr}")


class System:
    """A system with a few users; all have the password `secret`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        (directory / "pam.d").mkdir()
        self.service = directory / "pam.d" / "maildird"
        self.service.write_bytes(SHIPPED.read_bytes())
        hashed = make_password(b"secret", "SHA512-CRYPT").removeprefix("{SHA512-CRYPT}")
        users = {
            "root": (0, f"{hashed}:19000:0:99999:7:::"),
            "daemon": (1, f"{hashed}:19000:0:99999:7:::"),
            "ada": (1000, f"{hashed}:19000:0:99999:7:::"),
            "locked": (1001, f"!{hashed}:19000:0:99999:7:::"),
            "expired": (1002, f"{hashed}:19000:0:99999:7::10000:"),
            "must-change": (1003, f"{hashed}:0:0:99999:7:::"),
        }
        self._write(
            "passwd", (f"{n}:x:{uid}:0::/home/{n}:/bin/sh" for n, (uid, _) in users.items())
        )
        self._write("shadow", (f"{name}:{rest}" for name, (_, rest) in users.items()))

    def _write(self, name: str, lines: Iterable[str]) -> None:
        (self._directory / name).write_text("".join(f"{line}\n" for line in lines))

    def log_in(
        self, *attempts: str, location: str = "{home}/Maildir", patience: float = 30
    ) -> tuple[list[str | None], str]:
        """Where the mail of each lies who gets in, and the log."""
        binds = "".join(
            f"mount --bind '{self._directory}/{name}' /etc/{name}; "
            for name in ("passwd", "shadow", "pam.d")
        )
        command = [*NAMESPACE, f'{binds} exec "$@"', "sh", sys.executable, "-c", LOG_IN]
        done = subprocess.run(
            [*command, self._directory / "state", location, str(patience), *attempts],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        return [json.loads(line) for line in done.stdout.splitlines()], done.stderr


@pytest.fixture
def system(tmp_path: Path) -> System:
    return System(tmp_path)


def test_the_right_password_of_a_person_is_let_in_and_no_other(system: System) -> None:
    found, _ = system.log_in(
        "Ada:secret", "ada:wrong", "ada:", "nobody-known:secret", "root:secret", "daemon:secret"
    )
    assert found == ["/home/ada/Maildir", None, None, None, None, None]


def test_who_is_locked_or_expired_stays_out_and_the_log_says_why(system: System) -> None:
    found, log = system.log_in("locked:secret", "expired:secret", "must-change:secret")
    assert found == [None, None, None]
    assert "PAM service maildird: 'expired': User account has expired" in log
    assert "PAM service maildird: 'must-change': Authentication token is no longer valid" in log


def test_what_is_no_name_or_password_never_reaches_pam(system: System) -> None:
    system.service.write_text("auth required pam_permit.so\naccount required pam_permit.so\n")
    long = "x" * 1025
    found, _ = system.log_in("ada:any", f"ada:{long}", "../ada:any", ":any", "nobody-known:any")
    assert found == ["/home/ada/Maildir", None, None, None, None]


def test_pam_has_the_last_word(system: System) -> None:
    system.service.write_text("auth required pam_permit.so\naccount required pam_deny.so\n")
    assert system.log_in("ada:secret")[0] == [None]


def test_who_shows_a_certificate_is_let_in_by_the_rules_for_accounts(system: System) -> None:
    names = ("ada", "ADA", "expired", "must-change", "root", "nobody-known", "../ada")
    found, log = system.log_in(*names)
    assert found == ["/home/ada/Maildir"] * 2 + [None] * 5
    assert "PAM service maildird: 'expired': User account has expired" in log


def test_pam_has_no_delay_of_its_own(system: System) -> None:
    system.service.write_text(
        "auth optional pam_faildelay.so delay=90000000\nauth required pam_deny.so\n"
    )
    found, log = system.log_in("ada:secret", patience=20)
    assert found == [None]
    assert "no answer" not in log


def test_a_pam_that_does_not_come_back_is_given_up(system: System) -> None:
    system.service.write_text("auth required pam_exec.so /bin/sleep 3\n")
    found, log = system.log_in("ada:secret", patience=0.5)
    assert found == ["passwords can't be checked now; try again later"]
    assert "PAM service maildird: no answer within 0.5 s" in log


def test_another_uid_and_a_location_that_can_t_be_are_logged_once(system: System) -> None:
    found, log = system.log_in("ada:secret", "ada:secret")
    assert found == ["/home/ada/Maildir"] * 2
    assert log.count("ada has uid 1000, but this server runs with uid 0 and uses that") == 1
    found, log = system.log_in("ada:secret", "ada:secret", location="/mail/{domain}/{local}")
    assert found == [None, None]
    assert log.count("ada, a user of the system, needs an @ in the name, as {domain} stands") == 1
