"""What lies in new/ or cur/ and is no regular file: symlinks, FIFOs, sockets, devices, directories.

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
        path = os.path.join(folder, name)
        if path in disk.strange or len(disk.strange) >= MOST:
            continue
        disk.strange.add(path)
        logger.warning("%a is no regular file: it is left alone, and no message", os.fsdecode(path))
        if len(disk.strange) == MOST:
            logger.warning("more files of that kind are not named until the server starts anew")
