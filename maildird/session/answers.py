"""How a command ends: with what it did, or with what kept it from that.

This is the one place where errors become tagged replies. What has to do with files is also logged,
in one line that names the path, once for each command.
"""

import errno
import logging
from dataclasses import dataclass
from typing import Final

from maildird.imap.codes import BadCharsetCode, ResponseCode
from maildird.imap.responses import Condition, StatusResponse
from maildird.terms.codes import Code
from maildird.terms.errors import BadCharset, IndexUnusable, Malformed, MessageGone, Refused

logger = logging.getLogger(__name__)

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_FORBIDDEN: Final = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})

_ADVICE: Final = {
    Code.OVERQUOTA: "make room on that file system, or raise the quota",
    Code.NOPERM: "the server's user needs to read and write there",
    Code.UNAVAILABLE: "see whether that path is what it should be, and its file system in order",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """The tagged reply, but for the tag."""

    text: str
    code: ResponseCode | None = None
    condition: Condition = Condition.OK

    def tagged(self, tag: bytes | None) -> bytes:
        """The whole line; None as tag makes it untagged."""
        return bytes(StatusResponse(tag, self.condition, self.text, self.code))


def answer_to_error(command: str, error: Exception) -> Answer:
    """How a command that raised `error` ends; what nobody expected is logged with its traceback."""
    match error:
        case Malformed():
            return Answer(str(error), condition=Condition.BAD)
        case BadCharset():
            return Answer(str(error), BadCharsetCode(), Condition.NO)
        case Refused():
            return Answer(str(error), error.code, Condition.NO)
        case MessageGone():
            return Answer(str(error), Code.EXPUNGEISSUED, Condition.NO)
        case IndexUnusable():
            logger.error("%s: %s", command, error)
            return Answer(
                "your mail can't be reached now; log in again", Code.UNAVAILABLE, Condition.NO
            )
        case OSError():
            return _answer_to_trouble(command, error)
        case _:
            logger.error("%s failed in a way that nobody expected", command, exc_info=error)
            return Answer("an error in the server; its log says more", Code.SERVERBUG, Condition.NO)


def answer_to_partial(command: str, trouble: list[Exception]) -> Answer | None:
    """How a command ends that could not read all its messages; None when there was no trouble.

    Trouble with files counts more than messages that went away.
    """
    if not trouble:
        return None
    worst = next((error for error in trouble if isinstance(error, OSError)), trouble[0])
    return answer_to_error(command, worst)


def _answer_to_trouble(command: str, error: OSError) -> Answer:
    if error.errno in _FULL:
        code = Code.OVERQUOTA
    elif error.errno in _FORBIDDEN:
        code = Code.NOPERM
    else:
        code = Code.UNAVAILABLE
    logger.warning("%s: %s; %s", command, error, _ADVICE[code])
    return Answer(f"{error.strerror or error}; the server's log says more", code, Condition.NO)
