"""File descriptors: each connection takes one, and mail and the index need some beside."""

import logging
import resource
from typing import Final

logger = logging.getLogger(__name__)

BESIDE: Final = 200
"""Descriptors for everything but connections."""


def provide_descriptors(connections: int) -> None:
    """Raise the soft limit to what so many connections need; warn where the hard one bars it."""
    needed = connections + BESIDE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed < needed:
        logger.warning(
            "%d connections need %d file descriptors, but only %d are allowed; raise the hard limit"
            " (LimitNOFILE= of the unit), or lower limits.connections",
            connections,
            needed,
            allowed,
        )
