"""ENVELOPE: order, defaults, legality."""

import pytest
from hypothesis import given

from maildird.mime.envelope import envelope
from tests.mime.hostile_mail import messages
from tests.mime.imap_values import Value, check_envelope, read

DATE, SUBJECT, FROM, SENDER, REPLY_TO, TO, CC, BCC, IN_REPLY_TO, MESSAGE_ID = range(10)


def described(message: bytes) -> Value:
    value = read(envelope(message))
    check_envelope(value)
    return value


def test_the_example_of_the_rfc() -> None:
    # RFC 3501 section 8.
    message = (
        b"Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\r\n"
        b"From: Terry Gray <gray@cac.washington.edu>\r\n"
        b"Subject: IMAP4rev1 WG mtg summary and minutes\r\n"
        b"To: imap@cac.washington.edu\r\n"
        b"Cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>\r\n"
        b"Message-Id: <B27397-0100000@cac.washington.edu>\r\n"
        b"MIME-Version: 1.0\r\n"
        b"Content-Type: TEXT/PLAIN; CHARSET=US-ASCII\r\n"
        b"\r\n"
    )
    assert envelope(message) == (
        b'("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)" '
        b'"IMAP4rev1 WG mtg summary and minutes" '
        b'(("Terry Gray" NIL "gray" "cac.washington.edu")) '
        b'(("Terry Gray" NIL "gray" "cac.washington.edu")) '
        b'(("Terry Gray" NIL "gray" "cac.washington.edu")) '
        b'((NIL NIL "imap" "cac.washington.edu")) '
        b'((NIL NIL "minutes" "CNRI.Reston.VA.US")("John Klensin" NIL "KLENSIN" "MIT.EDU")) '
        b'NIL NIL "<B27397-0100000@cac.washington.edu>")'
    )


def test_nothing_is_nil() -> None:
    assert described(b"") == [None] * 10


def test_absent_fields_are_nil_and_empty_ones_are_empty() -> None:
    value = described(b"Subject:\r\nMessage-ID:  \r\nTo:\r\nCc: ,\r\n\r\n")
    assert (value[DATE], value[SUBJECT], value[MESSAGE_ID]) == (None, b"", b"")
    assert (value[TO], value[CC], value[FROM]) == (None, None, None)


@pytest.mark.parametrize("sender", [b"", b"Sender:\r\nReply-To: \r\n", b"Reply-To: ()\r\n"])
def test_sender_and_reply_to_default_to_from(sender: bytes) -> None:
    value = described(b"From: a@b\r\n" + sender + b"\r\n")
    assert value[SENDER] == value[REPLY_TO] == value[FROM] == [[None, None, b"a", b"b"]]


def test_sender_and_reply_to_of_their_own() -> None:
    value = described(b"From: a@b\r\nSender: c@d\r\nReply-To: e@f, g@h\r\n\r\n")
    assert value[SENDER] == [[None, None, b"c", b"d"]]
    assert value[REPLY_TO] == [[None, None, b"e", b"f"], [None, None, b"g", b"h"]]


def test_repeated_address_fields_are_all_listed() -> None:
    value = described(b"From: a@b\r\nTo: c@d\r\nFROM: e@f\r\nto: g@h\r\n\r\n")
    assert value[FROM] == [[None, None, b"a", b"b"], [None, None, b"e", b"f"]]
    assert value[TO] == [[None, None, b"c", b"d"], [None, None, b"g", b"h"]]


def test_what_is_not_closed_ends_with_its_field() -> None:
    for start in (b'"', b"(", b"<", b"G:"):
        value = described(b"To: %bx\r\nTo: a@b\r\n\r\n" % start)
        assert value[TO][-1] == [None, None, b"a", b"b"]


def test_of_other_repeated_fields_the_first_counts() -> None:
    # As Python's email has it; Dovecot shows the last.
    value = described(b"Subject: one\r\nDate: 1\r\nSubject: two\r\nDate: 2\r\n\r\n")
    assert (value[SUBJECT], value[DATE]) == (b"one", b"1")


def test_texts_stay_as_they_are() -> None:
    # Dovecot makes one space of many in Subject.
    value = described(
        b"Subject: two  spaces\tand =?utf-8?q?=C3=B6?= and \xc3\xb6\xff\r\n"
        b"In-Reply-To: <a@b>\r\n <c@d>\r\n\r\n"
    )
    assert value[SUBJECT] == b"two  spaces\tand =?utf-8?q?=C3=B6?= and \xc3\xb6\xff"
    assert value[IN_REPLY_TO] == b"<a@b> <c@d>"


def test_the_body_is_not_read() -> None:
    assert described(b"Subject: a\r\n\r\nTo: b@c\r\n")[TO] is None


@given(messages)
def test_every_envelope_is_legal(message: bytes) -> None:
    described(message)
