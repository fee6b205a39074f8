"""The file of keywords without a letter, and what crashes and others make of it."""

import os
from collections.abc import Callable

import pytest

from maildird.maildir.letterless import (
    FILE,
    GROWTH,
    Keywords,
    Position,
    append_letterless,
    cut_letterless,
    is_as_left,
    read_letterless,
    remove_letterless,
    write_letterless,
)
from tests.maildir.disk import content_of, full_disk, put

BASES = tuple(b"17000%d.M1.host" % number for number in range(10))


def said(folder: bytes) -> dict[bytes, Keywords] | None:
    found = read_letterless(folder, BASES)
    return None if found is None else dict(found.keywords)


def write(folder: bytes, keywords: dict[Keywords, list[bytes]]) -> Position:
    return write_letterless(folder, lambda: keywords)


def test_a_folder_without_letterless_keywords(folder: bytes) -> None:
    assert read_letterless(folder, BASES) is None
    remove_letterless(folder)


def test_the_last_word_on_a_message_counts(folder: bytes) -> None:
    one, two, three, *_ = BASES
    position = write(folder, {("far", "off"): [one, two], ("far",): [three]})
    assert is_as_left(folder, position)
    after = append_letterless(folder, position, {(): [one], ("/.",): [two, b"others"]})
    assert after is not None
    assert is_as_left(folder, after)
    assert not is_as_left(folder, position)
    assert said(folder) == {one: (), two: ("/.",), three: ("far",)}
    remove_letterless(folder)
    assert said(folder) is None


def test_many_messages_and_names_of_all_kinds(folder: bytes) -> None:
    many = [b"%d.\t x" % number for number in range(5000)]
    write(folder, {("far",): [*many, b"a\nb", b"\xff%20"]})
    found = read_letterless(folder, [*many, b"a\nb", b"\xff%20"])
    assert found is not None
    assert found.keywords == dict.fromkeys([*many, b"\xff%20"], ("far",))
    assert not found.damaged


def test_a_line_that_was_cut_short_says_nothing(folder: bytes) -> None:
    one, two, *_ = BASES
    position = write(folder, {("far",): [one]})
    assert append_letterless(folder, position, {("off", "/."): [one, two]})
    whole = content_of(folder, FILE)
    for length in range(position.size, len(whole) - 1):
        overwrite(folder, whole[:length])
        assert said(folder) == {one: ("far",)}
        left = Position(position.inode, length, position.anew)
        assert append_letterless(folder, left, {("next",): [two]})
        assert said(folder) == {one: ("far",), two: ("next",)}


def test_what_was_said_last_is_taken_back(folder: bytes) -> None:
    one, *_ = BASES
    before = write(folder, {("far",): [one]})
    content = content_of(folder, FILE)
    after = append_letterless(folder, before, {(): [one]})
    assert after is not None
    assert cut_letterless(folder, after, before)
    assert content_of(folder, FILE) == content
    assert not cut_letterless(folder, after, before), "it is not as it was left"
    anew = write(folder, {})
    assert not cut_letterless(folder, anew, before), "it is another file"


def test_a_full_disk_takes_nothing_of_it(folder: bytes) -> None:
    before = write(folder, {("far",): [BASES[0]]})
    content = content_of(folder, FILE)
    with full_disk():
        with pytest.raises(OSError, match=r"large: b'.*/maildird-keywords"):
            append_letterless(folder, before, {("off",): [*BASES]})
        with pytest.raises(OSError, match=r"large: b'.*/maildird-keywords"):
            write(folder, {("off",): [*BASES]})
    assert content_of(folder, FILE) == content
    assert is_as_left(folder, before)


def test_it_is_written_anew_when_it_has_grown(folder: bytes) -> None:
    position: Position | None = write(folder, {})
    largest = 0
    while position is not None:
        largest = position.size
        position = append_letterless(folder, position, {("far",): [*BASES]})
    assert GROWTH - 1000 < largest <= GROWTH


@pytest.mark.parametrize("change", [os.unlink, lambda path: os.truncate(path, 3)])
def test_nothing_is_added_to_what_others_changed(
    folder: bytes, change: Callable[[bytes], None]
) -> None:
    position = write(folder, {("far",): [BASES[0]]})
    change(os.path.join(folder, FILE))
    assert not is_as_left(folder, position)
    assert append_letterless(folder, position, {("off",): [BASES[0]]}) is None


@pytest.mark.parametrize(
    "line",
    [
        *(b"x", b"\0" * 5000, b"far 1.h/.", b"far\t", b"far\t.", b"far\t1.h/", b"\\Seen\t1.h/."),
        *(b"f\xc3\xa4r\t1.h/.", b"a  b\t1.h/.", b" \t1.h/.", b"k " * 99 + b"k\t1.h/."),
    ],
)
def test_lines_that_make_no_sense_are_skipped(
    folder: bytes, line: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    put(folder, FILE, b"far\t1.h/2.h/.\n" + line + b"\n\n\toff\toff/.\n\t2.h/.\n")
    found = read_letterless(folder, [b"1.h", b"2.h"])
    assert found is not None
    assert found.damaged
    assert found.keywords == {b"1.h": ("far",), b"2.h": ()}
    assert "make no sense" in caplog.text


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: os.symlink("nowhere", path)])
def test_what_is_no_file_is_left_out(
    folder: bytes, make: Callable[[bytes], None], caplog: pytest.LogCaptureFixture
) -> None:
    path = os.path.join(folder, FILE)
    make(path)
    before = os.lstat(path)
    found = read_letterless(folder, BASES)
    assert found is not None
    assert (found.keywords, found.damaged) == ({}, True)
    assert "left out" in caplog.text
    position = Position(before.st_ino, before.st_size, 0)
    assert not is_as_left(folder, position)
    assert append_letterless(folder, position, {("far",): [*BASES]}) is None
    assert not cut_letterless(folder, position, position)
    remove_letterless(folder)
    assert os.path.samestat(os.lstat(path), before)


def test_a_file_that_is_too_long_is_left_out(
    folder: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    put(folder, FILE)
    os.truncate(os.path.join(folder, FILE), 1 << 40)
    found = read_letterless(folder, BASES)
    assert found is not None
    assert found.damaged
    assert "left out" in caplog.text


def overwrite(folder: bytes, content: bytes) -> None:
    """Have the file contain that; it stays the same file."""
    with open(os.path.join(folder, FILE), "r+b") as file:
        file.truncate()
        file.write(content)
