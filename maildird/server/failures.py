"""Exceptions that end a connection, or an account, told in one line."""

import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import trio

from maildird.terms.errors import MaildirdError, Malformed


class HandshakeFailed(trio.BrokenResourceError):
    """TLS could not begin; says why. The connection is of no more use."""


@contextmanager
def connection_failures(logger: logging.Logger, where: Callable[[], str]) -> Iterator[None]:
    """Log what ends a connection, which `where` names by then, and let it harm nothing else.

    The louder, the less a client alone has to do with it: many leave without a word.
    """
    try:
        yield
    except* HandshakeFailed as failures:
        logger.info("%s: no TLS: %s", where(), failures.exceptions[0])
    except* Malformed as refusals:
        logger.warning("%s: %s", where(), refusals.exceptions[0])
    except* (trio.BrokenResourceError, trio.ClosedResourceError) as losses:
        logger.debug("%s: connection lost: %s", where(), losses.exceptions[0])
    except* Exception as failures:
        log_failure(logger, where(), failures)


def log_failure(logger: logging.Logger, where: str, failure: BaseException) -> None:
    """Log a failure that ended `where`, in one line each; its traceback at level DEBUG."""
    for error in _leaves(failure):
        logger.error("%s: %s", where, _one_line(error))
        logger.debug("%s: what led to that", where, exc_info=error)


def _leaves(failure: BaseException) -> Iterator[BaseException]:
    if isinstance(failure, BaseExceptionGroup):
        for member in failure.exceptions:
            yield from _leaves(member)
    else:
        yield failure


def _one_line(error: BaseException) -> str:
    """What it says, and where nobody expected it the line of code that raised it."""
    if isinstance(error, MaildirdError):
        return str(error)
    said = " ".join(traceback.format_exception_only(error)[-1].split())
    frames = traceback.extract_tb(error.__traceback__)
    return f"{said} (in {frames[-1].filename}, line {frames[-1].lineno})" if frames else said
