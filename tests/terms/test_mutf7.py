"""Modified UTF-7: the RFC's own examples, one spelling for each name, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maildird.terms import mutf7

KNOWN = [
    ("INBOX", "INBOX"),
    ("R&D", "R&-D"),
    ("~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
    ("Entwürfe", "Entw&APw-rfe"),
    ("😀", "&2D3eAA-"),
    ("a\tb", "a&AAk-b"),
]


@pytest.mark.parametrize(("name", "spelled"), KNOWN)
def test_known_spellings(name: str, spelled: str) -> None:
    assert mutf7.encode(name) == spelled
    assert mutf7.decode(spelled) == name


@pytest.mark.parametrize(
    "spelled",
    [
        "&",
        "a&b",
        "&AGE-",  # 'a' must stand for itself
        "&Jjo!",
        "&U,BTFw-&ZeVnLIqe-",  # two shifts side by side
        "&AB-",  # half a UTF-16 unit
        "&2D0-",  # a lone surrogate
        "Entwürfe",
        "a\tb",
    ],
)
def test_what_is_not_the_one_spelling_is_refused(spelled: str) -> None:
    with pytest.raises(ValueError, match=r"modified UTF-7|base64"):
        mutf7.decode(spelled)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_every_name_comes_back(name: str) -> None:
    spelled = mutf7.encode(name)
    assert spelled.isascii()
    assert mutf7.decode(spelled) == name


@given(st.text(st.sampled_from("&-,+/AbZ019=ü ")))
def test_whatever_is_decoded_encodes_to_the_same(spelled: str) -> None:
    try:
        name = mutf7.decode(spelled)
    except ValueError:
        return
    assert mutf7.encode(name) == spelled
