"""What counts as the same text in a search."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maildird.mime.casemap import Phrase, Text, fold


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
    assert Phrase(needle).is_in(Text(text))


@pytest.mark.parametrize(
    ("text", "needle"),
    [("cafe", "café"), ("ab", "a b"), ("category", "cat "), ("", "a")],
)
def test_not_contained(text: str, needle: str) -> None:
    assert not Phrase(needle).is_in(Text(text))


_words = st.text(st.characters(exclude_categories=["Cs", "M"]))


@given(_words, _words, _words)
def test_what_is_inside_is_found(before: str, needle: str, behind: str) -> None:
    assert Phrase(needle).is_in(Text(before + needle + behind))
    assert Phrase(unicodedata.normalize("NFC", needle)).is_in(Text(before + needle + behind))


_latin = st.text(st.characters(max_codepoint=0xFF))


@given(_latin, st.text("sS1a e/ßé¼ª", min_size=1), _latin)
def test_the_sketch_hides_nothing_that_the_folded_text_has(
    before: str, needle: str, behind: str
) -> None:
    text = before + needle + behind
    spaced = re.sub(r"\s+", " ", fold(text))
    for phrase in (needle, fold(needle), behind[:3], "s", "2", "e a"):
        assert Phrase(phrase).is_in(Text(text)) is (re.sub(r"\s+", " ", fold(phrase)) in spaced)
