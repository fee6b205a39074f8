"""A key that outlasts the server, for what has to be the same each time but known to nobody."""

import logging
import os
import tempfile
from contextlib import suppress
from typing import Final

logger = logging.getLogger(__name__)

NAME: Final = ".key"
"""In the directory of all state directories; no account's name begins with a dot."""

SIZE: Final = 32
"""Octets."""


def lasting_key(directory: str) -> bytes:
    """The key of a directory, made at the first call.

    Where none can be kept that is logged, and the key lasts as long as whoever asked.
    """
    key = os.urandom(SIZE)
    try:
        os.makedirs(directory, mode=0o700, exist_ok=True)
        kept = _read(directory)
        if kept is None:
            _keep(directory, key)
            kept = _read(directory)
    except OSError as error:
        logger.warning("no key can be kept in %s: %s", directory, error.strerror)
        return key
    return kept if kept is not None else key


def _read(directory: str) -> bytes | None:
    with suppress(FileNotFoundError), open(os.path.join(directory, NAME), "rb") as file:
        key = file.read()
        return key if len(key) == SIZE else None
    return None


def _keep(directory: str, key: bytes) -> None:
    """Have the key appear whole, and stay if another one was faster."""
    with tempfile.NamedTemporaryFile(dir=directory, prefix=f"{NAME}.") as file:
        file.write(key)
        file.flush()
        with suppress(FileExistsError):
            os.link(file.name, os.path.join(directory, NAME))
