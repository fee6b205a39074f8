"""LIST patterns, by a table and against the obvious recursive definition."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maildird.session.patterns import Pattern


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("*", "INBOX", True),
        ("*", "a/b/c", True),
        ("%", "a", True),
        ("%", "a/b", False),
        ("a/%", "a/b", True),
        ("a/%", "a/b/c", False),
        ("%/b", "a/b", True),
        ("a*c", "a/b/c", True),
        ("a%c", "a/b/c", False),
        ("%*%", "a/b/c", True),
        ("", "a", False),
        ("a", "A", False),
        ("inbox", "INBOX", True),
        ("InBoX/%", "INBOX/sub", True),
        ("inboxes", "INBOXES", False),
        ("sub/inbox", "sub/INBOX", False),
        ("[a].{2}", "[a].{2}", True),
        ("Entw%", "Entwürfe", True),
    ],
)
def test_table(pattern: str, name: str, expected: bool) -> None:
    assert Pattern(pattern, "/").matches(name) is expected


def obviously_matches(pattern: str, name: str) -> bool:
    if not pattern:
        return not name
    if pattern[0] in "*%":
        if obviously_matches(pattern[1:], name):
            return True
        consumed = bool(name) and (pattern[0] == "*" or name[0] != "/")
        return consumed and obviously_matches(pattern, name[1:])
    return bool(name) and name[0] == pattern[0] and obviously_matches(pattern[1:], name[1:])


@given(st.text("ab/*%", max_size=8), st.text("ab/", max_size=8))
def test_matches_as_defined(pattern: str, name: str) -> None:
    assert Pattern(pattern, "/").matches(name) is obviously_matches(pattern, name)


def test_a_pattern_made_to_be_slow_is_not() -> None:
    assert not Pattern("%a" * 5000, "/").matches("a" * 4000 + "b")
