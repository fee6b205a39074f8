"""The state directory: where each account's index lies, and the lock that keeps others out."""

import fcntl
import hashlib
import os
import pwd
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from maildird.terms.errors import IndexUnusable, SettingsError

_SAFE: Final = "@+"


def default_state_directory() -> str:
    """`$XDG_STATE_HOME/maildird`, by default `~/.local/state/maildird`.

    A relative `$XDG_STATE_HOME` is ignored, as the XDG base directory specification has it.
    """
    home = os.environ.get("XDG_STATE_HOME", "")
    if not os.path.isabs(home):
        home = os.path.expanduser("~/.local/state")
    return os.path.join(home, "maildird")


def directory_of_account(base: str, name: str) -> bytes:
    """Where the state of an account of the configuration file lies."""
    return os.path.join(os.fsencode(base), urllib.parse.quote(name, _SAFE).encode("ascii"))


def directory_of_tree(base: str, root: bytes) -> bytes:
    """Where the state of a Maildir lies that was named on the command line.

    It hangs on the path, not on who logs in: two trees never share it, and `maildird check` needs
    no user to find it.
    """
    path = os.path.realpath(root)
    name = urllib.parse.quote_from_bytes(os.path.basename(path), _SAFE)[:100]
    digest = hashlib.sha256(path).hexdigest()[:8]
    return os.path.join(os.fsencode(base), f"{name}-{digest}".encode("ascii"))


@contextmanager
def locked(directory: bytes) -> Iterator[None]:
    """Hold a state directory (made 0700 where it isn't there) against any other server.

    The kernel drops the lock when the process ends, however it ends. Raises IndexUnusable, which
    names the process that holds it, and SettingsError where the directory is not for this user.
    """
    if os.geteuid() == 0:
        _need_own(directory)
    lock = _lock_file(directory)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _in_use(directory, lock) from None
        os.ftruncate(lock, 0)
        os.pwrite(lock, b"%d\n" % os.getpid(), 0)
        yield
    finally:
        os.close(lock)


def _need_own(directory: bytes) -> None:
    """Root may write anywhere; but what it writes in another user's place is of no use to them."""
    place = directory if os.path.exists(directory) else os.path.dirname(directory)
    owner = os.stat(place).st_uid if os.path.exists(place) else os.geteuid()
    if owner != os.geteuid():
        user = _name_of(owner)
        raise SettingsError(
            f"{os.fsdecode(place)} belongs to {user}, not to root; run this as that user:"
            f" runuser -u {user} -- maildird …"
        )


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _lock_file(directory: bytes) -> int:
    try:
        for each in (os.path.dirname(directory), directory):
            os.makedirs(each, mode=0o700, exist_ok=True)
        name = os.path.join(directory, b"lock")
        return os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise SettingsError(
            f"no state can be kept in {os.fsdecode(directory)}: {error.strerror};"
            " name a state directory that this user can write to"
        ) from None


def _in_use(directory: bytes, lock: int) -> IndexUnusable:
    holder = os.pread(lock, 20, 0).decode("ascii", "replace").strip() or "unknown"
    return IndexUnusable(
        f"{os.fsdecode(directory)} is in use by another maildird, process {holder};"
        " stop that one, or give this one a state directory of its own"
    )
