"""Long messages, piece by piece."""

import os
from pathlib import Path

import pytest

from maildird.maildir.content import Content, read_content, wire_form
from maildird.maildir.long_content import LONG, PIECE, LongContent, Stretch, open_content

LINES = b"a line\n" * (LONG // 7 + 1)


def opened(path: Path, raw: bytes) -> LongContent:
    path.write_bytes(raw)
    content = open_content(os.fsencode(path))
    assert isinstance(content, LongContent)
    return content


@pytest.mark.parametrize(
    "border", [b"\r\n", b"\n\n", b"\r\r", b"x\n", b"\r\0", b"\0\n", b"\n\r"], ids=repr
)
@pytest.mark.parametrize("end", [b"", b"\r", b"\n", b"\r\n"], ids=repr)
def test_the_pieces_are_the_wire_form(tmp_path: Path, border: bytes, end: bytes) -> None:
    raw = b"x" * (PIECE - 1) + border + b"y" * (PIECE - 2) + border + LINES + end
    content, wire = opened(tmp_path / "1", raw), wire_form(raw)
    assert content.size == len(wire)
    assert content.whole() == read_content(os.fsencode(tmp_path / "1"))
    for start, stop in (
        (0, len(wire)),
        (0, 1),
        (PIECE - 2, PIECE + 3),
        (PIECE, PIECE),
        (2 * PIECE - 1, 2 * PIECE + 2),
        (len(wire) - 1, len(wire)),
        (len(wire), len(wire)),
    ):
        assert b"".join(Stretch(content, start, stop).pieces()) == wire[start:stop]
    content.close()


def test_no_piece_is_empty(tmp_path: Path) -> None:
    """Where one CR is all that is left for the last piece, too."""
    raw = b"x" * (LONG // PIECE + 1) * PIECE + b"\r"
    content = opened(tmp_path / "1", raw)
    pieces = list(content.pieces(0, content.size))
    assert b"".join(pieces) == raw
    assert all(pieces)
    content.close()


def test_it_stays_what_it_is_when_its_file_goes(tmp_path: Path) -> None:
    content = opened(tmp_path / "1", LINES)
    os.unlink(tmp_path / "1")
    assert b"".join(content.pieces(0, content.size)) == wire_form(LINES)
    content.close()


def test_pieces_go_as_far_as_the_file_does(tmp_path: Path) -> None:
    content = opened(tmp_path / "1", LINES)
    size = content.size
    os.truncate(tmp_path / "1", 70)
    assert b"".join(content.pieces(0, size)) == b"a line\r\n" * 10
    content.close()


def test_others_are_read_at_once(tmp_path: Path) -> None:
    (tmp_path / "1").write_bytes(b"a line\n")
    content = open_content(os.fsencode(tmp_path / "1"))
    assert isinstance(content, Content)
    assert content.data == b"a line\r\n"
