"""Which file system a directory lies on, and whether inotify sees all that happens there.

The kernel tells of what is done through it. What another machine does to a file system that
several share makes no event here.
"""

import os
import re
from typing import Final

_MOUNTS: Final = b"/proc/self/mountinfo"

_SHARED: Final = frozenset(
    b"9p afs beegfs ceph cifs gfs2 glusterfs gpfs lustre ncpfs nfs nfs4 ocfs2 orangefs smb3 smbfs"
    b" vboxsf virtiofs".split()
)


def shared_filesystem(directory: bytes) -> str | None:
    """The type of the file system, if other machines may change it; `nfs4` say. None when not.

    FUSE counts as shared: nobody can tell what is behind it. None also where there is no /proc.
    """
    try:
        with open(_MOUNTS, "rb") as mounts:
            kind = filesystem_type(os.path.realpath(directory), mounts.read())
    except OSError:
        return None
    if kind in _SHARED or kind.startswith(b"fuse"):
        return kind.decode("ascii", "backslashreplace")
    return None


def filesystem_type(path: bytes, mounts: bytes) -> bytes:
    """The type of what is mounted where the absolute `path` lies; b"" when nothing is.

    `mounts` has the form of /proc/self/mountinfo (proc_pid_mountinfo(5)): the mount point is the
    fifth field, with octal escapes, and the type follows a dash. A later line hides an earlier one.
    """
    found, longest = b"", -1
    for line in mounts.splitlines():
        fields, _, rest = line.partition(b" - ")
        point = re.sub(rb"\\([0-7]{3})", _unescaped, fields.split(b" ")[4])
        below = point if point.endswith(b"/") else point + b"/"
        if (path + b"/").startswith(below) and len(below) >= longest:
            found, longest = rest.partition(b" ")[0], len(below)
    return found


def _unescaped(match: "re.Match[bytes]") -> bytes:
    return bytes([int(match[1], 8)])
