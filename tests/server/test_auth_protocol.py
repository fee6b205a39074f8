"""The lines of the Dovecot authentication protocol."""

import base64
import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maildird.server.addresses import Address
from maildird.server.auth_protocol import (
    LONGEST_LINE,
    Auth,
    AuthProtocol,
    Cancel,
    Response,
    challenge,
    decode,
    failure,
    handshake,
    success,
)
from maildird.terms.errors import Malformed

HELLO = b"VERSION\t1\t0\nCPID\t123\n"


def commands(data: bytes, piece: int = 0) -> list[object]:
    """What a client wants that sends this, all at once or in pieces of so many octets."""
    protocol = AuthProtocol()
    found: list[object] = []
    for at in range(0, len(data), piece or len(data)):
        protocol.receive_data(data[at : at + (piece or len(data))])
        while (command := protocol.next_command()) is not None:
            found.append(command)
    return found


def test_what_the_server_says_first_is_in_the_order_that_postfix_needs() -> None:
    lines = handshake(7, ["PLAIN", "LOGIN", "SCRAM-SHA-256"]).decode().splitlines()
    assert lines[:4] == [
        "VERSION\t1\t2",
        "MECH\tPLAIN\tplaintext",
        "MECH\tLOGIN\tplaintext",
        "MECH\tSCRAM-SHA-256\tmutual-auth",
    ]
    assert re.fullmatch(r"SPID\t\d+", lines[4])
    assert lines[5] == "CUID\t7"
    assert re.fullmatch(r"COOKIE\t[0-9a-f]{32}", lines[6])
    assert lines[7:] == ["DONE"]


@pytest.mark.parametrize("piece", [0, 1, 7])
def test_commands_come_out_whatever_the_pieces(piece: int) -> None:
    said = (
        HELLO
        + b"AUTH\t1\tplain\tservice=smtp\tnologin\tlip=192.0.2.1\trip=192.0.2.7\tsecured"
        + b"\tresp=AGFkYQBzZWNyZXQ=\n"
        + b"AUTH\t4294967295\tLOGIN\tservice=submission\trip=2001:db8::1\trport=4711\n"
        + b"CONT\t2\tYWRh\nCONT\t2\t\nCANCEL\t2\n"
    )
    assert commands(said, piece) == [
        Auth(1, "PLAIN", "smtp", Address("192.0.2.7", 0), b"AGFkYQBzZWNyZXQ="),
        Auth(4294967295, "LOGIN", "submission", Address("2001:db8::1", 4711), None),
        Response(2, b"YWRh"),
        Response(2, b""),
        Cancel(2),
    ]


def test_what_stands_behind_the_response_is_ignored() -> None:
    (auth,) = commands(HELLO + b"AUTH\t1\tPLAIN\tresp=AA==\trip=192.0.2.7\tservice=imap\n")
    assert auth == Auth(1, "PLAIN", "", Address("127.0.0.1", 0), b"AA==")


@pytest.mark.parametrize(
    ("said", "peer"),
    [
        (b"rip=192.0.2.7\trport=4711", Address("192.0.2.7", 4711)),
        (b"rip=192.0.2.7\trport=x", Address("192.0.2.7", 0)),
        (b"rip=192.0.2.7\trport=65536", Address("192.0.2.7", 0)),
        (b"rip=::ffff:192.0.2.7", Address("192.0.2.7", 0)),
        (b"rip=::FFFF:C000:207", Address("192.0.2.7", 0)),
        (b"rip=2001:DB8:0::1", Address("2001:db8::1", 0)),
        (b"rip=fe80::1%eth0\trport=4711", Address("fe80::1", 4711)),
    ],
)
def test_the_address_of_a_client_has_one_spelling(said: bytes, peer: Address) -> None:
    (auth,) = commands(HELLO + b"AUTH\t1\tPLAIN\t" + said + b"\n")
    assert isinstance(auth, Auth)
    assert auth.peer == peer


