"""The table of charsets: what it knows, under which names, and that it holds nothing else."""

import pytest

from maildird.terms.charsets import CODECS, normalised


@pytest.mark.parametrize(
    ("charset", "codec"),
    [
        ("US-ASCII", "ascii"),
        ("utf-8", "utf_8"),
        ("UTF8", "utf_8"),
        ("ISO-8859-1", "latin_1"),
        ("iso_8859-15", "iso8859_15"),
        ("Windows-1252", "cp1252"),
        ("KOI8-U", "koi8_u"),
        ("csHPRoman8", "hp_roman8"),
        ("GB18030", "gb18030"),
    ],
)
def test_known_charsets(charset: str, codec: str) -> None:
    name = CODECS[normalised(charset)]
    assert "aé".encode(name, "replace") == "aé".encode(codec, "replace")


@pytest.mark.parametrize(
    "charset",
    ["idna", "punycode", "base64", "rot-13", "zlib", "unicode-escape", "undefined", "aliases"],
)
def test_codecs_that_are_no_charsets_are_left_out(charset: str) -> None:
    assert normalised(charset) not in CODECS


@pytest.mark.parametrize("charset", sorted(CODECS))
def test_every_name_is_found_and_decodes(charset: str) -> None:
    assert normalised(charset) == charset
    assert isinstance(b"a b".decode(CODECS[charset], "replace"), str)
