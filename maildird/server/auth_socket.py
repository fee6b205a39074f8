"""The Unix socket where other servers of this machine ask who their clients are.

Theory of operation. Whoever can open the socket may ask, and is believed about where its client is,
so it has a mode and a group. It gets these under another name, and only then the one that is in the
settings: nobody finds it open to others, or there without an answer. One that was left by a server
that was killed is replaced, one that somebody answers on is not, and what is no socket stays.
"""

import grp
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from maildird.server.settings import Sasl
from maildird.terms.errors import SettingsError

BACKLOG: Final = 128

PATIENCE: Final = 1.0
"""How long it may take to find out whether somebody listens (s)."""


@contextmanager
def auth_socket(sasl: Sasl) -> Iterator[socket.socket | None]:
    """Hold the socket of the settings, if there is one; SettingsError when it can't be had."""
    if sasl.socket is None:
        yield None
        return
    need_place(sasl)
    path, group = sasl.socket, _group(sasl.group)
    _need_free(path)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.setblocking(False)
        own = _listen(listening, path, int(sasl.mode, 8), group)
        try:
            yield listening
        finally:
            with suppress(OSError):
                if os.lstat(path).st_ino == own:
                    os.unlink(path)


def need_place(sasl: Sasl) -> None:
    """The directory and the group of the socket have to be there; SettingsError."""
    if sasl.socket is None:
        return
    directory = os.path.dirname(sasl.socket)
    if not os.path.isdir(directory):
        raise SettingsError(
            f"sasl.socket: there is no directory {directory}; make it, or name another one"
        )
    _group(sasl.group)


def _group(name: str | None) -> int:
    """The number of a group; -1 leaves it as it is."""
    if name is None:
        return -1
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        raise SettingsError(
            f"sasl.group: there is no group {name}; name one of this machine"
        ) from None


def _need_free(path: str) -> None:
    try:
        found = os.lstat(path)
    except OSError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise SettingsError(
            f"can't listen on {path}: there is something that is no socket; take another path"
        )
    with socket.socket(socket.AF_UNIX) as asking:
        asking.settimeout(PATIENCE)
        try:
            asking.connect(path)
        except (ConnectionRefusedError, FileNotFoundError):
            return
        except OSError as error:
            if not isinstance(error, (TimeoutError, BlockingIOError)):
                raise _unusable(path, error) from None
    raise SettingsError(
        f"can't listen on {path}: another program listens there; end it, or take another path"
    )


def _listen(listening: socket.socket, path: str, mode: int, group: int) -> int:
    """Listen at a path; gives the number of the inode that is the socket's there."""
    new = f"{path}.{os.getpid()}"
    with suppress(OSError):
        os.unlink(new)
    os.fchmod(listening.fileno(), 0o600)  # which bind gives to the name: never open to others
    try:
        listening.bind(new)
    except OSError as error:
        raise _unusable(path, error) from None
    try:
        os.chown(new, -1, group)
        os.chmod(new, mode)
        listening.listen(BACKLOG)
        own = os.lstat(new).st_ino
        os.rename(new, path)
    except OSError as error:
        os.unlink(new)
        raise _unusable(path, error) from None
    return own


def _unusable(path: str, error: OSError) -> SettingsError:
    return SettingsError(
        f"can't listen on {path}: {error.strerror or error}; see to it that this server may write"
        " there, and is in the group"
    )
