"""Errors as tagged replies."""

import errno
import logging
import os

import pytest

from maildird.session.answers import answer_to_error, answer_to_partial
from maildird.terms.codes import Code
from maildird.terms.errors import BadCharset, Malformed, MessageGone, Refused


def trouble(number: int) -> OSError:
    return OSError(number, os.strerror(number), "/mail/cur/x")


@pytest.mark.parametrize(
    ("error", "reply"),
    [
        (Malformed("a blank is missing"), b"a BAD a blank is missing\r\n"),
        (Refused(Code.CANNOT, "not here"), b"a NO [CANNOT] not here\r\n"),
        (Refused(None, "not here"), b"a NO not here\r\n"),
        (BadCharset("X"), b"a NO [BADCHARSET (US-ASCII UTF-8)] charset X is not known here\r\n"),
        (MessageGone("it went"), b"a NO [EXPUNGEISSUED] it went\r\n"),
        (trouble(errno.ENOSPC), b"a NO [OVERQUOTA] No space left on device; "),
        (trouble(errno.EDQUOT), b"a NO [OVERQUOTA] "),
        (trouble(errno.EACCES), b"a NO [NOPERM] Permission denied; "),
        (trouble(errno.EROFS), b"a NO [NOPERM] "),
        (trouble(errno.EIO), b"a NO [UNAVAILABLE] "),
        (ValueError("a bug"), b"a NO [SERVERBUG] an error in the server; its log says more\r\n"),
    ],
)
def test_replies(error: Exception, reply: bytes) -> None:
    assert answer_to_error("FETCH", error).tagged(b"a").startswith(reply)


def test_trouble_with_files_is_logged_with_the_path(caplog: pytest.LogCaptureFixture) -> None:
    answer_to_error("FETCH", trouble(errno.EACCES))
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "/mail/cur/x" in record.getMessage()


def test_a_bug_is_logged_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    answer_to_error("FETCH", ValueError("a bug"))
    (record,) = caplog.records
    assert record.exc_info is not None


def test_what_clients_make_wrong_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    for error in (Malformed("x"), Refused(None, "x"), MessageGone("x")):
        answer_to_error("FETCH", error)
    assert not caplog.records


def test_partial_success() -> None:
    assert answer_to_partial("FETCH", []) is None
    gone = answer_to_partial("FETCH", [MessageGone("it went")])
    assert gone is not None
    assert gone.code is Code.EXPUNGEISSUED
    worse = answer_to_partial("FETCH", [MessageGone("it went"), trouble(errno.EIO)])
    assert worse is not None
    assert worse.code is Code.UNAVAILABLE
