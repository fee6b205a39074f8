"""Exceptions that nobody expected, told in one line."""

import logging
import traceback
from collections.abc import Iterator

from maildird.terms.errors import MaildirdError


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
