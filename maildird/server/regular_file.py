"""Opening a file that somebody named, which may be anything."""

import errno
import os
import stat


def open_regular(path: str) -> int:
    """A descriptor for reading; OSError also where it is no regular file, which might never end."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "this is no regular file", path)
    return descriptor
