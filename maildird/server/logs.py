"""Logging: to standard error, one line a message, its level first. The journal adds the time."""

import logging
import sys


def start_logging(level: str) -> None:
    """Log what is of `level` (debug, info, warning, error) and above."""
    logging.basicConfig(
        stream=sys.stderr, format="%(levelname)s %(message)s", level=level.upper(), force=True
    )
    logging.getLogger("watchdog").setLevel(logging.WARNING)


def set_level(level: str) -> None:
    """From now on log what is of `level` and above."""
    logging.getLogger().setLevel(level.upper())
