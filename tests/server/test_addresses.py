"""ADDRESS:PORT, as the command line and the configuration file take it."""

import pytest

from maildird.server.kinds import Address, parse_address


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
