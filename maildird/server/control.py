"""The control socket: the process that serves an account answers there what is asked about it.

Theory of operation. The socket, `status`, lies in the account's state directory and is open to
this user alone. Whoever connects says one line, a word and perhaps another one, and gets one line
of JSON and the end. They have a second to ask and take the answer, a few of them at a time; more
wait in the kernel. So one who says or takes nothing costs one descriptor for that long. Nothing
that goes wrong here is the account's trouble.

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
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, Final

import trio

from maildird.server.failures import log_failure
from maildird.terms.errors import StatusUnknown

logger = logging.getLogger(__name__)

NAME: Final = b"status"
BACKLOG: Final = 64

AT_ONCE: Final = 32
"""Clients that are answered side by side."""

SERVER_PATIENCE: Final = 1.0
"""How long a client has to ask, and to take the answer (s)."""

CLIENT_PATIENCE: Final = 5.0
"""How long a server has to give it (s)."""

PAUSE: Final = 1.0
"""How long to wait when no client can be taken in (s)."""

LONGEST_REQUEST: Final = 100
"""Octets of a line that asks something."""

_LONGEST_ADDRESS: Final = 107

Answers = Mapping[str, Callable[[str], Awaitable[object]]]
"""What can be asked, by the first word: each gets the second one, and gives plain data."""


@asynccontextmanager
async def answering(directory: bytes, answers: Answers) -> AsyncIterator[None]:
    """Inside the `with`, answer in this state directory, which this process has locked.

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
            nursery.start_soon(_answer_all, trio.socket.from_stdlib_socket(listening), answers)
            yield
            nursery.cancel_scope.cancel()
    finally:
        listening.close()
        with suppress(OSError):
            os.unlink(os.path.join(directory, NAME))


def ask(directory: bytes, request: str) -> Any:
    """What the server that holds a state directory answers; StatusUnknown when nobody does."""
    where = os.fsdecode(directory)
    with socket.socket(socket.AF_UNIX) as asking:
        asking.settimeout(CLIENT_PATIENCE)
        try:
            with _address(directory) as address:
                asking.connect(address)
            asking.sendall(request.encode("ascii") + b"\n")
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
        return json.loads(line)
    except ValueError:
        raise another_version(directory) from None


def another_version(directory: bytes) -> StatusUnknown:
    """What to raise for an answer that makes no sense."""
    return StatusUnknown(
        f"the server that holds {os.fsdecode(directory)} is of another version; restart it"
    )


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


async def _answer_all(listening: trio.socket.SocketType, answers: Answers) -> None:
    few = trio.Semaphore(AT_ONCE)
    async with trio.open_nursery() as nursery:
        while True:
            await few.acquire()
            nursery.start_soon(_attend, await _accept(listening), answers, few)


async def _accept(listening: trio.socket.SocketType) -> trio.socket.SocketType:
    while True:
        try:
            connected, _ = await listening.accept()
        except OSError as error:
            if error.errno != errno.ECONNABORTED:
                logger.debug("nobody can be told the status for now: %s", error.strerror)
                await trio.sleep(PAUSE)
        else:
            return connected


async def _attend(connected: trio.socket.SocketType, answers: Answers, few: trio.Semaphore) -> None:
    try:
        async with trio.SocketStream(connected) as stream:
            with trio.move_on_after(SERVER_PATIENCE):
                word, _, rest = (await _request(stream)).partition(" ")
                if word in answers:
                    answer = json.dumps(await answers[word](rest))
                    await stream.send_all(answer.encode("ascii") + b"\n")
    except trio.BrokenResourceError:
        logger.debug("somebody asked for the status and left")
    except Exception as failure:
        log_failure(logger, "control socket", failure)
    finally:
        few.release()


async def _request(stream: trio.SocketStream) -> str:
    """The line that a client says, without its end."""
    line = b""
    while len(line) < LONGEST_REQUEST and not line.endswith(b"\n"):
        received = await stream.receive_some(LONGEST_REQUEST - len(line))
        if not received:
            break
        line += received
    return line.decode("ascii", "replace").strip()