@pytest.mark.parametrize("rip", [b"", b"rip=", b"rip=unknown", b"rip=\xff", b"rport=4711"])
def test_a_client_without_an_address_counts_as_local(rip: bytes) -> None:
    (auth,) = commands(HELLO + b"AUTH\t1\tPLAIN\t" + rip + b"\n")
    assert isinstance(auth, Auth)
    assert auth.peer == Address("127.0.0.1", 0)


def test_fields_are_escaped() -> None:
    (auth,) = commands(HELLO + b"AUTH\t1\tPLAIN\tservice=a\x01tb\x01nc\x01x\tresp=AA==\n")
    assert isinstance(auth, Auth)
    assert auth.service == "a\tb\ncx"
    assert success(1, "a\tb\nc\x01d\re") == b"OK\t1\tuser=a\x01tb\x01nc\x011d\x01re\n"


def test_answers() -> None:
    assert challenge(5, b"") == b"CONT\t5\t\n"
    assert challenge(5, b"Username:") == b"CONT\t5\tVXNlcm5hbWU6\n"
    assert success(5, "ève@example.org") == "OK\t5\tuser=ève@example.org\n".encode()
    assert failure(5, "no", name=b"a\nb") == b"FAIL\t5\tuser=a\x01nb\treason=no\n"
    assert failure(5, "no", temporary=True) == b"FAIL\t5\ttemp\tcode=temp_fail\treason=no\n"


@pytest.mark.parametrize(
    "said",
    [
        b"AUTH\t1\tPLAIN\n",
        b"VERSION\n",
        b"VERSION\t2\t0\n",
        b"GET / HTTP/1.1\r\n",
        b"\n",
        HELLO + b"\n",
        HELLO + b"XYZZY\n",
        HELLO + b"AUTH\n",
        HELLO + b"AUTH\t1\n",
        HELLO + b"AUTH\t-1\tPLAIN\n",
        HELLO + b"AUTH\t4294967296\tPLAIN\n",
        HELLO + b"AUTH\t99999999999999999999\tPLAIN\n",
        HELLO + b"AUTH\t\xd9\xa1\tPLAIN\n",
        HELLO + b"CONT\t1\n",
        HELLO + b"CONT\tx\tAA==\n",
        HELLO + b"CANCEL\n",
        HELLO + b"A" * (LONGEST_LINE + 1),
        HELLO + b"A" * (LONGEST_LINE + 1) + b"\n",
    ],
)
def test_garbage_ends_the_connection(said: bytes) -> None:
    with pytest.raises(Malformed) as error:
        commands(said)
    assert str(error.value).isprintable()


@given(
    st.lists(st.sampled_from([b"AUTH", b"CONT", b"1", b"\t", b"\n", b"\x01", b"resp=", b"\xff"]))
)
def test_garbage_of_any_kind_is_malformed_or_a_command(pieces: list[bytes]) -> None:
    with suppress(Malformed):
        commands(HELLO + b"".join(pieces))


@given(st.binary(max_size=60))
def test_names_come_back_as_they_were(name: bytes) -> None:
    line = failure(1, "no", name=name)
    assert line.count(b"\t") == 3
    assert line.count(b"\n") == 1
    (auth,) = commands(HELLO + line.replace(b"FAIL\t1\tuser=", b"AUTH\t1\tPLAIN\tresp="))
    assert isinstance(auth, Auth)
    assert auth.initial == name


def test_a_line_may_be_as_long_as_the_document_says() -> None:
    start = b"CONT\t1\t"
    response = b"A" * (LONGEST_LINE - len(start))
    assert commands(HELLO + start + response + b"\n") == [Response(1, response)]


@pytest.mark.parametrize("data", [b"x", b"AA", b"A A=", b"AA==\r", b"\xff\xff\xff\xff"])
def test_responses_that_are_not_base64(data: bytes) -> None:
    with pytest.raises(Malformed):
        decode(data)


@pytest.mark.parametrize(("data", "decoded"), [(b"", b""), (b"=", b""), (b"YWRh", b"ada")])
def test_responses(data: bytes, decoded: bytes) -> None:
    assert decode(data) == decoded
    assert base64.b64encode(decoded) in (data, b"")
