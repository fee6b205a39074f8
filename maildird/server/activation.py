"""Sockets that the service manager opened and passed on (sd_listen_fds(3)).

A manager that opens the sockets can give a server ports below 1024 that itself has no right to,
and keeps clients waiting, not refused, while the server restarts. The sockets arrive as file
descriptors from 3 on; the environment says how many, and for which process. A listener takes them
by their port: `address = "systemd:993"`.
"""

import logging
import os
import socket
from collections.abc import Iterable, MutableMapping
from typing import Final

logger = logging.getLogger(__name__)

HOST: Final = "systemd"
"""Stands for the host in the address of a listener that takes sockets which were passed."""

FIRST_DESCRIPTOR: Final = 3

_VARIABLES: Final = ("LISTEN_PID", "LISTEN_PIDFDID", "LISTEN_FDS", "LISTEN_FDNAMES")


class PassedSockets:
    """What was passed; each socket is taken once, and whoever takes it closes it."""

    def __init__(self, sockets: Iterable[socket.socket]) -> None:
        self._sockets = list(sockets)

    def take(self, port: int) -> list[socket.socket]:
        """All sockets that listen on a TCP port; none where none was passed."""
        taken = [each for each in self._sockets if _listens_on(each, port)]
        self._sockets = [each for each in self._sockets if each not in taken]
        return taken

    def close_rest(self) -> None:
        """Warn of the sockets that no listener took: their clients would wait for ever."""
        for each in self._sockets:
            logger.warning(
                "%s: the service manager passed this socket, but no listener takes it;"
                ' name it in a listener, such as address = "%s:143", or take it from the unit',
                _described(each),
                HOST,
            )
            each.close()
        self._sockets = []


def passed_sockets(environment: MutableMapping[str, str]) -> PassedSockets:
    """The sockets that were passed to this process.

    The variables are taken out of `environment`, so that no child takes them for its own; for the
    same reason the descriptors are closed on exec.
    """
    pid, _, count, _ = (environment.pop(name, "") for name in _VARIABLES)
    if pid != str(os.getpid()) or not count.isdecimal():
        return PassedSockets([])
    return PassedSockets(map(_adopt, range(FIRST_DESCRIPTOR, FIRST_DESCRIPTOR + int(count))))


def _adopt(descriptor: int) -> socket.socket:
    os.set_inheritable(descriptor, False)
    adopted = socket.socket(fileno=descriptor)
    adopted.setblocking(False)
    return adopted


def _listens_on(passed: socket.socket, port: int) -> bool:
    return (
        passed.family in (socket.AF_INET, socket.AF_INET6)
        and passed.type == socket.SOCK_STREAM
        and bool(passed.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
        and passed.getsockname()[1] == port
    )


def _described(passed: socket.socket) -> str:
    """Its address, as far as it has one."""
    if passed.family in (socket.AF_INET, socket.AF_INET6):
        host, port = passed.getsockname()[:2]
        return f"{host} port {port}"
    return f"file descriptor {passed.fileno()}"
