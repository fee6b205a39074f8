"""Encoded words and raw octets in header fields."""

import email.header

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maildird.mime.encoded_words import decode_field
from tests.mime.hostile_mail import values


@pytest.mark.parametrize(
    ("value", "text"),
    [
        # RFC 2047 section 8.
        (b"(=?ISO-8859-1?Q?a?=)", "(a)"),
        (b"(=?ISO-8859-1?Q?a?= b)", "(a b)"),
        (b"(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=)", "(ab)"),
        (b"(=?ISO-8859-1?Q?a?=  \t =?ISO-8859-1?Q?b?=)", "(ab)"),
        (b"(=?ISO-8859-1?Q?a_b?=)", "(a b)"),
        (b"(=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=)", "(a b)"),
        (b"=?US-ASCII?Q?Keith_Moore?= <moore@cs.utk.edu>", "Keith Moore <moore@cs.utk.edu>"),
        (b"=?ISO-8859-1?Q?Andr=E9?= Pirard", "André Pirard"),
        (
            b"=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?="
            b" =?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=",
            "If you can read this you understand the example.",
        ),
        # RFC 2231 section 5: a language.
        (b"=?US-ASCII*EN?Q?Keith_Moore?=", "Keith Moore"),
        # A character cut in two.
        (b"=?utf-8?B?4pg=?= =?utf-8?B?gw==?=", "\N{SNOWMAN}"),
        (b"=?UTF-8?q?=E2=98?= =?utf-8?q?=83?=", "\N{SNOWMAN}"),
        (b"=?iso-2022-jp?b?GyRCRnw=?= =?iso-2022-jp?b?S1wbKEI=?=", "日本"),
        # Where they shouldn't be, and with what shouldn't be in them.
        (b'"=?utf-8?q?J=C3=B6?=" <a@b>', '"Jö" <a@b>'),
        (b"x=?utf-8?q?J=C3=B6?=y", "xJöy"),
        (b"=?utf-8?q?two words?=", "two words"),
        (b"=?utf-8?q?=XY?=", "=XY"),
        (b"=?utf-8?b?w7Y?=", "ö"),
        (b"=?utf-8?b?!?=", ""),
        (b"=?no-such-charset?q?=C3=B6?=", "ö"),
        # None at all.
        (b"=?utf-8?x?a?= =?utf-8?q?a", "=?utf-8?x?a?= =?utf-8?q?a"),
        (b"=? = ?= =?a?= ??", "=? = ?= =?a?= ??"),
        (b"", ""),
        # Raw octets: UTF-8 (RFC 6532), something else, and both.
        ("Jö".encode(), "Jö"),
        ("Jö".encode("latin-1"), "Jö"),
        (b"J\xc3\xb6 \xf6 \xe2\x98", "Jö ö â\N{SMALL TILDE}"),
        (b"J\xc3\xb6 =?utf-8?q?=C3=B6?= \xf6", "Jö ö ö"),
    ],
)
def test_decoding(value: bytes, text: str) -> None:
    assert decode_field(value) == text


_texts = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1)
_charsets = st.sampled_from(["utf-8", "utf-16-be", "gb18030"])


@given(_texts, _charsets, st.integers(30, 78))
def test_what_email_encodes_is_decoded(text: str, charset: str, line: int) -> None:
    encoded = email.header.Header(text, charset, maxlinelen=line).encode(linesep="\r\n")
    assert decode_field(encoded.replace("\r\n", "").encode()) == text


@given(values)
def test_decoding_never_fails(value: bytes) -> None:
    decode_field(value).encode()
