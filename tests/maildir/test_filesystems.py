"""Where a tree lies: what is mounted there, and whether other machines may change it."""

import os
from pathlib import Path

import pytest

from maildird.maildir.filesystems import filesystem_type, shared_filesystem

MOUNTS = rb"""22 1 254:1 / / rw,relatime - ext4 /dev/vda1 rw
30 22 0:26 / /dev/shm rw - tmpfs tmpfs rw
41 22 0:40 /export /srv/mail rw,relatime shared:7 master:1 - nfs4 server:/export rw,vers=4.2
42 41 0:41 / /srv/mail/local rw - xfs /dev/vdb rw
43 22 0:42 / /home/a\040b rw - fuse.sshfs a@b: rw
44 22 0:43 / /over rw - ext4 /dev/vdc rw
45 22 0:44 / /over rw - cifs //host/share rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (b"/", b"ext4"),
        (b"/var/mail", b"ext4"),
        (b"/dev/shm/mail", b"tmpfs"),
        (b"/srv/mail", b"nfs4"),
        (b"/srv/mail/me/Maildir", b"nfs4"),
        (b"/srv/mailbox", b"ext4"),
        (b"/srv/mail/local/me", b"xfs"),
        (b"/home/a b/Maildir", b"fuse.sshfs"),
        (b"/over/me", b"cifs"),
    ],
)
def test_what_is_mounted_there(path: bytes, kind: bytes) -> None:
    assert filesystem_type(path, MOUNTS) == kind


def test_a_disk_of_our_own_is_not_shared(tmp_path: Path) -> None:
    assert shared_filesystem(os.fsencode(tmp_path)) is None
