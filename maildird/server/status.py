"""The status socket: the process that serves an account says there how it is doing.

Theory of operation. The socket lies in the account's state directory and is open to this user
alone. Whoever connects gets one line of JSON and the end; nothing is read of what they send. They
are answered one after the other, and each has a second to take the line, so that one who takes
nothing costs one descriptor for that long. Nothing that goes wrong here is the account's trouble.

The state directory is locked by whoever serves the account. So a socket that is found there was
left by a server that was killed, and is replaced.

The address of a Unix socket has room for 107 octets (unix(7)). A longer one is spelled through a
descriptor of its directory, as /proc/self/fd/N/status.
"""

import errno
import json
import logging
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import asdict, dataclass
from typing import Any, Final

import trio

from maildird.mailbox.report import AccountReport, Trouble
from maildird.maildir.monitor import MonitorState
from maildird.server.failures import log_failure
from maildird.terms.errors import StatusUnknown

logger = logging.getLogger(__name__)

NAME: Final = b"status"
BACKLOG: Final = 64

SERVER_PATIENCE: Final = 1.0
"""How long a client has to take the answer (s)."""

CLIENT_PATIENCE: Final = 5.0
"""How long a server has to give it (s)."""

PAUSE: Final = 1.0
"""How long to wait when no client can be taken in (s)."""

_LONGEST_ADDRESS: Final = 107


@dataclass(frozen=True, slots=True)
class Status:
    """An account, the number of its sessions, and the process that serves it.

    `process` is the process id, `memory` what is resident of it, in octets.
    """

    account: AccountReport
    sessions: int
    version: str
    process: int
    memory: int


def resident_memory() -> int:
    """What is resident of this process, in octets (proc(5), VmRSS)."""
    with open("/proc/self/status", "rb") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(b"VmRSS:"))


@asynccontextmanager
async def answering(
    directory: bytes, status: Callable[[], Awaitable[Status]]
) -> AsyncIterator[None]:
    """Inside the `with`, tell whoever asks in this state directory, which this process has locked.

    Where that can't be, it is logged.
    """
    try:
        listening = _listen(directory)
    except OSError as error:
        path = os.fsdecode(os.path.join(directory, NAME))
        logger.warning("maildird status will get no answer: %s: %s", path, error.strerror)
        yield
        return
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_answer_all, trio.socket.from_stdlib_socket(listening), status)
            yield
            nursery.cancel_scope.cancel()
    finally:
        listening.close()
        with suppress(OSError):
            os.unlink(os.path.join(directory, NAME))


def ask(directory: bytes) -> Status:
    """What the server that holds a state directory says; StatusUnknown when nobody does."""
    where = os.fsdecode(directory)
    with socket.socket(socket.AF_UNIX) as asking:
        asking.settimeout(CLIENT_PATIENCE)
        try:
            with _address(directory) as address:
                asking.connect(address)
            with asking.makefile("rb") as answer:
                line = answer.readline()
        except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError):
            raise StatusUnknown(
                f"no server answers in the state directory {where}; is it running?"
            ) from None
        except (TimeoutError, BlockingIOError):
            raise StatusUnknown(
                f"the server that holds the state directory {where} is not answering"
            ) from None
        except OSError as error:
            raise StatusUnknown(f"can't ask what is in {where}: {error.strerror}") from None
    if not line.endswith(b"\n"):
        raise StatusUnknown(f"the server broke off its answer in {where}; its log may say why")
    try:
        return _read(json.loads(line))
    except (AttributeError, KeyError, TypeError, ValueError):
        raise StatusUnknown(
            f"the server that holds {where} is of another version; restart it"
        ) from None


def _listen(directory: bytes) -> socket.socket:
    with suppress(FileNotFoundError):
        os.unlink(os.path.join(directory, NAME))
    listening = socket.socket(socket.AF_UNIX)
    try:
        os.fchmod(listening.fileno(), 0o600)  # which bind gives to the name: never open to others
        listening.setblocking(False)
        with _address(directory) as address:
            listening.bind(address)
        listening.listen(BACKLOG)
    except BaseException:
        listening.close()
        raise
    return listening


@contextmanager
def _address(directory: bytes) -> Iterator[bytes]:
    """The socket's address; good inside the `with`."""
    path = os.path.join(directory, NAME)
    if len(path) <= _LONGEST_ADDRESS:
        yield path
        return
    descriptor = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield b"/proc/self/fd/%d/%s" % (descriptor, NAME)
    finally:
        os.close(descriptor)


async def _answer_all(
    listening: trio.socket.SocketType, status: Callable[[], Awaitable[Status]]
) -> None:
    while True:
        try:
            connected, _ = await listening.accept()
        except OSError as error:
            if error.errno != errno.ECONNABORTED:
                logger.debug("nobody can be told the status for now: %s", error.strerror)
                await trio.sleep(PAUSE)
            continue
        try:
            async with trio.SocketStream(connected) as stream:
                with trio.move_on_after(SERVER_PATIENCE):
                    await stream.send_all(_line(await status()))
        except trio.BrokenResourceError:
            logger.debug("somebody asked for the status and left")
        except Exception as failure:
            log_failure(logger, "status", failure)


def _line(status: Status) -> bytes:
    return json.dumps(asdict(status)).encode("ascii") + b"\n"


def _read(answer: dict[str, Any]) -> Status:
    account = answer.pop("account")
    monitor = MonitorState(**account.pop("monitor"))
    troubles = tuple(Trouble(**trouble) for trouble in account.pop("troubles"))
    return Status(AccountReport(**account, monitor=monitor, troubles=troubles), **answer)
