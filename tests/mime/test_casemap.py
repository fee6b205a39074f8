"""What counts as the same text in a search."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maildird.mime.casemap import contains, fold


@pytest.mark.parametrize(
    ("text", "needle"),
    [
        ("Hello World", "hello world"),
        ("hello", "ELL"),
        ("straße", "STRASSE"),
        ("ΌΣΟΣ", "όσος"),
        ("ﬁle", "file"),
        ("℡", "tel"),
        ("café", "CAFE\N{COMBINING ACUTE ACCENT}"),
        ("cafe\N{COMBINING ACUTE ACCENT}", "CAFÉ"),
        ("café", "cafe"),
        ("a\N{NO-BREAK SPACE}b", "a b"),
        ("broken\r\n  line", "broken line"),
        ("tab\tbed", "tab bed"),
        ("a b", "a  b"),
        ("anything", ""),
    ],
)
def test_contained(text: str, needle: str) -> None:
    assert contains(fold(text), needle)


@pytest.mark.parametrize(
    ("text", "needle"),
    [("cafe", "café"), ("ab", "a b"), ("category", "cat "), ("", "a")],
)
def test_not_contained(text: str, needle: str) -> None:
    assert not contains(fold(text), needle)


_words = st.text(st.characters(exclude_categories=["Cs", "M"]))


@given(_words, _words, _words)
def test_what_is_inside_is_found(before: str, needle: str, behind: str) -> None:
    assert contains(fold(before + needle + behind), needle)
    assert contains(fold(before + needle + behind), unicodedata.normalize("NFC", needle))
