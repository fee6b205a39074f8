"""Replacing a small file as a whole: readers see the old or the new one, also after a power cut."""

import os


def replace_file(path: bytes, content: bytes) -> None:
    """Write `content` to a temporary file beside `path`, sync it, and rename it into place.

    The new file is never older than the one it replaces, and keeps its mode.
    """
    temporary = path + b".maildird-tmp"
    try:
        old: os.stat_result | None = os.stat(path)
    except FileNotFoundError:
        old = None
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        if old is not None:
            os.fchmod(descriptor, old.st_mode & 0o777)
            if os.fstat(descriptor).st_mtime_ns <= old.st_mtime_ns:
                newer = old.st_mtime_ns + 10**9
                os.utime(descriptor, ns=(newer, newer))
        os.fsync(descriptor)
    os.replace(temporary, path)
