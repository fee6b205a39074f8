"""Text of messages for SEARCH."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maildird.mime.casemap import Phrase, Text
from maildird.mime.common_header import written_out
from maildird.mime.describe import describe
from maildird.mime.parameter_text import parameter_text
from maildird.mime.search import FieldSearch, body_text, header_text, header_values
from tests.mime.hostile_mail import messages

MESSAGE = (
    "From: =?utf-8?q?J=C3=B6?= <joe@x.test>\r\n"
    "To: Bj\xf6rn <b@x.test>\r\n"
    "To: c@x.test\r\n"
    "Subject: =?utf-8?q?split?=\r\n =?utf-8?q?_in_two?=\r\n"
    "Content-Type: multipart/mixed; boundary=a\r\n"
    "\r\n"
    "preamble\r\n"
    "--a\r\n"
    "Content-Type: text/plain; charset=iso-8859-1\r\n"
    "Content-Transfer-Encoding: quoted-printable\r\n"
    "\r\n"
    "plain gr=FC=\r\nn\r\n"
    "--a\r\n"
    "Content-Type: text/html; charset=utf-8\r\n"
    "Content-Transfer-Encoding: base64\r\n"
    "\r\n" + base64.b64encode(b"<p>bl<b>a</b>u &auml;</p>").decode() + "\r\n"
    "--a\r\n"
    'Content-Type: application/pdf; name="=?utf-8?q?=C3=9Cbersicht=2Epdf?="\r\n'
    "Content-Disposition: attachment; filename*0*=utf-8''%C3%84mter%20; filename*1=liste.pdf\r\n"
    "Content-Description: =?utf-8?q?Gr=C3=B6=C3=9Fen?=\r\n"
    "\r\n"
    "binary\r\n"
    "--a\r\n"
    "Content-Type: message/rfc822\r\n"
    "\r\n"
    "Subject: =?utf-8?q?=C3=A4u=C3=9Ferst?=\r\n"
    "\r\n"
    "inside\r\n"
    "--a\r\n"
    "Content-Type: message/delivery-status\r\n"
    "\r\n"
    "Action: failed\r\n"
    "--a--\r\n"
    "epilogue\r\n"
).encode("utf-8")


def test_values_of_a_field() -> None:
    assert header_values(MESSAGE, "from") == ["Jö <joe@x.test>"]
    assert header_values(MESSAGE, "TO") == ["Björn <b@x.test>", "c@x.test"]
    assert header_values(MESSAGE, "Subject") == ["split in two"]
    assert header_values(MESSAGE, "Bcc") == []
    assert header_values(b"Empty:\r\n\r\n", "empty") == [""]
    assert header_values(MESSAGE, "\ud800") == []


def test_the_header_as_text() -> None:
    text = header_text(MESSAGE)
    assert text.startswith("From: Jö <joe@x.test>\nTo: Björn <b@x.test>\nTo: c@x.test\n")
    assert "Subject: split in two\n" in text
    assert "plain" not in text


@pytest.mark.parametrize(
    "needle",
    [
        *("grün", "BLAU Ä", "Übersicht.pdf", "Ämter liste.pdf", "Größen", "Subject: äußerst"),
        *("inside", "Action: failed"),
    ],
)
def test_what_is_found_in_the_body(needle: str) -> None:
    assert Phrase(needle).is_in(Text(body_text(MESSAGE)))


@pytest.mark.parametrize(
    "needle", ["joe@x", "preamble", "epilogue", "base64", "binary", "<p>", "boundary"]
)
def test_what_is_not_found_in_the_body(needle: str) -> None:
    assert not Phrase(needle).is_in(Text(body_text(MESSAGE)))


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (b"Subject: a\r\n\r\ntext \xc3\xb6", "text ö"),
        (b"\r\ntext", "text"),
        (b"", ""),
        (b"Content-Type: image/png\r\n\r\ntext", ""),
        (b"Content-Type: image/png; name=a.png\r\n\r\ntext", "a.png"),
        (b"Content-Type: text/plain; charset=none\r\n\r\n\xf6", "ö"),
        (b"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\nYWI", "ab"),
    ],
)
def test_the_body_of_one_part(message: bytes, text: str) -> None:
    assert body_text(message) == text


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ((), None),
        (((b"Name", b"a"),), "a"),
        (((b"name", b"=?utf-8?q?=C3=B6?="),), "ö"),
        (((b"name", b"a"), (b"name*", b"utf-8'de'%c3%B6")), "ö"),
        (((b"name*", b"iso-8859-15''%A4"),), "€"),
        (((b"name*", b"none''%A4"),), "¤"),
        (((b"name*", b"''a%20b%"),), "a b%"),
        (((b"name*", b"isn't%20one"),), "isn't one"),
    ],
)
def test_file_names(parameters: tuple[tuple[bytes, bytes], ...], text: str | None) -> None:
    assert parameter_text(parameters, b"name") == text


@given(messages)
def test_every_message_has_texts(message: bytes) -> None:
    header_text(message).encode()
    body_text(message).encode()
    for value in header_values(message, "subject"):
        value.encode()


FIELDS = (b"from", b"to", b"cc", b"subject", b"date", b"content-type")


@given(messages, st.sampled_from(FIELDS), st.sampled_from(["", "a", "DOE, j", "ö", "c", " "]))
def test_a_common_header_says_what_the_message_says(
    message: bytes, field: bytes, needle: str
) -> None:
    values = header_values(message, field.decode("ascii"))
    expected = any(Phrase(needle).is_in(Text(value)) for value in values)
    header = written_out(describe(message).header)
    assert FieldSearch(field, needle).find([header, b"", header]) == [expected, False, expected]


@pytest.mark.parametrize(
    "value", [b"\x0cfred", b"\x1c\rfred", b"x\x0bfred\r", b" \t fred ", b"\x0c"]
)
@pytest.mark.parametrize("needle", [" fred", "fred ", "fred", " "])
def test_rare_white_space_around_a_value(value: bytes, needle: str) -> None:
    header = b"To:%b\r\n\r\n" % value
    expected = any(Phrase(needle).is_in(Text(value)) for value in header_values(header, "to"))
    assert FieldSearch(b"to", needle).find([header]) == [expected]
