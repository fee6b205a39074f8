"""Names and passwords."""

import pytest

from maildird.mailbox.settings import AccountSettings
from maildird.server.authentication import Authenticator
from maildird.server.settings import User

ADA = User("ada", "pässword", AccountSettings("ada", b"/m", b"/s"))
EVE = User("ève@example.org", "x", AccountSettings("ève", b"/n", b"/t"))


@pytest.mark.parametrize(
    ("name", "password", "user"),
    [
        (b"ada", "pässword".encode(), ADA),
        ("ève@example.org".encode(), b"x", EVE),
        (b"ada", b"x", None),
        (b"ada", b"", None),
        (b"ADA", "pässword".encode(), None),
        (b"", b"", None),
        (b"bob", b"x", None),
        (b"\xff\x00", b"\xff", None),
    ],
)
def test_only_the_right_pair_is_let_in(name: bytes, password: bytes, user: User | None) -> None:
    assert Authenticator([ADA, EVE]).user(name, password) is user
