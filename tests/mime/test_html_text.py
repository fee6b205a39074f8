"""What a reader of HTML sees."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maildird.mime.html_text import visible_text


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("plain", "plain"),
        ("<b>im</b>portant", "important"),
        ('<a href="http://x/">here</a>', "here"),
        ("<P>one</P><td>two<br/>three", "\none\n\ntwo\nthree"),
        ("caf&eacute; &#228; &#xe4; &lt;b&gt; a&nbsp;b", "café ä ä <b> a\xa0b"),
        ("Ver&shy;trag", "Vertrag"),
        ("<!DOCTYPE html><!-- hidden --><?x?>a", "\n\n\na"),
        ("<style>b { c }</style>a<SCRIPT>if (1 < 2) d</SCRIPT>e", "\na\ne"),
        ("<style>never closed", "\n"),
        ("a < b > c <", "a < b > c <"),
        ("a <b", "a <b"),
        ("<<b>a", "<a"),
        ("&#" + "9" * 5000 + ";", "\ufffd"),
        ("&unknown; &", "&unknown; &"),
    ],
)
def test_visible_text(source: str, text: str) -> None:
    assert visible_text(source) == text


@given(st.lists(st.sampled_from(["<", ">", "a", "/", "style", "&", "#", "9", ";", "!", " "])))
def test_any_source_has_a_text(pieces: list[str]) -> None:
    visible_text("".join(pieces)).encode()
