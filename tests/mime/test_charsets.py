"""Octets to text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maildird.mime.charsets import decode

CHARSETS = [
    *("us-ascii", "utf-8", "utf-7", "utf-16", "utf-32", "iso-8859-1", "iso-8859-15", "koi8-r"),
    *("windows-1251", "gb2312", "gbk", "gb18030", "big5", "shift_jis", "iso-2022-jp", "euc-jp"),
    *("iso-2022-kr", "euc-kr", "hz-gb-2312", "cp437", "macintosh", "tis-620", "cp037"),
]


@pytest.mark.parametrize(
    ("charset", "octets", "text"),
    [
        ("utf-8", b"\xc3\xb6", "ö"),
        ("UTF8", b"\xc3\xb6", "ö"),
        ("iso-8859-15", b"\xa4", "€"),
        ("KOI8-R", b"\xf0", "П"),
        ("ks_c_5601-1987", b"\xb0\xa1", "가"),
        # Names that Python doesn't know.
        ("x-sjis", b"\x82\xa0", "あ"),
        ("windows-874", b"\xa1", "ก"),
        ("cp-850", b"\x94", "ö"),
        ("iso-8859-8-i", b"\xe0", "א"),
        # The larger charset under the smaller one's name.
        ("iso-8859-1", b"\x80", "€"),
        ("latin1", b"\x80", "€"),
        ("gb2312", b"\x81\x30\x81\x30", "\x80"),
        ("euc-kr", b"\x81\x41", "갂"),
        # UTF-8 or Windows-1252, whatever it claims to be.
        ("us-ascii", b"\xc3\xb6", "ö"),
        ("us-ascii", b"\xf6", "ö"),
        ("unknown-8bit", b"\xf6", "ö"),
        (None, b"\xc3\xb6 \xf6", "ö ö"),
        ("", b"\xf6", "ö"),
        ("utf-8", b"\xc3\xb6 \xf6", "ö ö"),
        # No charsets: Python's codecs for other things.
        ("base64", b"YQ==", "YQ=="),
        ("rot13", b"abc", "abc"),
        ("idna", b"xn--nda", "xn--nda"),
        ("punycode", b"abc-", "abc-"),
        ("unicode_escape", b"\\u0041", "\\u0041"),
        ("undefined", b"a", "a"),
        ("../os", b"a", "a"),
        ("os.path", b"a", "a"),
        ("é\0", b"a", "a"),
    ],
)
def test_decoding(charset: str | None, octets: bytes, text: str) -> None:
    assert decode(octets, charset) == text


@given(st.binary(), st.sampled_from(CHARSETS) | st.text())
def test_decoding_never_fails(octets: bytes, charset: str) -> None:
    decode(octets, charset).encode()


def test_surrogates_do_not_come_out() -> None:
    assert decode(b"+2AA-", "utf-7") == "\ufffd"
