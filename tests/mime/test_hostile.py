"""Mail that is made to take long: with anything worse than linear time these would not end.

Each of these took servers down: see the advisories on MIME and address parsing of the last decades.
"""

import tracemalloc

import pytest

from maildird.mime.casemap import fold
from maildird.mime.common_header import MAX_KEPT
from maildird.mime.describe import describe
from maildird.mime.search import body_text, header_text, header_values
from maildird.mime.sections import section
from maildird.mime.sent_date import sent_date
from maildird.terms.section import Section, SectionText
from tests.mime.imap_values import check_body, check_envelope, read

MANY = 20_000

ADDRESSES = {
    "a million addresses": b"a@b," * 1_000_000,
    "commented addresses": b"a (b) <c@d>," * (MANY // 5),
    "commas": b"," * 2 * MANY,
    "groups": b"a:b@c;" * (MANY // 5),
    "colons": b":" * (MANY // 5),
    "open brackets": b"<" * (MANY // 5),
    "open brackets with text": b"<a " * (MANY // 5),
    "closed brackets": b">" * MANY,
    "open domain literals": b"[a" * MANY,
    "quotes": b'"' * MANY,
    "escaped quotes": b'\\"' * MANY,
    "quoted strings": b'"a" ' * MANY,
    "brackets and quotes": b'<"a' * (MANY // 5),
    "open comments": b"(" * MANY,
    "comments": b"()" * MANY,
    "brackets and comments": b"<(" * MANY,
    "a comment that ends in a backslash": b"a@b (" + b"\\" * (MANY + 1),
    "at signs": b"@" * MANY,
    "spaced dots": b"a . " * MANY + b"@b",
    "blanks": b" " * 10 * MANY,
}

CONTENT_TYPES = {
    "continuations": b"a/b" + b"".join(b"; n*%d=c" % n for n in range(MANY // 10)),
    "extended continuations": b"a/b" + b"".join(b"; n*%d*=%%41" % n for n in range(MANY // 10)),
    "cut parameters": b"a/b" + b"".join(b"; n%d*0=c" % n for n in range(MANY // 10)),
    "semicolons": b"a/b" + b";" * 10 * MANY,
    "spaced semicolons": b"a/b" + b"; " * 10 * MANY,
    "blanks": b"a/b;" + b" " * 10 * MANY + b"c",
    "comments": b"a/b;" + b"()" * (MANY // 5),
    "open comments": b"a/b;" + b"(" * MANY,
    "quotes": b"a/b; c=(" + b'"' * MANY,
    "escaped quotes": b'a/b; c="' + b'\\"' * MANY,
}

SUBJECTS = {
    "beginnings of encoded words": b"=?" * MANY,
    "longer beginnings": b"=?u?q?" * MANY,
    "encoded words": b"=?utf-8?q?a?= " * (MANY // 5),
    "charsets": b"".join(b"=?x%d?q?a?= " % n for n in range(MANY // 5)),
    "idna": b"=?idna?q?" + b"a." * MANY + b"?=",
    "punycode": b"=?punycode?q?" + b"a-b" * MANY + b"?=",
    "folds": b"\r\n a" * MANY,
    "carriage returns": b"\r" * 10 * MANY,
    "combining marks": "a\u0301\u0327".encode() * MANY,
    "unordered marks": b"a" + "\u0301\u0327".encode() * MANY,
}

MESSAGES = {
    "header without end": b"Subject: " + b"a" * 10 * MANY,
    "header lines without end": b"a: b\r\n" * 2 * MANY,
    "the same field": b"To: a@b\r\n" * MANY,
    "dates": b"Date: " + b"1 Jan " * MANY + b"\r\n\r\n",
    "open comments in dates": b"Date: " + b"(" * MANY + b"\r\n\r\n",
    "languages": b"Content-Language: " + b"en," * MANY + b"\r\n\r\n",
    "multiparts": b"".join(
        b"Content-Type: multipart/mixed; boundary=%d\r\n\r\n--%d\r\n" % (n, n)
        for n in range(10_000)
    ),
    "messages": b"Content-Type: message/rfc822\r\n\r\n" * 10_000,
    "lines deep inside": b"Content-Type: message/rfc822\r\n\r\n" * 99 + b"\r\n" + b"a\r\n" * MANY,
    "parts": b"Content-Type: multipart/mixed; boundary=a\r\n\r\n" + b"--a\r\n\r\n" * MANY,
    "candidates": b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n\r\n"
    + b"--b\r\n" * MANY,
    "candidates in a header": b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n"
    + b"--b\r\n" * MANY,
    "hyphens": b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n" + b"-" * 10 * MANY,
    "padding": b"Content-Transfer-Encoding: base64\r\n\r\n" + b"a=" * MANY,
    "equals": b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + b"=" * 10 * MANY,
    "tags": b"Content-Type: text/html\r\n\r\n" + b"<" * 10 * MANY,
    "open tags": b"Content-Type: text/html\r\n\r\n" + b"<a " * MANY,
    "styles": b"Content-Type: text/html\r\n\r\n" + b"<style>" * MANY,
    "a number": b"Content-Type: text/html\r\n\r\n&#" + b"1" * 10 * MANY,
    "references": b"Content-Type: text/html\r\n\r\n" + b"&" * 10 * MANY,
    "NUL": b"\0" * MANY + b"\r\n\r\n" + b"\0" * MANY,
} | {
    f"{field}: {name}": b"%b: %b\r\n\r\n" % (field.encode(), value)
    for field, values in (
        ("To", ADDRESSES),
        ("Content-Type", CONTENT_TYPES),
        ("Subject", SUBJECTS),
    )
    for name, value in values.items()
}


@pytest.mark.parametrize("name", MESSAGES)
def test_it_is_described_searched_and_fetched(name: str) -> None:
    message = MESSAGES[name]
    description = describe(message)
    check_envelope(read(description.envelope))
    check_body(read(description.body), extended=False)
    check_body(read(description.bodystructure), extended=True)
    assert len(description.header) <= MAX_KEPT
    fold(header_text(message))
    fold(body_text(message))
    header_values(message, "to")
    sent_date(message)
    section(message, Section((1,) * 200))
    section(message, Section((10_000,), SectionText.MIME))
    section(message, Section((), SectionText.HEADER_FIELDS_NOT, (b"Subject",)))


MIB = 1 << 20

LARGE = {
    "short fields": b"X:\r\n" * MIB,
    "languages": b"Content-Language: " + b"en," * MIB,
    "comments": b"Content-Type: a/b; " + b"()" * (MIB // 4),
    "subjects of messages": b"Content-Type: multipart/digest; boundary=a\r\n\r\n"
    + (b"--a\r\n\r\nSubject: " + b'"' * 3 * MIB + b"\r\n\r\n") * 4,
}


@pytest.mark.parametrize("name", LARGE)
def test_describing_takes_little_memory(name: str) -> None:
    message = LARGE[name]
    describe(message[:MIB])
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        describe(message)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - before < 2 * len(message) + 20 * MIB
