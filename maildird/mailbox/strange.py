"""What lies in new/ or cur/ and is no message: symlinks, FIFOs, sockets, devices, directories, and
second files of a name where nothing may be changed.

None of it is a message, and none is opened or touched. The log says so once for each name while the
server runs, for so many names at most.
"""

import logging
import os
from typing import Final

from maildird.mailbox.disk import Disk
from maildird.maildir.folders import Listing

logger = logging.getLogger(__name__)

MOST: Final = 1000
"""Names that are remembered, hence logged, in one account."""


def say_strange(disk: Disk, folder: bytes, listing: Listing) -> None:
    """Log what a listing found that is no message, unless that was said."""
    for name in sorted(listing.strange):
        say_left_alone(disk, os.path.join(folder, name), "is no regular file")


def say_left_alone(disk: Disk, path: bytes, why: str) -> None:
    """Log why a file counts as no message, unless that was said."""
    if path in disk.strange or len(disk.strange) >= MOST:
        return
    disk.strange.add(path)
    logger.warning("%a %s: it is left alone, and no message", os.fsdecode(path), why)
    if len(disk.strange) == MOST:
        logger.warning("more files of that kind are not named until the server starts anew")
