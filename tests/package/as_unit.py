"""Run a command while a service runs, started as systemd would start it:

    python3 as_unit.py NAME COMMAND [ARGUMENT...]

In a chroot systemd can't be the first process, so this reads /usr/lib/systemd/system/NAME.service
and NAME.socket and does what they say: listening sockets, user, directories, notification and
watchdog, file system protection, system call filter. Settings that it doesn't know it ignores. The
command runs once the service has said READY=1, with SERVICE_PID in its environment. Afterwards the
service is ended; it has to have fed its watchdog, say STOPPING=1, and leave with status 0.
"""

import ctypes
import errno
import fcntl
import os
import pwd
import re
import resource
import select
import shlex
import signal
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

UNITS: Final = Path("/usr/lib/systemd/system")
NOTIFY: Final = "/run/notify"
WATCHDOG_USEC: Final = 1_000_000
"""Shorter than the unit's, so that one is seen to be fed."""
PATIENCE: Final = 60
"""Seconds for the service to get ready, and to end."""
CLONE_NEWNS: Final = 0x00020000
PR_SET_NO_NEW_PRIVS: Final = 38
SCMP_ACT_ALLOW: Final = 0x7FFF0000
SCMP_ACT_ERRNO: Final = 0x00050000

Unit = Mapping[str, Sequence[str]]


def read_unit(name: str) -> Unit:
    """Every setting with all its values; an empty one forgets those before it."""
    unit: dict[str, list[str]] = {}
    for line in (UNITS / name).read_text().splitlines():
        if match := re.match(r"(\w+)=(.*)", line):
            values = unit.setdefault(match[1], [])
            if match[2]:
                values.append(match[2])
            else:
                values.clear()
    return unit


def listen(unit: Unit) -> list[socket.socket]:
    """The sockets of a .socket unit, each a port number for both kinds of addresses."""
    return [
        socket.create_server(("::", int(port)), family=socket.AF_INET6, dualstack_ipv6=True)
        for port in unit["ListenStream"]
    ]


class Service:
    """The service, and what it says to its manager."""

    def __init__(self, unit: Unit, sockets: Sequence[socket.socket]) -> None:
        self.heard: list[str] = []
        self._ended = False
        self._news = threading.Condition()
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        Path(NOTIFY).unlink(missing_ok=True)
        self._notify.bind(NOTIFY)
        os.chmod(NOTIFY, 0o666)
        self.pid = os.fork()
        if self.pid == 0:
            try:
                become(unit, sockets)
            except BaseException:
                traceback.print_exc()
            os._exit(203)
        threading.Thread(target=self._hear, daemon=True).start()

    def wait_for(self, message: str) -> None:
        """Until the service has said this."""
        with self._news:
            self._news.wait_for(lambda: message in self.heard or self._ended, PATIENCE)
            if message not in self.heard:
                sys.exit(f"the service did not say {message}, but {self.heard}")

    def end(self) -> None:
        """SIGTERM, and see how it leaves."""
        self.wait_for("WATCHDOG=1")
        os.kill(self.pid, signal.SIGTERM)
        self.wait_for("STOPPING=1")
        with self._news:
            if not self._news.wait_for(lambda: self._ended, PATIENCE):
                os.kill(self.pid, signal.SIGKILL)
        _, status = os.waitpid(self.pid, 0)
        if status:
            sys.exit(f"the service ended with wait status {status}")

    def _hear(self) -> None:
        process = os.pidfd_open(self.pid)
        while not self._ended:
            readable, _, _ = select.select([self._notify.fileno(), process], [], [])
            with self._news:
                if self._notify.fileno() in readable:
                    self.heard += self._notify.recv(4096).decode().split("\n")
                else:
                    self._ended = True
                self._news.notify_all()


