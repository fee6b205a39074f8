"""BODY and BODYSTRUCTURE: every form, and legality."""

import pytest
from hypothesis import given

from maildird.mime.bodystructure import body, bodystructure
from tests.mime.hostile_mail import messages
from tests.mime.imap_values import check_body, read


def test_plain_text() -> None:
    message = b"Subject: a\r\n\r\ntwo\r\nlines\r\n"
    assert body(message) == b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 12 2)'
    assert bodystructure(message) == (
        b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 12 2 NIL NIL NIL NIL)'
    )


def test_all_fields() -> None:
    message = (
        b'Content-Type: IMAGE/Png; name="a.png"\r\n'
        b"Content-Transfer-Encoding: BASE64 (comment)\r\n"
        b"Content-ID: <a@b>\r\n"
        b"Content-Description: on\r\n two lines\r\n"
        b"Content-MD5: Q2hlY2s=\r\n"
        b"Content-Disposition: attachment; filename=a.png; size=3\r\n"
        b"Content-Language: en, (comment) de-AT\r\n"
        b"Content-Location: http://a/\r\n"
        b"\r\nAAAA"
    )
    single = b'"IMAGE" "Png" ("name" "a.png") "<a@b>" "on two lines" "BASE64" 4'
    assert body(message) == b"(%b)" % single
    assert bodystructure(message) == (
        b'(%b "Q2hlY2s=" ("attachment" ("filename" "a.png" "size" "3"))'
        b' ("en" "de-AT") "http://a/")' % single
    )


def test_a_multipart() -> None:
    message = (
        b"Content-Type: multipart/alternative; boundary=a\r\n"
        b"Content-Language: en\r\n\r\n"
        b"--a\r\n\r\none\r\n--a\r\nContent-Type: text/html; charset=utf-8\r\n\r\ntwo\r\n--a--\r\n"
    )
    text = b'"text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 3 0'
    html = b'"text" "html" ("charset" "utf-8") NIL NIL "7bit" 3 0'
    assert body(message) == b'((%b)(%b) "alternative")' % (text, html)
    assert bodystructure(message) == (
        b'((%b NIL NIL NIL NIL)(%b NIL NIL NIL NIL) "alternative" ("boundary" "a") NIL ("en") NIL)'
        % (text, html)
    )


def test_a_message() -> None:
    message = b"Content-Type: message/rfc822\r\n\r\nSubject: a\r\nFrom: b@c\r\n\r\ntext\r\n"
    from_ = b'((NIL NIL "b" "c"))'
    envelope = b'(NIL "a" %b %b %b NIL NIL NIL NIL NIL)' % (from_, from_, from_)
    text = b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 6 1)'
    assert body(message) == (
        b'("message" "rfc822" NIL NIL NIL "7bit" 31 %b %b 4)' % (envelope, text)
    )


@pytest.mark.parametrize(
    ("header", "parameters"),
    [
        (b"", b'("charset" "us-ascii")'),
        (b"Content-Type: text/html; a=b\r\n", b'("a" "b" "charset" "us-ascii")'),
        (b"Content-Type: text/html; Charset=utf-8\r\n", b'("Charset" "utf-8")'),
        (b"Content-Type: image/png\r\n", b"NIL"),
        (b"Content-Type: application/x; n=\xc3\xb6\r\n", b'("n" {2}\r\n\xc3\xb6)'),
        (b"Content-Type: application/x; n*0*=''%41; n*1=b\r\n", b'("n*" "\'\'%41b")'),
    ],
)
def test_parameters(header: bytes, parameters: bytes) -> None:
    assert b' %b NIL NIL "7bit" ' % parameters in body(header + b"\r\n")


def test_a_multipart_without_parts_is_legal() -> None:
    message = b"Content-Type: multipart/mixed; boundary=a\r\n\r\ntext"
    assert body(message) == b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 4 0)'


def test_the_deepest_nesting() -> None:
    header = b"Content-Type: multipart/mixed; boundary=%d\r\n\r\n--%d\r\n"
    deep = b"".join([header % (number, number) for number in range(10_000)])
    check_body(read(bodystructure(deep)), extended=True)


@given(messages)
def test_every_body_is_legal(message: bytes) -> None:
    check_body(read(body(message)), extended=False)
    check_body(read(bodystructure(message)), extended=True)
