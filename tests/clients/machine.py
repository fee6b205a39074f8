"""A mail server with Postfix and maildird, set up as `packaging/examples` say.

Theory of operation. Each program runs in a mount namespace in which the configuration and the queue
of Postfix, the users, and /var/mail are files of the test. So the examples are followed to the
letter, and the machine's own files stay as they are. That needs root.

Python, the checkout and the environment may lie where the users of this machine can't go, so
maildird gets a capability for reading. It would open mail that it has no right to as well;
therefore all mail has to belong to it in the end.
"""

import contextlib
import grp
import os
import pwd
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.cli.process import Server, serving
from tests.server.certificates import NAME, Authority
from tests.server.tls_service import Log

EXAMPLES: Final = Path(__file__).parents[2] / "packaging" / "examples"

NUMBERS: Final = {"maildird": 999, "ada": 1001}
"""Users, each with a group, that this machine has; the first one has its number of the examples."""

DIRECTORIES: Final = ("etc/postfix", "var/lib/postfix", "var/mail", "var/spool/postfix")
FILES: Final = ("etc/group", "etc/passwd")

ENTER: Final = """
top=$1
shift
for place in {places}; do
    mount --bind "$top/$place" "/$place"
done
exec "$@"
""".format(places=" ".join((*DIRECTORIES, *FILES)))

MAIN_CF: Final = {
    "alias_maps": "",
    "compatibility_level": "3.6",
    "default_transport": "discard:as if it had been sent",
    "inet_interfaces": "loopback-only",
    "inet_protocols": "ipv4",
    "maillog_file": "/var/lib/postfix/log",
    "mydestination": "home.example.org",
    "myhostname": NAME,
    "mynetworks": "192.0.2.0/24",
    "smtpd_tls_security_level": "may",
}

COMMANDS: Final = ("install", "postconf", "postmap")


@dataclass(frozen=True, slots=True)
class Example:
    """What an example says: commands and settings of maildird in its comments, and its own."""

    commands: str
    toml: str
    settings: Mapping[str, str]


def example(name: str) -> Example:
    """Read a file of packaging/examples."""
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    blocks = [
        re.sub(r"^#     ", "", block, flags=re.MULTILINE)
        for block in re.findall(r"(?:^#     .*\n)+", text, re.MULTILINE)
    ]
    return Example(
        commands="".join(block for block in blocks if block.startswith(COMMANDS)),
        toml="".join(block for block in blocks if block.startswith("[")),
        settings=dict(re.findall(r"^(\w+) = ?(.*)$", text, re.MULTILINE)),
    )


class Machine:
    """Its files lie below `top`, which every user may enter."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.authority = Authority(top)
        for place in DIRECTORIES:
            (top / place).mkdir(parents=True)
        shutil.copytree("/etc/postfix", top / "etc/postfix", symlinks=True, dirs_exist_ok=True)
        shutil.copy("/usr/share/postfix/master.cf.dist", top / "etc/postfix/master.cf")
        (top / "etc/postfix/main.cf").write_text("")
        self._write_users()
        self.own("var/lib/postfix", "postfix")
        for user in NUMBERS:
            (top / "home" / user).mkdir(parents=True)
            self.own(f"home/{user}", user)
        files = self.authority.issue(NAME, "127.0.0.1")
        certificate = f"smtpd_tls_chain_files={files.key},{files.certificate}"
        self.run("postconf", *(f"{name}={value}" for name, value in MAIN_CF.items()), certificate)

    def follow(self, name: str) -> str:
        """Do as an example says; gives what it has to say in maildird.toml."""
        said = example(name)
        self.run("postconf", *(f"{name}={value}" for name, value in said.settings.items()))
        self.run("sh", "-euc", said.commands)
        return said.toml

    def own(self, place: str, user: str) -> None:
        """Give a file to a user."""
        os.chown(self.top / place, self._users[user], -1)

    def within(self, user: str | None = None) -> list[str]:
        """A command that runs the one that follows it here, as this user or as root."""
        command = ["unshare", "--mount", "sh", "-euc", ENTER, "sh", str(self.top)]
        if user is not None:
            command += ["setpriv", "--reuid", user, "--regid", user, "--init-groups"]
            command += ["--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search"]
        return command

    def run(self, *command: str) -> None:
        """Run a command as root."""
        done = subprocess.run(
            [*self.within(), *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout

    def _write_users(self) -> None:
        shared = ("root", "postfix", "nobody")
        self._users = NUMBERS | {name: pwd.getpwnam(name).pw_uid for name in shared}
        groups = NUMBERS | {
            group.gr_name: group.gr_gid
            for group in grp.getgrall()
            if group.gr_name in ("root", "postfix", "postdrop", "nogroup")
        }
        (self.top / "etc/passwd").write_text(
            "".join(
                f"{name}:x:{number}:{groups.get(name, number)}::{self.top}/home/{name}:/bin/sh\n"
                for name, number in self._users.items()
            )
        )
        (self.top / "etc/group").write_text(
            "".join(f"{name}:x:{number}:\n" for name, number in groups.items())
        )


@dataclass(frozen=True, slots=True)
class Postfix:
    """A Postfix that runs; ports of its services by their names."""

    ports: Mapping[str, int]


@contextmanager
def postfix(machine: Machine, *services: str) -> Iterator[Postfix]:
    """Run Postfix; `services` are those of master.cf that listen, such as "smtp".

    Debian's has systemd start the one of the machine, unless systemd itself seems to ask.
    """
    ports = dict(zip(services, _free_ports(len(services)), strict=True))
    for service, port in ports.items():
        machine.run("postconf", "-F", f"{service}/inet/service=127.0.0.1:{port}")
    log = machine.top / "var/lib/postfix/log"
    machine.run("env", "INVOCATION_ID=tests", "postfix", "start")
    try:
        yield Postfix(ports)
    finally:
        machine.run("postfix", "stop")
        print(log.read_text())
    assert not re.search(r" (fatal|panic|error): ", log.read_text())


@contextmanager
def imap_server(
    machine: Machine, user: str, mail: Path, *arguments: str | Path
) -> Iterator[Server]:
    """Run `maildird serve` as a user, to whom all that is below `mail` has to belong in the end."""
    with serving(
        *arguments, state=machine.top / "home" / user, within=machine.within(user)
    ) as server:
        log = Log(server)
        try:
            yield server
            assert server.end() == 0
        finally:
            server.process.kill()
            said = log.end()
            print(said)
    assert "Traceback" not in said, said
    assert {path.stat().st_uid for path in mail.rglob("*")} == {NUMBERS[user]}


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [
            stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)
        ]
        return [each.getsockname()[1] for each in sockets]
