"""Finding one message whose name others keep changing: by its base name, on the disk itself.

What a listing lacks may be there all along (see `folders.py`), so None means "not seen", no more.
"""

import os
from contextlib import suppress

from maildird.maildir.names import base_name


def locate(folder: bytes, base: bytes) -> bytes | None:
    """`subdir/file` of the message that has this base name just now; OSError.

    A directory that is not there has none.
    """
    for subdir in (b"cur", b"new"):
        with suppress(FileNotFoundError):
            for name in os.listdir(os.path.join(folder, subdir)):
                if name.startswith(base) and base_name(name) == base:
                    return subdir + b"/" + name
    return None