def become(unit: Unit, sockets: Sequence[socket.socket]) -> None:
    """Turn this process into the service."""
    user = pwd.getpwnam(unit["User"][-1])
    environment = {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin",
        "LANG": "C.UTF-8",
        "USER": user.pw_name,
        "LOGNAME": user.pw_name,
        "HOME": user.pw_dir,
        "NOTIFY_SOCKET": NOTIFY,
        "WATCHDOG_USEC": str(WATCHDOG_USEC),
        "WATCHDOG_PID": str(os.getpid()),
        "LISTEN_PID": str(os.getpid()),
        "LISTEN_FDS": str(len(sockets)),
        "LISTEN_FDNAMES": ":".join("maildird.socket" for _ in sockets),
    }
    for kind, place in (("State", "/var/lib"), ("Runtime", "/run")):
        directory = f"{place}/{unit[f'{kind}Directory'][-1]}"
        mode = unit.get(f"{kind}DirectoryMode", ["0755"])[-1]
        subprocess.run(["install", "-d", "-m", mode, directory], check=True)
        os.chown(directory, user.pw_uid, user.pw_gid)
        environment[f"{kind.upper()}_DIRECTORY"] = directory
    protect_files(unit, [environment["STATE_DIRECTORY"], environment["RUNTIME_DIRECTORY"]])
    lifted = [fcntl.fcntl(each.fileno(), fcntl.F_DUPFD_CLOEXEC, 100) for each in sockets]
    for target, source in enumerate(lifted, 3):
        os.dup2(source, target)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    soft = min(int(unit["LimitNOFILE"][-1].split(":")[0]), hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    os.umask(int(unit["UMask"][-1], 8))
    os.initgroups(user.pw_name, user.pw_gid)
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
    filter_system_calls(unit)
    command = shlex.split(unit["ExecStart"][-1])
    os.execve(command[0], command, environment)


def protect_files(unit: Unit, own: Sequence[str]) -> None:
    """ProtectSystem=strict, ProtectHome=yes, ProcSubset=pid, each where the unit has it."""
    succeed(ctypes.CDLL(None, use_errno=True).unshare, CLONE_NEWNS)
    if unit["ProtectSystem"] == ["strict"]:
        named = " ".join(unit["ReadWritePaths"]).split()
        for path in (*own, *named, "/dev", "/tmp"):
            if not path.startswith("-") or os.path.exists(path[1:]):
                mount("--bind", path.removeprefix("-"), path.removeprefix("-"))
        mount("-o", "remount,bind,ro", "/")
    if unit["ProtectHome"] == ["yes"]:
        for path in ("/home", "/root"):
            mount("-t", "tmpfs", "-o", "ro,mode=000", "tmpfs", path)
    if unit["ProcSubset"] == ["pid"]:
        mount("-t", "proc", "-o", "subset=pid,hidepid=invisible", "proc", "/proc")


def mount(*arguments: str) -> None:
    """mount(8)"""
    subprocess.run(["mount", *arguments], check=True)


def filter_system_calls(unit: Unit) -> None:
    """NoNewPrivileges and SystemCallFilter (an EPERM for all others)."""
    libc = ctypes.CDLL(None, use_errno=True)
    succeed(libc.prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    seccomp = ctypes.CDLL("libseccomp.so.2", use_errno=True)
    seccomp.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(seccomp.seccomp_init(SCMP_ACT_ERRNO | errno.EPERM))
    for name in allowed_system_calls(unit["SystemCallFilter"]):
        number = seccomp.seccomp_syscall_resolve_name(name.encode())
        if number >= 0:
            succeed(seccomp.seccomp_rule_add, context, SCMP_ACT_ALLOW, number, 0)
    succeed(seccomp.seccomp_load, context)


def allowed_system_calls(rules: Sequence[str]) -> set[str]:
    """What is left of SystemCallFilter= lines, the first of which allows."""
    allowed: set[str] = set()
    for rule in rules:
        named = expand(rule.removeprefix("~").split())
        allowed = allowed - named if rule.startswith("~") else allowed | named
    return allowed


def expand(names: Sequence[str]) -> set[str]:
    """System calls for their names and those of sets, such as @system-service."""
    found: set[str] = set()
    for name in names:
        if name.startswith("@"):
            asked = ["systemd-analyze", "syscall-filter", name]
            listing = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
            members = [line.strip() for line in listing.splitlines()[1:]]
            found |= expand([each for each in members if each and not each.startswith("#")])
        else:
            found.add(name)
    return found


def succeed(function: Any, *arguments: object) -> None:
    """Call a function of C; OSError unless it gives 0."""
    if function(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{function.__name__}: {os.strerror(number)}")


def main() -> int:
    """Start, run the command, end."""
    name, *command = sys.argv[1:]
    sockets = listen(read_unit(f"{name}.socket"))
    service = Service(read_unit(f"{name}.service"), sockets)
    service.wait_for("READY=1")
    environment = {**os.environ, "SERVICE_PID": str(service.pid)}
    status = subprocess.run(command, env=environment, check=False).returncode
    service.end()
    return status


if __name__ == "__main__":
    sys.exit(main())
