"""ADDRESS:PORT, as the command line and the configuration file take it, and where clients are."""

import pytest

from maildird.server.addresses import Address, address_of_client, parse_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:1143", Address("127.0.0.1", 1143)),
        ("localhost:0", Address("localhost", 0)),
        ("[::1]:65535", Address("::1", 65535)),
        ("[0:0::1]:143", Address("::1", 143)),
    ],
)
def test_an_address_and_a_port(text: str, address: Address) -> None:
    assert parse_address(text) == address
    assert parse_address(str(address)) == address


@pytest.mark.parametrize(
    "text",
    ["", "143", "localhost", ":143", "::1:143", "[::1]", "[::1:143", "[x]:143", "a b:1", "a:",
     "a:-1", "a:65536", "a:٣", "a:1x", "[127.0.0.1]:1"],
)  # fmt: skip
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_address(text)


@pytest.mark.parametrize(
    ("host", "told"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::FFFF:c000:201", "192.0.2.1"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("::1", "::1"),
    ],
)
def test_a_client_is_at_an_address_in_one_spelling(host: str, told: str) -> None:
    assert address_of_client(host, 5000) == Address(told, 5000)


@pytest.mark.parametrize("host", ["", "localhost", "192.0.2", "192.0.2.1/32", "%eth0", "[::1]"])
def test_a_client_is_at_no_other_thing(host: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        address_of_client(host, 5000)
