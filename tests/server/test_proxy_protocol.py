"""The header of the PROXY protocol, against the examples and limits of haproxy's specification."""

import ipaddress
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maildird.server.addresses import Address
from maildird.server.proxy_protocol import (
    LONGEST_LINE,
    SIGNATURE,
    client_address,
    octets_missing,
)
from maildird.terms.errors import Malformed

LONG_V6 = "ffff:" * 7 + "ffff"
TLV = b"\x05\x00\x03abc"


def binary(command: int, family: int, addresses: bytes) -> bytes:
    fixed = bytes((0x20 | command, family)) + len(addresses).to_bytes(2, "big")
    return SIGNATURE + fixed + addresses


def packed(source: str, destination: str, port: int) -> bytes:
    ips = b"".join(ipaddress.ip_address(each).packed for each in (source, destination))
    return ips + port.to_bytes(2, "big") + (993).to_bytes(2, "big")


def read(stream: bytes) -> tuple[bytes, bytes]:
    """The header at the beginning of a stream, as a server reads it, and what is left."""
    header = b""
    while missing := octets_missing(header):
        assert len(header) + missing <= len(stream), "more was asked for than the header has"
        header = stream[: len(header) + missing]
    return header, stream[len(header) :]


HEADERS = [
    (b"PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n", Address("192.168.0.1", 56324)),
    (b"PROXY TCP4 1.1.1.1 2.2.2.2 0 65535\r\n", Address("1.1.1.1", 0)),
    (b"PROXY TCP6 2001:DB8::1 ::1 1 2\r\n", Address("2001:db8::1", 1)),
    (b"PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n", Address("192.0.2.1", 1)),
    (f"PROXY TCP6 {LONG_V6} {LONG_V6} 65535 65535\r\n".encode(), Address(LONG_V6, 65535)),
    (b"PROXY UNKNOWN\r\n", None),
    (f"PROXY UNKNOWN {LONG_V6} {LONG_V6} 65535 65535\r\n".encode(), None),
    (binary(1, 0x11, packed("192.0.2.1", "192.0.2.2", 5000)), Address("192.0.2.1", 5000)),
    (binary(1, 0x11, packed("192.0.2.1", "192.0.2.2", 5000) + TLV), Address("192.0.2.1", 5000)),
    (binary(1, 0x21, packed("2001:db8::1", "::1", 80)), Address("2001:db8::1", 80)),
    (binary(1, 0x21, packed("::ffff:192.0.2.1", "::1", 80)), Address("192.0.2.1", 80)),
    (binary(1, 0x31, b"/run/x".ljust(108, b"\0") * 2), None),
    (binary(1, 0x12, packed("192.0.2.1", "192.0.2.2", 5000)), None),
    (binary(1, 0x00, b""), None),
    (binary(1, 0x00, b"anything" + TLV), None),
    (binary(0, 0x00, b""), None),
    (binary(0, 0x11, packed("192.0.2.1", "192.0.2.2", 5000)), None),
    (binary(0, 0xFF, b"x" * 0xFFFF), None),
]


@pytest.mark.parametrize(("header", "client"), HEADERS)
def test_a_header_tells_who_the_client_is_and_nothing_behind_it_is_read(
    header: bytes, client: Address | None
) -> None:
    for behind in (b"", b"\x16\x03\x01", b"\r\n", header):
        assert read(header + behind) == (header, behind)
    assert client_address(header) == client


@pytest.mark.parametrize(
    "header",
    [
        b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n",
        b"PROXY TCP4 192.0.2.1  192.0.2.2 1 2\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 -1 2\r\n",
        b"PROXY TCP4 192.0.2.256 192.0.2.2 1 2\r\n",
        b"PROXY TCP4 192.0.2.1 x 1 2\r\n",
        b"PROXY TCP4 ::1 ::1 1 2\r\n",
        b"PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n",
        b"PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n",
        b"PROXY TCP5 192.0.2.1 192.0.2.2 1 2\r\n",
        b"PROXY UNKNOWN\n UNKNOWN\r\n",
        b"PROXY UNKNOWNS\r\n",
        binary(2, 0x11, packed("192.0.2.1", "192.0.2.2", 1)),
        binary(1, 0x13, packed("192.0.2.1", "192.0.2.2", 1)),
        binary(1, 0x41, packed("192.0.2.1", "192.0.2.2", 1)),
        binary(1, 0x11, packed("192.0.2.1", "192.0.2.2", 1)[:-1]),
        binary(1, 0x21, packed("192.0.2.1", "192.0.2.2", 1)),
        binary(1, 0x31, b"x" * 215),
        SIGNATURE + b"\x11\x11\x00\x0c" + packed("192.0.2.1", "192.0.2.2", 1),
    ],
)
def test_a_header_that_breaks_the_rules_is_refused(header: bytes) -> None:
    assert read(header) == (header, b"")
    with pytest.raises(Malformed, match="PROXY protocol"):
        client_address(header)


@pytest.mark.parametrize(
    "beginning",
    [
        b"\x16\x03\x01".ljust(15, b"\0"),
        b"a LOGIN ada secret\r\n",
        b"PROXY\tTCP4 1.1.1.1 2.2.2.2 1 2\r\n",
        b"PROXY " + b"x" * LONGEST_LINE,
        b"\r\n\r\n\0\r\nQUIX\n\x21\x11\0\0",
        b"\r\n\r\n" * 8,
    ],
)
def test_what_is_no_header_is_refused_as_soon_as_that_shows(beginning: bytes) -> None:
    with pytest.raises(Malformed, match="no header"):
        read(beginning)


@given(st.sampled_from(HEADERS), st.integers(min_value=0))
def test_a_header_can_be_cut_anywhere(case: tuple[bytes, Address | None], cut: int) -> None:
    """Never is more asked for than there is for certain."""
    header, _ = case
    beginning = header[: cut % len(header)]
    assert 0 < octets_missing(beginning) <= len(header) - len(beginning)


@given(st.one_of(st.just(b""), st.just(b"PROXY "), st.just(SIGNATURE)), st.binary(max_size=200))
def test_any_octets_are_understood_or_refused(beginning: bytes, rest: bytes) -> None:
    stream, header = beginning + rest, b""
    with suppress(Malformed):
        while (missing := octets_missing(header)) and len(header) + missing <= len(stream):
            header = stream[: len(header) + missing]
        if not missing:
            found = client_address(header)
            assert found is None or ipaddress.ip_address(found.host)
