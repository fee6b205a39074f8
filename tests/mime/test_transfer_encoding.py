"""Transfer encodings, right and broken."""

import base64
import quopri

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maildird.mime.transfer_encoding import decode_base64, decode_transfer, transfer_encoding


@pytest.mark.parametrize(
    ("value", "encoding"),
    [
        (None, b"7bit"),
        (b"Base64", b"Base64"),
        (b"(comment) 8bit (comment)", b"8bit"),
        (b"base64;", b"base64"),
        (b"", b"7bit"),
    ],
)
def test_the_field(value: bytes | None, encoding: bytes) -> None:
    header = {} if value is None else {b"content-transfer-encoding": [value]}
    assert transfer_encoding(header) == encoding


@pytest.mark.parametrize(
    ("encoding", "octets", "decoded"),
    [
        (b"Base64", b"YWJj\r\nZGVm\r\n", b"abcdef"),
        (b"Quoted-Printable", b"a=3D=\r\nb=c3=B6 \r\n", b"a=b\xc3\xb6 \r\n"),
        (b"quoted-printable", b"a=XY=", b"a=XY"),
        (b"7bit", b"=3D", b"=3D"),
        (b"8BIT", b"\xff", b"\xff"),
        (b"binary", b"\0", b"\0"),
        (b"x-unknown", b"YWJj", b"YWJj"),
    ],
)
def test_decoding(encoding: bytes, octets: bytes, decoded: bytes) -> None:
    assert decode_transfer(octets, encoding) == decoded


@pytest.mark.parametrize(
    ("octets", "decoded"),
    [
        (b"YWI=", b"ab"),
        (b"YWI", b"ab"),
        (b"YW\0Jj!*", b"abc"),
        (b"YWJjZ", b"abc"),
        (b"Z", b""),
        (b"YQ==\r\nYg==\r\n", b"ab"),
        (b"YQ==YQ", b"aa"),
        (b"====", b""),
        (b"", b""),
    ],
)
def test_broken_base64(octets: bytes, decoded: bytes) -> None:
    assert decode_base64(octets) == decoded


@given(st.binary())
def test_what_is_encoded_is_decoded(octets: bytes) -> None:
    assert decode_transfer(base64.encodebytes(octets), b"base64") == octets
    assert decode_transfer(quopri.encodestring(octets), b"quoted-printable") == octets


@given(st.binary(), st.sampled_from([b"base64", b"quoted-printable"]))
def test_decoding_never_fails(octets: bytes, encoding: bytes) -> None:
    decode_transfer(octets, encoding)
