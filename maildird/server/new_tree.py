"""The Maildir of a new user, who wants to log in before there is any mail.

Theory of operation. A Maildir that is missing is mostly one on a disk that isn't mounted, and must
not look empty. So it is made only for an account that was never served, which has no index; and
only where the server may call the place its own, as the delivery agent does: the next directory
above that exists belongs to the server's user. A mount point belongs to root mostly.
"""

import logging
import os

from maildird.mailbox.settings import AccountSettings

logger = logging.getLogger(__name__)


def make_new_tree(settings: AccountSettings) -> None:
    """Make an empty directory for the mail of a new account, where it may be made; or OSError."""
    root = settings.root
    if os.path.lexists(root) or os.path.exists(os.path.join(settings.state_directory, b"index")):
        return
    above = os.path.dirname(root)
    while not os.path.lexists(above):
        above = os.path.dirname(above)
    if os.path.isdir(above) and os.stat(above).st_uid == os.geteuid():
        os.makedirs(root, mode=0o700, exist_ok=True)
        logger.info("account %s is new: made %s", settings.name, os.fsdecode(root))
