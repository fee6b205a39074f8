"""Strings as IMAP writes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maildird.mime.nstring import nstring, string
from tests.mime.imap_values import read


@pytest.mark.parametrize(
    ("value", "rendered"),
    [
        (None, b"NIL"),
        (b"", b'""'),
        (b"NIL", b'"NIL"'),
        (b"plain text", b'"plain text"'),
        (b'a "b" \\c', b'"a \\"b\\" \\\\c"'),
        (b"tab\tand \x01 and \x7f", b'"tab\tand \x01 and \x7f"'),
        (b"\xc3\xb6", b"{2}\r\n\xc3\xb6"),
        (b"a\rb", b"{3}\r\na\rb"),
        (b"a\nb", b"{3}\r\na\nb"),
    ],
)
def test_quoted_where_octets_allow_it_else_a_literal(value: bytes | None, rendered: bytes) -> None:
    assert nstring(value) == rendered


@given(st.binary())
def test_what_is_written_is_read_back(value: bytes) -> None:
    assert read(string(value)) == value
