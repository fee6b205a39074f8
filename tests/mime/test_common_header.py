"""The header fields that are kept, and the requests that they answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maildird.mime.common_header import (
    COMMON_FIELDS,
    MAX_KEPT,
    common_header_fields,
    written_out,
)
from maildird.mime.describe import describe
from maildird.mime.sections import section
from maildird.terms.section import Section, SectionText
from tests.mime import corpora
from tests.mime.hostile_mail import messages

CLIENTS = {
    "mutt": "DATE FROM SENDER SUBJECT TO CC MESSAGE-ID REFERENCES CONTENT-TYPE"
    " CONTENT-DESCRIPTION IN-REPLY-TO REPLY-TO LINES LIST-POST X-LABEL",
    "neomutt": "DATE FROM SENDER SUBJECT TO CC MESSAGE-ID REFERENCES CONTENT-TYPE"
    " CONTENT-DESCRIPTION IN-REPLY-TO REPLY-TO LINES LIST-POST LIST-SUBSCRIBE LIST-UNSUBSCRIBE"
    " X-LABEL X-ORIGINAL-TO",
    "Thunderbird": "From To Cc Bcc Resent-Message-ID Subject Date Message-ID Priority X-Priority"
    " References Newsgroups In-Reply-To Content-Type Reply-To",
    "Thunderbird for Android": "date subject from content-type to cc reply-to message-id"
    " references in-reply-to X-K9mail-Identity",
    "Apple Mail": "date subject from to cc message-id in-reply-to references x-priority"
    " x-uniform-type-identifier x-universally-unique-identifier",
    "Evolution": "DATE FROM TO CC SUBJECT REFERENCES IN-REPLY-TO MESSAGE-ID MIME-VERSION"
    " CONTENT-TYPE CONTENT-CLASS X-CALENDAR-ATTACHMENT X-MAILING-LIST X-LOOP LIST-ID LIST-POST"
    " MAILING-LIST ORIGINATOR X-LIST SENDER RETURN-PATH X-BEENTHERE",
    "Roundcube": "DATE FROM TO SUBJECT CONTENT-TYPE CC REPLY-TO LIST-POST"
    " DISPOSITION-NOTIFICATION-TO X-PRIORITY IN-REPLY-TO BCC SENDER MESSAGE-ID"
    " CONTENT-TRANSFER-ENCODING REFERENCES X-DRAFT-INFO MAIL-FOLLOWUP-TO MAIL-REPLY-TO"
    " RETURN-PATH",
    "mbsync": "X-TUID Message-Id",
}

MESSAGE = (
    b"Received: from here\r\n by there\r\n"
    b"Subject: a\r\n b\r\n"
    b"X-Other: c\r\n"
    b"to: d@e\r\n"
    b"\r\nTo: body\r\n"
)


def common_header(message: bytes) -> bytes:
    return describe(message).header


def test_what_is_kept() -> None:
    assert written_out(common_header(MESSAGE)) == b"Subject: a\r\n b\r\nto: d@e\r\n\r\n"
    assert written_out(common_header(b"")) == b"\r\n"
    assert common_header(MESSAGE.replace(b"d@e", b"\0")) == b""


@pytest.mark.parametrize("client", CLIENTS)
def test_it_holds_what_clients_ask_for(client: str) -> None:
    names = CLIENTS[client].encode().split()
    assert common_header_fields(common_header(MESSAGE), names) is not None


def test_requests_outside_the_set_are_not_answered() -> None:
    header = common_header(MESSAGE)
    assert common_header_fields(header, [b"TO", b"Received"]) is None
    assert common_header_fields(header, [b"TO"]) == b"to: d@e\r\n\r\n"


def test_a_header_that_is_too_long_is_not_kept() -> None:
    header = common_header(b"References: " + b"<a@b> " * MAX_KEPT + b"\r\n\r\n")
    assert header == b""
    assert common_header_fields(header, [b"Subject"]) is None


_names = st.lists(st.sampled_from(COMMON_FIELDS), max_size=4)


@given(messages, _names)
def test_answers_are_those_of_the_message(message: bytes, names: list[bytes]) -> None:
    wanted = Section((), SectionText.HEADER_FIELDS, tuple(names))
    assert common_header_fields(common_header(message), names) == section(message, wanted)


def test_answers_are_those_of_real_messages() -> None:
    names = CLIENTS["neomutt"].encode().split()
    wanted = Section((), SectionText.HEADER_FIELDS, tuple(names))
    for path, message in corpora.messages().items():
        answer = common_header_fields(common_header(message), names)
        assert answer == section(message, wanted), path
