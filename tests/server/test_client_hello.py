"""The protocols in the first message of a TLS client, made by OpenSSL and made up."""

import ssl
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maildird.server.client_hello import HEADER, offered_protocols, size_of_record


def client_hello(*protocols: str) -> bytes:
    """What OpenSSL sends first."""
    context = ssl.create_default_context()
    if protocols:
        context.set_alpn_protocols(list(protocols))
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    connection = context.wrap_bio(incoming, outgoing, server_hostname="mail.example.org")
    with suppress(ssl.SSLWantReadError):
        connection.do_handshake()
    return outgoing.read()


HELLO = client_hello("h2", "imap")


@pytest.mark.parametrize("protocols", [(), ("imap",), ("h2", "http/1.1"), ("x" * 255, "imap")])
def test_the_names_that_openssl_sends_are_found(protocols: tuple[str, ...]) -> None:
    hello = client_hello(*protocols)
    assert size_of_record(hello[:HEADER]) == len(hello)
    assert offered_protocols(hello) == tuple(name.encode() for name in protocols)


@pytest.mark.parametrize(
    "header",
    [b"", b"\x16", b"\x16\x03\x01\x02", b"a LOG", b"\x15\x03\x01\0\x02", b"\x16\x03\x01\xff\xff"],
)
def test_what_begins_no_handshake_is_left_to_openssl(header: bytes) -> None:
    assert size_of_record(header) == 0


@given(st.integers(min_value=0, max_value=len(HELLO) - 1))
def test_a_message_that_is_cut_names_nothing(size: int) -> None:
    assert offered_protocols(HELLO[:size]) == ()


@given(st.lists(st.tuples(st.integers(0, len(HELLO) - 1), st.integers(0, 255)), max_size=5))
def test_a_broken_message_is_understood_or_not(changes: list[tuple[int, int]]) -> None:
    broken = bytearray(HELLO)
    for at, octet in changes:
        broken[at] = octet
    assert all(len(name) <= len(HELLO) for name in offered_protocols(bytes(broken)))
