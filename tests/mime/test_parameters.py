"""Content-Type and Content-Disposition with their parameters.

Where a comment says Dovecot, that is what Dovecot 2.3 shows instead.
"""

import pytest

from maildird.mime.parameters import (
    MAX_PARAMETERS,
    ContentType,
    Disposition,
    parameter,
    parse_content_type,
    parse_disposition,
)


@pytest.mark.parametrize(
    ("value", "content_type"),
    [
        (b"text/plain", ContentType(b"text", b"plain")),
        (b"TEXT/Html", ContentType(b"TEXT", b"Html")),
        (b"image/svg+xml; x=y", ContentType(b"image", b"svg+xml", ((b"x", b"y"),))),
        (b"text (c) / (d) plain (e)", ContentType(b"text", b"plain")),
        # Not valid, so text/plain (RFC 2045 section 5.2). Dovecot shows empty strings.
        (b"", None),
        (b"text", None),
        (b"text/", None),
        (b"/plain", None),
        (b"text/plain charset=utf-8", ContentType(b"text", b"plain")),
    ],
)
def test_media_types(value: bytes, content_type: ContentType | None) -> None:
    assert parse_content_type(value) == content_type


@pytest.mark.parametrize(
    ("written", "parameters"),
    [
        (b"; charset=utf-8", [(b"charset", b"utf-8")]),
        (b"; Charset = UTF-8 ; format=flowed", [(b"Charset", b"UTF-8"), (b"format", b"flowed")]),
        (b'; name="a;b \\"c\\""', [(b"name", b'a;b "c"')]),
        (b"; name=(comment) a (comment)", [(b"name", b"a")]),
        (b'; name="(no comment)"', [(b"name", b"(no comment)")]),
        (b'; name=""', [(b"name", b"")]),
        (b"; name=\xc3\xb6", [(b"name", b"\xc3\xb6")]),
        (b"; a=b; a=c", [(b"a", b"b"), (b"a", b"c")]),
        (b";", []),
        (b"; name=", [(b"name", b"")]),
        # What is no parameter is passed over. Dovecot stops there.
        (b"; ; charset=utf-8", [(b"charset", b"utf-8")]),
        (b"; name; charset=utf-8", [(b"charset", b"utf-8")]),
        # Values that should be quoted and aren't. Dovecot shows what is before the space or =.
        (b"; name=my file.pdf; a=b", [(b"name", b"my file.pdf"), (b"a", b"b")]),
        (b"; name=a=b", [(b"name", b"a=b")]),
        # Never closed. Dovecot shows no parameter.
        (b'; name="my file', [(b"name", b"my file")]),
        (b'; name="my file\\', [(b"name", b"my file")]),
    ],
)
def test_parameters(written: bytes, parameters: list[tuple[bytes, bytes]]) -> None:
    for parsed in (
        parse_content_type(b"application/x" + written),
        parse_disposition(b"attachment" + written),
    ):
        assert parsed is not None
        assert list(parsed.parameters) == parameters


@pytest.mark.parametrize(
    ("written", "parameters"),
    [
        # RFC 2231 section 3.
        (
            b'; URL*0="ftp://"; URL*1="cs.utk.edu/pub"',
            [(b"url", b"ftp://cs.utk.edu/pub")],
        ),
        # Section 4.
        (
            b"; title*=us-ascii'en-us'This%20is%20fun",
            [(b"title*", b"us-ascii'en-us'This%20is%20fun")],
        ),
        # Section 4.1; what has no asterisk is no percent encoding.
        (
            b"; title*0*=us-ascii'en'This%20is%20even%20more%20"
            b"; title*1*=%2A%2A%2Afun%2A%2A%2A%20"
            b'; title*2="isn\'t 100% it!"',
            [
                (
                    b"title*",
                    b"us-ascii'en'This%20is%20even%20more%20"
                    b"%2A%2A%2Afun%2A%2A%2A%20"
                    b"isn%27t%20100%25%20it!",
                )
            ],
        ),
        (b"; a*1=d; b=c; a*0=x; a*2=y", [(b"b", b"c"), (b"a", b"xdy")]),
        (b"; a*0=b; a*1*=%20", [(b"a*", b"''b%20")]),
        # A number is missing, or comes twice.
        (b"; a*0=b; a*2=c", [(b"a*0", b"b"), (b"a*2", b"c")]),
        (b"; a*0=b; A*0*=c", [(b"a*0", b"b"), (b"A*0*", b"c")]),
        (b"; a*x=b; *=c", [(b"a*x", b"b"), (b"*", b"c")]),
    ],
)
def test_sections_are_put_together(written: bytes, parameters: list[tuple[bytes, bytes]]) -> None:
    parsed = parse_content_type(b"application/x" + written)
    assert parsed is not None
    assert list(parsed.parameters) == parameters


@pytest.mark.parametrize(
    ("value", "disposition"),
    [
        (b"inline", Disposition(b"inline")),
        (b"Attachment; Size=3", Disposition(b"Attachment", ((b"Size", b"3"),))),
        # Dovecot shows an empty string in these four.
        (b'"attachment"; a=b', Disposition(b"attachment", ((b"a", b"b"),))),
        (b"; filename=x", Disposition(b"", ((b"filename", b"x"),))),
        (b"", None),
        (b"(comment)", None),
    ],
)
def test_dispositions(value: bytes, disposition: Disposition | None) -> None:
    assert parse_disposition(value) == disposition


def test_the_first_parameter_of_a_name_counts() -> None:
    parameters = ((b"a", b"b"), (b"Charset", b"utf-8"), (b"charset", b"other"))
    assert parameter(parameters, b"charset") == b"utf-8"
    assert parameter(parameters, b"name") is None


def test_parameters_are_limited() -> None:
    parsed = parse_content_type(b"a/b" + b"; c=d" * (MAX_PARAMETERS + 1))
    assert parsed is not None
    assert len(parsed.parameters) == MAX_PARAMETERS
