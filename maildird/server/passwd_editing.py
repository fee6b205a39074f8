"""Changing a passwd-file: lines come, go and get another password; all else stays as it is.

Theory of operation. The file is replaced as a whole: written beside it, synced, and renamed onto
it, so that a server sees the old lines or the new ones. It keeps its mode and owner. Who changes it
holds a lock (flock) on the file that is replaced. One who waited for the lock may hold that of a
file that is there no more, and begins anew. A symbolic link stays; the file it leads to is changed.

A new file can be read by its owner and the group of its directory.
"""

import codecs
import fcntl
import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from maildird.server.login_names import login_name
from maildird.server.regular_file import open_regular
from maildird.terms.errors import UsersUnchanged

_NEW_MODE: Final = 0o640


class Lines:
    """The lines of a passwd-file, to be changed."""

    def __init__(self, path: str, content: bytes) -> None:
        self._path = path
        self._mark = codecs.BOM_UTF8 if content.startswith(codecs.BOM_UTF8) else b""
        self._lines = io.BytesIO(content.removeprefix(self._mark)).readlines()

    @property
    def content(self) -> bytes:
        """What the file is to hold."""
        return self._mark + b"".join(self._lines)

    def add(self, name: str, password: str) -> None:
        """Add a user with a stored password; UsersUnchanged when there is one of this name."""
        self.need_no(name)
        if self._lines and not self._lines[-1].endswith(b"\n"):
            self._lines[-1] += b"\n"
        self._lines.append(f"{login_name(name)}:{password}::::::\n".encode())

    def set_password(self, name: str, password: str) -> None:
        """Store another password; UsersUnchanged when there is no user of this name."""
        number = self.need(name)
        line = self._lines[number]
        ending = line[len(line.rstrip(b"\r\n")) :]
        fields = line.rstrip(b"\r\n").split(b":", 2)
        fields[1:2] = [password.encode()]
        self._lines[number] = b":".join(fields) + ending

    def remove(self, name: str) -> None:
        """Remove a user; UsersUnchanged when there is none of this name."""
        self.need(name)
        self._lines = [line for line in self._lines if _name_of(line) != name.encode().lower()]

    def need_no(self, name: str) -> None:
        """UsersUnchanged when there is a user of this name."""
        if any(_name_of(line) == name.encode().lower() for line in self._lines):
            raise UsersUnchanged(f"{name} stands in {self._path} already")

    def need(self, name: str) -> int:
        """The index of the line that counts; UsersUnchanged when nobody has this name."""
        for number, line in enumerate(self._lines):
            if _name_of(line) == name.encode().lower():
                return number
        raise UsersUnchanged(f"{name} does not stand in {self._path}")


def read_lines(path: str) -> Lines:
    """The lines as they are now; none where there is no file."""
    try:
        with open(open_regular(path), "rb") as file:
            return Lines(path, file.read())
    except FileNotFoundError:
        return Lines(path, b"")


@contextmanager
def editing(path: str, *, create: bool) -> Iterator[Lines]:
    """The lines of a file, which is replaced at the end of the `with` unless that raises.

    Without `create` there has to be one. Raises OSError where it can't be read or replaced.
    """
    target = os.path.realpath(path)
    with _locked(target, create=create) as descriptor:
        with open(descriptor, "rb", closefd=False) as file:
            lines = Lines(path, file.read())
        yield lines
        _replace(target, lines.content, os.fstat(descriptor))


@contextmanager
def _locked(target: str, *, create: bool) -> Iterator[int]:
    """A descriptor of the file that has this name while the lock is held."""
    while True:
        descriptor = _open(target, create=create)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if _is_still(target, descriptor):
                yield descriptor
                return
        finally:
            os.close(descriptor)


def _open(target: str, *, create: bool) -> int:
    try:
        return open_regular(target)
    except FileNotFoundError:
        if not create:
            raise
    with suppress(FileExistsError):
        descriptor = os.open(target, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _NEW_MODE)
        with suppress(PermissionError):
            os.fchown(descriptor, -1, os.stat(os.path.dirname(target)).st_gid)
        os.fchmod(descriptor, _NEW_MODE)
        return descriptor
    return open_regular(target)


def _is_still(target: str, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.stat(target), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _replace(target: str, content: bytes, before: os.stat_result) -> None:
    directory, name = os.path.split(target)
    descriptor, new = tempfile.mkstemp(prefix=f".{name}.", dir=directory)
    try:
        with open(descriptor, "wb") as file:
            if (before.st_uid, before.st_gid) != (os.geteuid(), os.getegid()):
                os.fchown(descriptor, before.st_uid, before.st_gid)
            os.fchmod(descriptor, before.st_mode & 0o7777)
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        os.rename(new, target)
    except BaseException:
        os.unlink(new)
        raise
    _sync_directory(directory)


def _sync_directory(directory: str) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _name_of(line: bytes) -> bytes:
    """In small letters, as logins have it; empty for a line that names nobody."""
    return b"" if line.startswith(b"#") else line.rstrip(b"\r\n").partition(b":")[0].lower()
